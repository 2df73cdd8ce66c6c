"""What must be gone: marks in every place where a person's data may go, and a search for them."""

import base64
import json
import logging
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import structlog

from innkeeper import AccountScope, Action, App, Card, Command, Filled, Form, UserScope, text_input
from innkeeper.logs import configure
from innkeeper.testing import Visitor, Zoom


def mark(what: str) -> str:
    return f"canary{what}{secrets.token_hex(6)}"


@dataclass
class Canaries:
    """Marks of one person, by where they were planted."""

    planted: dict[str, str] = field(default_factory=dict[str, str])

    def plant(self, what: str, value: str | None = None) -> str:
        """Remember a value that will be looked for; a fresh mark unless one is given."""
        self.planted[what] = value or mark(what)
        return self.planted[what]

    def found_in(self, contents: Mapping[str, bytes]) -> list[str]:
        """Name each content in which a mark stands, in whatever spelling."""
        return [
            f"{where}: {what}"
            for where, content in contents.items()
            for what, value in self.planted.items()
            if any(spelling in content.lower() for spelling in spellings(value))
        ]


def spellings(value: str) -> set[bytes]:
    """Spell a value in the ways in which it may have been written down."""
    raw = value.encode()
    found = {raw, raw.hex().encode(), value.encode("utf-16-le"), quote(value).encode()}
    found.add(json.dumps(value)[1:-1].encode())
    for shift in range(3):  # wherever it stands in what was encoded
        coded = base64.b64encode(bytes(shift) + raw)
        found.add(coded[4 if shift else 0 : -4])
    return {each.lower() for each in found}


def files_of(*folders: Path) -> dict[str, bytes]:
    """Read every byte below some folders: databases, their logs and indexes, vault, what else."""
    return {
        str(path): path.read_bytes()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class Order(Form):
    """A form that a person fills in."""

    wish: str = text_input("What would you like?", max_length=200)


def keeper(said: list[str]) -> App:
    """Make a bot that puts what a person says wherever it can."""
    app = App("Keeper")

    @app.command("keep")
    async def keep(ctx: Command, *words: str) -> Card:
        await ctx.state.set(f"key {' '.join(words)}", {"said": list(words)})
        return Card(f"For {ctx.user.name}").text(" ".join(words)).button("Press", words[0])

    @app.command("order")
    def order(_ctx: Command) -> Card:
        return Order.card("Order", submit="Send")

    @app.form(Order)
    async def ordered(ctx: Filled[Order]) -> str:
        await ctx.state.set("order", ctx.values.wish)
        return f"You wish {ctx.values.wish}"

    @app.action()
    async def pressed(ctx: Action) -> None:
        await ctx.state.set("pressed", ctx.value)

    @app.command("fail")
    async def fail(ctx: Command) -> None:
        raise RuntimeError(f"{ctx.user.name} {ctx.text}")

    @app.purge("said")
    def forget(scope: UserScope | AccountScope) -> int:
        said.append(scope.user_id if isinstance(scope, UserScope) else scope.account_id)
        return 0

    return app


async def live_a_life(zoom: Zoom, person: Visitor, canaries: Canaries) -> None:
    """Let somebody do all that leaves something behind, and mark each of it."""
    user = person.user
    user.name = f"Zoë {canaries.plant('name')}"
    user.email = f"{canaries.plant('email')}@people.test"
    for what in ("id", "jid", "member_id"):
        canaries.plant(what, getattr(user, what))
    await person.add_app()
    await person.says(f"keep {canaries.plant('text')} {canaries.plant('value')}")
    await person.clicks("Press")
    await person.says("order")
    await person.submits("Send", wish=canaries.plant("wish"))
    await person.says(f"fail {canaries.plant('failed')}")
    await person.says(f"unknown {canaries.plant('unheard')}")
    await zoom.clock.advance(hours=2)
    await person.says("keep on")
    for number, token in enumerate(zoom.emulator.world.tokens):
        if token.user_id == user.id:
            canaries.plant(f"access {number}", token.access)
            canaries.plant(f"refresh {number}", token.refresh or token.access)


@contextmanager
def everything_logged() -> Generator[None]:
    """Print every log line of whatever level."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    configure(level=logging.DEBUG)
    try:
        yield
    finally:
        structlog.reset_defaults()
        root.handlers, root.level = handlers, level
