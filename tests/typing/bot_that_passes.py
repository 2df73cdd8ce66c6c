# pyright: strict
"""A bot as its author would write it: two strict checkers find nothing to say."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal, assert_type

from innkeeper import (
    AccountId,
    AccountScope,
    Action,
    ActionConsumed,
    ApiRefused,
    App,
    Authorized,
    Budget,
    CallNext,
    Card,
    Channel,
    Command,
    Context,
    Deauthorized,
    Depends,
    Edited,
    EffectUnconfirmed,
    Filled,
    Form,
    Happened,
    Installed,
    Interaction,
    Jid,
    Linked,
    Mentioned,
    MessageId,
    Pages,
    Person,
    ReauthNeeded,
    Router,
    Selected,
    SentMessage,
    Submitted,
    User,
    UserId,
    UserScope,
    bold,
    checkboxes,
    date_picker,
    dropdown,
    member_picker,
    number_input,
    radio,
    switch,
    text_input,
)

app = App("Night Porter", ordering="conversation", patience=timedelta(minutes=1), threads=8)
rooms = Router()
app.include(rooms)


# what handlers need


@dataclass
class Book:
    """What has to be done."""

    jobs: list[str]


async def opened() -> AsyncIterator[Book]:
    """Open the book for an event."""
    yield Book([])


def guests(ctx: Context, book: Annotated[Book, Depends(opened)]) -> Iterator[list[str]]:
    """List whoever has a job."""
    yield [ctx.user.name, *book.jobs]


OpenBook = Annotated[Book, Depends(opened)]
Guests = Annotated[list[str], Depends(guests)]


# what can happen


@app.on_install
async def hello(ctx: Installed) -> Card:
    assert_type(ctx.user, Person)
    assert_type(ctx.user.id, UserId)
    assert_type(ctx.account_id, AccountId)
    await ctx.state.set("since", "today")
    return Card("Welcome").text(f"Hi {ctx.user.name}").button("Help", "help")


@app.command("help")
def help_(ctx: Command) -> str:
    return f"Try `towels 7`, not {ctx.args}"


class Size(Enum):
    """How large a bed is."""

    SINGLE = "single"
    DOUBLE = "double"


@rooms.command("book")
async def book_room(
    ctx: Command,
    number: int,
    book: OpenBook,
    when: date,
    size: Size = Size.SINGLE,
    paid: Literal["paid", "open"] = "open",
    *wishes: str,
) -> AsyncIterator[str | Card]:
    sent = await ctx.reply("One moment")
    assert_type(sent.message_id, MessageId)
    await ctx.update("Nearly", sent.message_id)
    await ctx.delete(sent.message_id)
    book.jobs.append(f"{number} {when:%A} {size} {paid} {wishes}")
    yield "Booked."
    yield Card("Room").field("Number", str(number))


@app.command()
def anything(ctx: Command) -> Iterator[str]:
    yield ctx.text
    yield "?"


@rooms.action("clean")
async def clean(ctx: Action, number: int, *, guests: Guests) -> None:
    await ctx.update(Card("Cleaned").text(f"{ctx.value} {ctx.text} {number} {guests}"))
    if ctx.unverified_action:
        await ctx.delete()
    await ctx.consume()
    await ctx.consume(f"room {number}")


async def charge() -> int:
    return 7


async def ring() -> None:
    print("Ding")


@rooms.command("pay")
async def pay(ctx: Command) -> str:
    async def ask() -> MessageId:
        return (await ctx.reply("Really?")).message_id

    await ctx.once("ring", ring)
    assert_type(await ctx.once("charge", charge), int)
    assert_type(await ctx.once("ask", ask), MessageId)
    posted = await ctx.once("post", lambda: ctx.reply("Paid"), shape=SentMessage)
    assert_type(posted, SentMessage)
    return posted.message_id


@app.error
async def too_late(ctx: Action, error: ActionConsumed) -> str:
    return f"{ctx.user.name}: {error.code}"


@app.error
async def unsure(ctx: Command, error: EffectUnconfirmed) -> str:
    return f"{ctx.user.name}: {error.key}"


@app.select
async def chosen(ctx: Selected) -> str | None:
    assert_type(ctx.values, list[str])
    return ctx.value or None


@app.select("lions")
async def lions(ctx: Selected) -> None:
    await ctx.ephemeral(ctx.original)


@app.edited
async def edited(ctx: Edited) -> str:
    assert_type(ctx.key, str | None)
    return f"{ctx.before} {ctx.after}"


@app.form("leave")
async def submitted(ctx: Submitted) -> Card:
    assert_type(ctx.message_id, MessageId)
    return Card(ctx.form_id).text(ctx.button).text(str(ctx.items))


@app.mention
async def mentioned(ctx: Mentioned) -> str:
    assert_type(ctx.channel, Channel | None)
    return ctx.text if ctx.channel is None else ctx.channel.name


@app.link("example.com")
async def linked(ctx: Linked) -> None:
    await ctx.dm(ctx.link)
    await ctx.client.chat.send("Seen", to=ctx.user.jid)


@app.event("team_chat.channel_message_posted")
async def happened(ctx: Happened) -> None:
    ctx.log.info("posted", keys=sorted(ctx.raw))


@app.on_authorized
async def connected(ctx: Authorized) -> str | None:
    assert_type(ctx.receipt_url, str)
    return f"Linked to {ctx.metadata['customer']}, {ctx.user.name}" if ctx.metadata else None


def connect_link(customer: int, account: AccountId) -> str:
    lifetime = timedelta(minutes=10)
    return app.install_url(
        metadata={"customer": customer}, return_to="/x", account_id=account, lifetime=lifetime
    )


speaking = App(
    "Nachtportier",
    scopes=["user:read:user"],
    pages=Pages(style=Path("brand.css"), texts={"de": {"launch.open": "Auf"}}, language="de"),
)


@app.on_reauth_needed
async def again(ctx: ReauthNeeded) -> str:
    return ctx.install_url


@app.on_deauthorize
async def goodbye(ctx: Deauthorized) -> None:
    ctx.log.info("gone", account=bool(ctx.account_id))


def original(ctx: Interaction) -> Card:
    """Take any interaction."""
    return ctx.original


def where(ctx: Action | Selected) -> Jid:
    """Take one of two contexts."""
    return ctx.user.jid


# what stands around


@app.middleware
async def timed(ctx: Context, call_next: CallNext) -> None:
    await call_next()
    ctx.log.info("handled", deadline=str(ctx.deadline))


@rooms.middleware
async def closed(ctx: Command, call_next: CallNext) -> str | None:
    if ctx.args[:1] == ["13"]:
        return "There is no such room."
    await call_next()
    return None


@app.error
async def refused(ctx: Context, error: ApiRefused) -> str:
    return f"{ctx.request_id}: {error.message}"


@app.error
def other(ctx: Command, error: ValueError | KeyError) -> None:
    ctx.log.warning("other", error=str(error))


@app.purge("book")
async def forget(scope: UserScope | AccountScope) -> int:
    return len(scope.account_id)


def in_a_test() -> None:
    """Replace what handlers need."""
    with app.override(opened, lambda: Book([])):
        assert_type([route.usage for route in app.routes()], list[str])


# forms


class Room(Enum):
    """A room's size."""

    SMALL = "s"
    LARGE = "l"


