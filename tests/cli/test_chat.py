"""A person talks to a bot in a terminal, and from a pipe."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from innkeeper import Action, App, Card, Command, Installed
from innkeeper.cli.chat import PATIENCE_SECONDS, ChatFailed, Talk
from innkeeper.net.outbound import AsgiTransport
from innkeeper.testing import ZOOM_URL, Zoom
from tests.cli.commands import free_ports, innkeeper

pytestmark = pytest.mark.anyio


def porter() -> App:
    app = App("Night Porter")

    @app.on_install
    async def hello(ctx: Installed) -> str:
        return f"Hi {ctx.user.name}"

    @app.command("ask")
    async def ask(ctx: Command) -> Card:
        return Card("Towels?").text(ctx.user.name).button("Yes", "yes").button("No", "no")

    @app.command("number")
    async def number(ctx: Command) -> str:
        return f"You said {ctx.text}"

    @app.command("1")
    async def one(ctx: Command) -> str:
        return f"You said {ctx.text}"

    @app.action()
    async def pressed(ctx: Action) -> None:
        if ctx.value == "no":
            await ctx.delete()
        else:
            await ctx.update(Card("Done").text(f"{ctx.user.name} said {ctx.text}"))

    return app


class Table:
    """Where somebody sits and talks, and what they have read."""

    def __init__(self, zoom: Zoom) -> None:
        self.zoom = zoom
        self.read: list[str] = []
        self.paused = 0.0
        self.talk = Talk(zoom.transport, ZOOM_URL, tell=self.read.append)

    async def settle(self, seconds: float) -> None:
        self.paused += seconds
        await self.zoom.settle()

    async def say(self, line: str) -> list[str]:
        """Say a line and give what came; however long that takes, no time passes."""
        self.read.clear()
        await self.talk.hear(line)
        assert await self.talk.answered(self.settle) is bool(self.read)
        return list(self.read)


@pytest.fixture
async def table() -> AsyncGenerator[Table]:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        table = Table(zoom)
        who = await table.talk.begin(app=None, user=None, channel=None)
        assert who.startswith("You are Ana Keller, talking to ")
        yield table


async def test_says_a_line_and_reads_what_comes(table: Table) -> None:
    assert await table.say("number 7") == [f"{table.zoom.record.name}: You said number 7"]
    assert table.paused < 1


async def test_reads_nothing_twice_and_nothing_of_before(table: Table) -> None:
    await table.say("number 7")
    table.read.clear()
    assert await table.talk.look() == 0
    assert table.read == []


async def test_presses_a_button_by_its_number(table: Table) -> None:
    [card] = await table.say("ask")
    assert card.splitlines()[1:] == [
        "  Towels?",
        "  Ana Keller",
        "  [Yes] [No]",
        "  Type a number: (1) Yes  (2) No",
    ]
    [changed] = await table.say("1")
    assert changed.splitlines() == [
        f"{table.zoom.record.name} (edited):",
        "  Done",
        "  Ana Keller said Yes",
    ]
    assert "You said 1" in (await table.say("1"))[0]  # no button is left to be pressed


async def test_a_backslash_says_a_number_although_there_are_buttons(table: Table) -> None:
    await table.say("ask")
    assert "You said 1" in (await table.say("\\1"))[0]


async def test_reads_that_a_message_was_deleted(table: Table) -> None:
    await table.say("ask")
    assert await table.say("2") == [f"{table.zoom.record.name}: (deleted)"]


async def test_waits_for_an_answer_only_so_long(table: Table) -> None:
    assert await table.say("nobody answers this") == []
    assert PATIENCE_SECONDS <= table.paused < PATIENCE_SECONDS + 1


async def test_an_empty_line_is_not_said(table: Table) -> None:
    before = len(table.zoom.emulator.world.messages)
    await table.talk.hear("  ")
    assert len(table.zoom.emulator.world.messages) == before


async def test_talks_in_a_channel_by_slash_command(table: Table) -> None:
    where = await table.talk.begin(app=None, user="Ana", channel="general")
    assert where == "You are Ana Keller, talking to general."
    assert "You said number 3" in (await table.say("/bot number 3"))[0]


@pytest.mark.parametrize(
    ("wanted", "what"),
    [
        ({"app": "x"}, "there is no app x. Known are: "),
        ({"user": "Zoe"}, "there is no user Zoe. Known are: Ana Keller, "),
        ({"channel": "attic"}, "there is no channel attic. Known are: "),
    ],
)
async def test_says_who_and_what_there_is(table: Table, wanted: dict[str, str], what: str) -> None:
    asked = {"app": None, "user": None, "channel": None} | wanted
    with pytest.raises(ChatFailed) as caught:
        await table.talk.begin(**asked)
    assert str(caught.value).startswith(what)
    assert caught.value.exit_code == 2


async def test_nothing_of_another_persons_is_read(table: Table) -> None:
    ben = await table.zoom.user("Ben")
    await ben.adds_app()
    await ben.says("number 9")
    assert await table.talk.look() == 0


async def test_another_server_is_no_emulator() -> None:
    async def other(_scope: object, _receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b"[]"})  # type: ignore[operator]

    talk = Talk(AsgiTransport({"http://a.test": other}), "http://a.test", tell=print)
    with pytest.raises(ChatFailed, match="no emulator answers at "):
        await talk.begin(app=None, user=None, channel=None)


@pytest.mark.slow
def test_says_when_no_emulator_is_there(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    ended = innkeeper("chat", "--emulator", url, cwd=tmp_path)
    assert ended.code == 1
    assert ended.line.startswith(f"innkeeper: no emulator answers at {url}. Start one with ")
