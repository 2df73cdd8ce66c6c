"""The example bot of `innkeeper demo`: it welcomes, answers a command, and forgets."""

from innkeeper.app import App
from innkeeper.bot.contexts import Action, Command, Installed
from innkeeper.flows.steps import AccountScope, UserScope
from innkeeper.wire.messages import Card

app = App("Night Porter", description="Looks after requests at the front desk.")
notes: dict[str, list[str]] = {}
"""The bot's own table: what people asked for, by user id."""


@app.on_install
async def hello(ctx: Installed) -> Card:
    """Welcome whoever added the app."""
    return Card("Thanks for adding me!").text(f"Hi {ctx.user.name}, type help.")


@app.command("help")
def help_(_ctx: Command) -> str:
    """Say what can be typed."""
    return "Try: due friday ship it"


@app.command("due")
async def due(ctx: Command) -> Card:
    """Note a request, and ask whether it is approved."""
    notes.setdefault(ctx.user.id, []).append(ctx.text)
    await ctx.state.set("last", ctx.text)
    when, what = (*ctx.args, "someday")[0], " ".join(ctx.args[1:]) or "something"
    return (
        Card("A new request")
        .field("What", what, short=True)
        .field("Due", when, short=True)
        .button("Approve", "approve", style="Primary")
        .button("Decline", "decline", style="Danger")
    )


@app.command()
async def anything(ctx: Command) -> str:
    """Answer what no other command takes."""
    return f"I do not know “{ctx.text}”. Type help."


@app.action("approve")
async def approve(ctx: Action) -> None:
    """Put the decision where the question stood."""
    await ctx.update(Card("Approved").text(f"by {ctx.user.name}"))


@app.action("decline")
async def decline(ctx: Action) -> None:
    """Put the decision where the question stood."""
    await ctx.update(Card("Declined").text(f"by {ctx.user.name}"))


@app.purge("notes")
async def forget_notes(scope: UserScope | AccountScope) -> int:
    """Delete the notes of whoever removed the app."""
    if isinstance(scope, UserScope):
        return len(notes.pop(scope.user_id, []))
    deleted = sum(len(kept) for kept in notes.values())
    notes.clear()
    return deleted
