"""The bot of all the examples: it notes what guests ask for, and forgets it with them.

uvicorn bot:app --port 8080
"""

from innkeeper import AccountScope, Action, App, Card, Command, Installed, UserScope

app = App("Front Desk", description="Notes what guests ask for.")
asked: dict[str, list[str]] = {}  # by user id; stands for a table of your own


@app.on_install
async def hello(ctx: Installed) -> Card:
    return Card("Thanks for adding me!").text(f"Hi {ctx.user.name}, type help.")


@app.command("help")
def help_(ctx: Command) -> str:
    return "Try: due friday ship it"


@app.command("due")
async def due(ctx: Command) -> Card:
    asked.setdefault(ctx.user.id, []).append(ctx.text)
    return Card("A request").text(" ".join(ctx.args)).button("Approve", "approve")


@app.action("approve")
async def approve(ctx: Action) -> None:
    await ctx.update(Card("Approved").text(f"by {ctx.user.name}"))


@app.purge("asked")
async def forget(scope: UserScope | AccountScope) -> int:
    users = [scope.user_id] if isinstance(scope, UserScope) else list(asked)
    return sum(len(asked.pop(user, [])) for user in users)
