# pyright: strict
"""A bot of typical mistakes: two strict checkers find each of them, on its line."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated

from innkeeper import (
    Action,
    App,
    CallNext,
    Card,
    Command,
    Context,
    Deauthorized,
    Depends,
    Edited,
    Filled,
    Form,
    Happened,
    Installed,
    Jid,
    Mentioned,
    Message,
    MessageId,
    Router,
    Selected,
    Submitted,
    UserId,
    date_picker,
    number_input,
    radio,
    switch,
    text_input,
)

app = App("Night Porter", ordering="random")  # wrong: no such ordering
App("Night Porter", patience=60)  # wrong: a number is no time
App("Night Porter", "Carries bags")  # wrong: a name alone needs none
app.include(App)  # wrong: the class, not a router
app.comand("help")  # wrong: misspelt
app.command(7)  # wrong: words are text


# the wrong context


@app.command("help")  # wrong: a button's context
async def context_of_a_button(ctx: Action) -> None: ...


@app.action("yes")  # wrong: a command's context
async def context_of_a_command(ctx: Command) -> None: ...


@app.on_install  # wrong: a command's context
async def context_at_the_start(ctx: Command) -> None: ...


@app.on_authorized  # wrong: Zoom's event, which knows of no link
async def context_of_an_install(ctx: Installed) -> None: ...


@app.on_install
async def metadata_too_early(ctx: Installed) -> str:
    return str(ctx.metadata)  # wrong: only `Authorized` has it


app.install_url({"customer": 1})  # wrong: each by its name
app.install_url(lifetime=60)  # wrong: a number is no time


@app.on_deauthorize  # wrong: nobody is there any more
async def context_at_the_end(ctx: Installed) -> None: ...


@app.select  # wrong: an action's context
async def context_of_an_action(ctx: Action) -> None: ...


@app.form("leave")  # wrong: a choice's context
async def context_of_a_choice(ctx: Selected) -> None: ...


@app.edited  # wrong: a form's context
async def context_of_a_form(ctx: Submitted) -> None: ...


@app.mention  # wrong: any event's context
async def context_of_any_event(ctx: Happened) -> None: ...


@app.event("team_chat.app_mention")  # wrong: by name any event comes
async def context_of_a_mention(ctx: Mentioned) -> None: ...


@app.command("help")  # wrong: no context at all
async def no_context() -> None: ...


@Router().command("help")  # wrong: a text is no context
async def text_for_a_context(text: str) -> None: ...


# the wrong return


@app.command("help")  # wrong: a number cannot be said
async def returns_a_number(ctx: Command) -> int:
    return len(ctx.text)


@app.command("help")  # wrong: a sync one, too
def returns_bytes(ctx: Command) -> bytes:
    return ctx.text.encode()


@app.on_install  # wrong: a list cannot be said; yield its parts
async def returns_a_list(ctx: Installed) -> list[str]:
    return [ctx.user.name]


@app.action("yes")  # wrong: numbers cannot be said
async def yields_numbers(ctx: Action) -> AsyncIterator[int]:
    yield len(ctx.value)


@app.on_deauthorize  # wrong: nobody hears it
async def answers_nobody(ctx: Deauthorized) -> str:
    return ctx.request_id


@app.middleware  # wrong: it has to wait
def does_not_wait(ctx: Context, call_next: CallNext) -> None: ...


@app.middleware  # wrong: nothing to call
async def calls_nothing(ctx: Context) -> None: ...


@app.error  # wrong: a text is no exception
async def takes_a_text(ctx: Context, error: str) -> None: ...


@app.purge("book")  # wrong: a purge is given a scope
async def takes_a_context(ctx: Deauthorized) -> int:
    return len(ctx.account_id)


# what a context cannot do


@app.command("mistakes")
async def mistakes(ctx: Command, it: Annotated[int, Depends(len)]) -> str:
    await ctx.repyl("hello")  # wrong: misspelt
    ctx.reply("hello")  # wrong: not awaited
    await ctx.reply(42)  # wrong: a number is no answer
    await ctx.update("hello")  # wrong: which message?
    await ctx.update("hello", ctx.user.id)  # wrong: a user's id is no message's
    await ctx.update("hello", "m1")  # wrong: nor is any text
    await ctx.delete()  # wrong: which message?
    await ctx.state.get(7)  # wrong: keys are text
    await ctx.client.chat.send("hello", to=ctx.user.id)  # wrong: an id is no JID
    print(ctx.value)  # wrong: a command has no value
    print(ctx.payload.value)  # wrong: nor has its payload
    print(ctx.user.email)  # wrong: Zoom does not say
    print(ctx.channel.name)  # wrong: there may be none
    jid: Jid = ctx.user.id  # wrong: an id is no JID
    user: UserId = ctx.user.jid  # wrong: a JID is no id
    message: MessageId = ctx.request_id  # wrong: our id is no message's
    print(jid, user, message)
    return it  # wrong: a number is no text


@app.action("mistakes")
async def more(ctx: Action) -> None:
    print(ctx.args)  # wrong: a button has no words
    await ctx.update()  # wrong: with what?
    await ctx.update(ctx.raw)  # wrong: JSON is no card
    ctx.value = "other"  # wrong: what happened has happened


async def charge() -> list[int]:
    """Give what needs a shape."""
    return [7]


@app.command("pay")
async def pay(ctx: Command) -> None:
    await ctx.consume()  # wrong: a command is no message of the bot's
    await ctx.once("pay")  # wrong: what?
    await ctx.once("pay", charge())  # wrong: begun already
    await ctx.once("pay", charge)  # wrong: a list needs a shape
    await ctx.once("pay", ctx.account_id.lower)  # wrong: nothing to wait for


@app.action("pay")
async def paid(ctx: Action) -> None:
    await ctx.consume(7)  # wrong: a key is text
    first: bool = await ctx.consume()  # wrong: it says nothing, it raises
    print(first)


@app.edited
async def changed(ctx: Edited) -> None:
    print(ctx.key.upper())  # wrong: a text has no key


@app.on_deauthorize
async def gone(ctx: Deauthorized) -> None:
    await ctx.reply("goodbye")  # wrong: there is nobody to talk to
    await ctx.dm("goodbye")  # wrong: nor alone
    print(ctx.state)  # wrong: it is purged
    print(ctx.client)  # wrong: every token is dead


# cards


Card(7)  # wrong: a title is text
Card("Room").txt("7")  # wrong: misspelt
Card("Room").text("7", colour="#ff0000")  # wrong: Zoom writes color
Card("Room").text(7)  # wrong: a number is no text
Card("Room").button("Clean")  # wrong: which value?
Card("Room").button("Clean", "clean", style="Red")  # wrong: no such style
Card("Room").field("Number", 7)  # wrong: a number is no text
Card("Room").body = ()  # wrong: cards are frozen
Card("Room").alert("Wet paint", "LOUD")  # wrong: no such level
Card("Room").progress("half")  # wrong: a bar is a number
Card("Room").radio("r", ["a", "b"])  # wrong: which words?
Card("Room").find("alert")  # wrong: kinds are classes
Message(txt="hello")  # wrong: misspelt


# forms


class Stay(Form):
    """What somebody says of a stay."""

    rating: str = radio({1: "Bad", 2: "Good"})  # wrong: its values are numbers
    since: date = date_picker(required=False)  # wrong: it may be empty
    nights: int = number_input(required=False)  # wrong: it may be empty
    note: str = text_input(multi=True)  # wrong: misspelt
    again: bool = switch("Again?")


@app.form(Stay)
async def stayed(ctx: Filled[Stay]) -> None:
    print(ctx.values.ratign)  # wrong: misspelt
    ctx.values.again = False  # wrong: what was filled in is frozen
    print(ctx.values.again.upper())  # wrong: a switch is no text


@app.form(Stay)  # wrong: a command's context, not the form's
async def context_of_no_form(ctx: Command) -> None: ...


# Zoom's API


async def calls(ctx: Command) -> None:
    """Call it wrongly."""
    await ctx.client.request("get", "/users/me")  # wrong: methods are upper case
    await ctx.client.request("GET", "/users/me", token="admin")  # wrong: no such token
    user: str = await ctx.client.users.me()  # wrong: a user is no text
    await ctx.client.chat.edit("m1", "hello")  # wrong: any text is no message's id
    await ctx.client.chat.send("hello", budget=5)  # wrong: seconds of what?
    await app.for_install(account_id=ctx.user.id)  # wrong: a user is no account
    print(user)