class Stay(Form, form_id="stay"):
    """What somebody says of a stay."""

    rating: int = radio({1: "Bad", 2: "Good"}, "How was it?")
    size: Room | None = dropdown({Room.SMALL: "Small", Room.LARGE: "Large"}, required=False)
    liked: tuple[str, ...] = checkboxes({"bed": "The bed"}, at_most=1)
    nights: int = number_input(minimum=1, default=1)
    since: date | None = date_picker(required=False)
    friend: Jid = member_picker("With whom?")
    again: bool = switch("Again?")
    note: str = text_input(multiline=True, required=False)

    def check(self) -> dict[str, str]:
        """Ask for a reason."""
        return {"note": "please say why"} if self.rating == 1 and not self.note else {}


@app.form(Stay)
async def stayed(ctx: Filled[Stay], shelf: Annotated[Book, Depends(opened)]) -> str:
    stay = ctx.values
    assert_type(stay.rating, int)
    assert_type(stay.size, Room | None)
    assert_type(stay.liked, tuple[str, ...])
    assert_type(stay.since, date | None)
    assert_type(stay.friend, Jid)
    await ctx.update(Stay.card("Again", values=stay))
    return f"{stay.rating + 1} {shelf}"


# Zoom's API


@app.command("who")
async def who(ctx: Command) -> str:
    me = await ctx.client.users.me()
    assert_type(me, User)
    found = await ctx.client.request("GET", "/users/{}", me.id, shape=User)
    assert_type(found, User)
    async for row in ctx.client.pages("/users", items="users", shape=User):
        assert_type(row, User)
    sent = await ctx.client.chat.send(bold("Hi"), budget=Budget(total_seconds=5))
    assert_type(sent.message_id, MessageId)
    async with ctx.progress("Looking") as progress:
        await progress.set(50, "half")
        progress.done(Card("Done").alert("Found", "SUCCESS").with_head("Found"))
    return found.name


async def remind(account_id: AccountId) -> None:
    """Speak although nothing has happened."""
    client = await app.for_install(account_id=account_id)
    await client.chat.send(Card("Tea?").feedback().overflow(1))
