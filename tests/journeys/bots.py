"""The bot that the journeys are walked with: what a bot's author would write."""

from innkeeper import AccountScope, Action, App, Card, Command, Installed, UserScope


class Notes:
    """A table of the bot's own."""

    def __init__(self) -> None:
        self.kept: dict[str, list[str]] = {}

    def add(self, user_id: str, text: str) -> None:
        self.kept.setdefault(user_id, []).append(text)

    def forget(self, user_id: str) -> int:
        return len(self.kept.pop(user_id, []))

    def forget_all(self) -> int:
        deleted = sum(map(len, self.kept.values()))
        self.kept.clear()
        return deleted


def porter(notes: Notes | None = None) -> App:
    """Make a bot that welcomes, takes commands and buttons, and keeps notes."""
    kept = notes or Notes()
    app = App("Porter")

    @app.on_install
    async def hello(ctx: Installed) -> Card:
        return Card("Thanks for adding me!").text(f"Hi {ctx.user.name}, type `help`.")

    @app.command("help")
    def help_(ctx: Command) -> str:
        return f"Try `due friday ship it`, {ctx.user.name}"

    @app.command("due")
    async def due(ctx: Command) -> Card:
        kept.add(ctx.user.id, ctx.text)
        await ctx.state.set(f"last of {ctx.user.name}", ctx.text)
        return Card("A request").text(" ".join(ctx.args)).button("Approve", "approve")

    @app.action("approve")
    async def approve(ctx: Action) -> None:
        await ctx.update(Card("Approved").text(f"by {ctx.user.name}"))

    @app.purge("notes")
    async def forget_notes(scope: UserScope | AccountScope) -> int:
        match scope:
            case UserScope(user_id=user):
                return kept.forget(user)
            case AccountScope():
                return kept.forget_all()

    return app
