"""What failed is looked at, and handled again once the bot is mended, also while it runs."""

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from innkeeper import App, Command
from innkeeper.cli.commands.delivery import STATES
from innkeeper.ids import EventId
from innkeeper.store.records import EventState, InboxRow
from tests.cli.beside import (
    House,
    Open,
    Run,
    environment_of,
    installed_body,
    opened_house,
    post,
)
from tests.cli.commands import (
    COMMAND,
    CONFIGURED,
    Ended,
    environment,
    free_ports,
    innkeeper,
    started,
)
from tests.contracts.houses import NOW, PostgresHouse, accepted, body
from tests.postgres import Server

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

T = TypeVar("T")

BOT = """\
from pathlib import Path

from innkeeper import App, Command

app = App("Kitchen")


@app.command("cook")
def cook(ctx: Command) -> object:
    if not Path("mended").exists():
        return 7  # no bot may answer so: it is dead at once
    with Path("effects").open("a") as file:
        file.write(f"{ctx.request_id}\\n")
"""
MANY = 3_000
SECRET_WORDS = "room 7, after the quarrel"


class Bot:
    """A bot whose one command fails for good until it is mended."""

    def __init__(self) -> None:
        self.mended = False
        self.heard: list[str] = []
        self.app = App("Doorman")

        @self.app.command("note")
        async def note(ctx: Command) -> str:
            self.heard.append(" ".join(ctx.args))
            return "Noted" if self.mended else 7  # type: ignore[return-value]  # no bot may answer so


async def failed(place: House, count: int = 1) -> list[str]:
    ana = place.zoom.person("Ana")
    for number in range(count):
        await ana.says(f"/bot note {SECRET_WORDS} {number}")
    return [each["id"] for each in await place.reads("delivery", "list")]


async def test_a_dead_letter_is_looked_at_and_replayed_while_the_app_runs(house: Open) -> None:
    bot = Bot()
    async with house(bot.app) as place:
        assert (await place.types("delivery", "list")).line == (
            "There are no deliveries that are ready or claimed or dead or quarantined."
        )
        [number] = await failed(place)
        listed = await place.types("delivery", "list")
        assert listed.out.startswith(f"{number}  dead  bot_notification  BotRefused  attempts 1")
        shown = await place.reads("delivery", "show", number)
        assert (shown["state"], shown["reason"]) == ("dead", "BotRefused")
        assert "mended" in shown["meaning"]
        (hers,) = await place.reads("installation", "list")
        assert shown["installation"] == hers["id"]
        told = await place.types("delivery", "show", number, "--body")
        assert SECRET_WORDS in json.loads(told.out)["payload"]["cmd"]

        bot.mended = True
        replayed = await place.types("delivery", "replay", number)
        assert replayed.out == "1 delivery will be handled again.\n"
        assert replayed.err.startswith("The running app does it within seconds")
        await place.zoom.settle()
        assert len(bot.heard) == 2
        place.zoom.person("Ana").chat.expect("Noted")
        await place.zoom.parts.store.ready()  # an end is written with what comes next
        assert await place.reads("delivery", "list") == []
        shown = await place.reads("delivery", "show", number)
        assert (shown["state"], shown["attempts"]) == ("done", 1)
        again = await place.types("delivery", "replay", number)
        assert (again.code, again.line) == (
            1,
            f"innkeeper: nothing is replayed: the body of delivery {number}, which is done, is "
            "not kept. Look at it with: innkeeper delivery show. (replay_refused)",
        )
        assert (await place.types("delivery", "show", number, "--body")).code == 1


async def test_all_of_a_state_are_replayed_in_the_order_in_which_they_came(house: Open) -> None:
    bot = Bot()
    async with house(bot.app) as place:
        await failed(place, 3)
        bot.mended, bot.heard = True, []
        unsure = await place.types("delivery", "replay", "--state", "dead")
        assert (unsure.code, unsure.line) == (
            2,
            "innkeeper: 3 would be replayed; if you mean it, add --yes.",
        )
        replayed = await place.reads("delivery", "replay", "--state", "dead", "--yes")
        assert len(replayed["replayed"]) == 3
        await place.zoom.settle()
        assert bot.heard == [f"{SECRET_WORDS} {number}" for number in range(3)]
        nothing = await place.types("delivery", "replay", "--state", "dead", "--yes")
        assert (nothing.code, nothing.line) == (0, "There is nothing to replay.")


async def test_what_was_replayed_while_no_app_ran_is_handled_at_the_next_start(
    house: Open,
) -> None:
    bot = Bot()
    async with house(bot.app) as place:
        [number] = await failed(place)
        bot.mended = True
        await place.zoom.app.stop()
        assert (await place.types("delivery", "replay", number)).code == 0
        await place.zoom.restart()
        await place.zoom.settle()
        assert len(bot.heard) == 2


async def test_a_replay_that_was_stopped_says_how_far_it_came_and_goes_on(house: Open) -> None:
    async with house(App("Doorman")) as place:
        store = place.zoom.parts.store

        async def dies(number: int) -> None:
            event = await accepted(store, body(text=f"🦄 {number}"))
            await store.finish(event.id, EventState.DEAD, now=NOW, reason="KeyError")

        await asyncio.gather(*map(dies, range(MANY)))
        await place.zoom.app.stop()
        stopped = await asyncio.to_thread(stop_in_the_middle, place)
        assert stopped.returncode == 130
        told = re.search(r"stopped; (\d+) or a few more will be handled again", stopped.stderr)
        assert told is not None, stopped.stderr
        rest = await place.reads("delivery", "replay", "--state", "dead", "--yes")
        begun = MANY - len(rest["replayed"])
        assert int(told[1]) <= begun < int(told[1]) + 200
        listed = await place.reads("delivery", "list", "--limit", str(MANY + 1))
        assert [each["state"] for each in listed] == ["ready"] * MANY


def stop_in_the_middle(place: House) -> "subprocess.CompletedProcess[str]":
    """Press Ctrl-C in a replay as soon as the first are written."""
    argv = [str(COMMAND), "delivery", "replay", "--state", "dead", "--yes"]
    env, folder = environment(place.env), place.zoom.directory
    with (
        closing(sqlite3.connect(folder / "innkeeper.db", isolation_level=None)) as beside,
        subprocess.Popen(argv, cwd=folder, env=env, stderr=subprocess.PIPE, text=True) as process,
    ):
        while not beside.execute("SELECT 1 FROM inbox WHERE state = 'ready'").fetchone():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    return subprocess.CompletedProcess(argv, process.returncode, stderr=said)


async def test_one_that_cannot_be_replayed_stops_the_others(house: Open) -> None:
    bot = Bot()
    async with house(bot.app) as place:
        numbers = await failed(place, 2)
        for other, why in (("999999", "no such delivery: 999999."), ("no-id", "no such delivery")):
            ended = await place.types("delivery", "replay", *numbers, other)
            assert (ended.code, why in ended.line) == (1, True)
        waiting = await place.zoom.parts.store.inbox_row(EventId(numbers[0]))
        assert waiting is not None
        assert waiting.state is EventState.DEAD
        for misused in ((), (*numbers, "--state", "dead")):
            assert (await place.types("delivery", "replay", *misused)).code == 2


async def test_nothing_of_somebody_who_left_can_be_replayed(house: Open) -> None:
    bot = Bot()
    async with house(bot.app) as place:
        [number] = await failed(place)
        await place.zoom.person("Ana").removes_app()
        await place.zoom.settle()
        shown = await place.reads("delivery", "show", number)
        assert (shown["state"], shown["reason"]) == ("dropped", "removed")
        ended = await place.types("delivery", "replay", number)
        assert ended.code == 1
        assert await place.zoom.leftovers(place.zoom.person("Ana")) == []


async def test_lists_and_logs_hold_nothing_that_somebody_wrote(
    house: Open, caplog: pytest.LogCaptureFixture
) -> None:
    bot = Bot()
    async with house(bot.app) as place:
        [number] = await failed(place)
        said: list[Ended] = [
            await place.types("delivery", "list"),
            await place.types("delivery", "show", number),
            await place.types("delivery", "replay", number),
        ]
        assert SECRET_WORDS not in "".join(each.said for each in said) + caplog.text


async def test_what_zoom_sent_cannot_write_over_a_terminal(house: Open) -> None:
    async with house(App("Doorman")) as place:
        store = place.zoom.parts.store
        event = await store.accept(
            key=b"k" * 32,
            name="\x1b[2J\u202eevent\nof no kind",
            body=b"{\x1b[2J",
            owner=None,
            now=place.zoom.clock.now(),
        )
        await store.finish(event.id, EventState.QUARANTINED, now=NOW, reason="not_json")
        listed = await place.types("delivery", "list")
        assert "\ufffd[2J\ufffdevent of no kind" in listed.out
        assert len(listed.out.splitlines()) == 1
        assert (await place.types("delivery", "show", event.id, "--body")).out == "{\x1b[2J\n"


def test_replays_on_postgresql(postgres: Server, run: Run) -> None:
    async def dies(house: PostgresHouse) -> None:
        async with opened_house(house) as store:
            event = await accepted(store, body())
            await store.finish(event.id, EventState.DEAD, now=NOW, reason="KeyError")

    async def stand(house: PostgresHouse) -> Sequence[InboxRow]:
        async with opened_house(house) as store:
            return await store.inbox_rows()

    with postgres.space() as space:
        house = PostgresHouse(postgres, space)
        asyncio.run(dies(house))
        env = environment_of(postgres, space, house)

        def read(*argv: str) -> Any:
            ended = run((*argv, "--json"), env)
            assert ended.code == 0, ended.said
            return json.loads(ended.out)

        [listed] = read("delivery", "list", "--state", "dead")
        assert run(("delivery", "show", listed["id"], "--body"), env).out.encode() == body() + b"\n"
        assert read("delivery", "replay", listed["id"]) == {"replayed": [listed["id"]]}
        [row] = asyncio.run(stand(house))
        assert row.state is EventState.READY


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param("*", id="C14-wildcard"),
        pytest.param("%", id="C14-percent"),
        pytest.param("", id="C14-empty"),
        pytest.param("1 OR 1=1", id="C14-sql"),
        pytest.param("1\u0663", id="C14-other-digits"),
        pytest.param("9" * 40, id="C14-large"),
    ],
)
async def test_a_wrong_id_names_nothing(house: Open, wrong: str) -> None:
    bot = Bot()
    async with house(bot.app) as place:
        [number] = await failed(place)
        for verb in (("replay",), ("show",), ("show", "--body")):
            ended = await place.types("delivery", *verb, wrong)
            assert (ended.code, ended.line[:27]) == (1, "innkeeper: no such delivery")
        assert [each["state"] for each in await place.reads("delivery", "list")] == ["dead"]
        assert (await place.reads("delivery", "show", number))["attempts"] == 1


async def test_a_terminal_is_given_nothing_that_moves_its_cursor(house: Open) -> None:
    odd = b'{"event":"x","text":"\x1b]0;owned\x07 \xe2\x80\xae \xff"}'
    async with house(App("Doorman")) as place:
        event = await accepted(place.zoom.parts.store, odd)
        await place.zoom.parts.store.finish(event.id, EventState.QUARANTINED, now=NOW)
        argv = [str(COMMAND), "delivery", "show", event.id, "--body"]
        piped = await asyncio.to_thread(
            subprocess.run,
            argv,
            cwd=place.zoom.directory,
            env=environment(place.env),
            capture_output=True,
            check=True,
        )
        assert piped.stdout == odd + b"\n"
        shown = await asyncio.to_thread(
            on_a_terminal, argv, cwd=place.zoom.directory, env=environment(place.env)
        )
        assert all(each.isprintable() or each in "\r\n" for each in shown), "C16"
        assert "owned" in shown


def on_a_terminal(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> str:
    """Run a command whose output is a terminal, and read what stands there."""
    ours, its = os.openpty()
    with subprocess.Popen(argv, cwd=cwd, env=env, stdout=its, stdin=subprocess.DEVNULL) as process:
        os.close(its)
        said = b""
        with suppress(OSError):  # it is said so when the other end is closed
            while part := os.read(ours, 4096):
                said += part
        os.close(ours)
        assert process.wait(20) == 0
    return said.decode()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_processes_take_up_what_is_replayed_beside_them(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    env = CONFIGURED | {"INNKEEPER_USER_OAUTH": "off"}
    (tmp_path / "bot.py").write_text(BOT)
    (port,) = free_ports(1)
    with ExitStack() as stack:
        if kind == "postgres":
            postgres: Server = request.getfixturevalue("postgres")
            space = stack.enter_context(postgres.space())
            env |= environment_of(postgres, space, PostgresHouse(postgres, space))
            env["INNKEEPER_HANDLERS"] = "elsewhere"
        argv = ("run", "--port", str(port))
        server = stack.enter_context(started(*argv, port=port, cwd=tmp_path, env=env))
        server.wait_until_it_answers()
        if kind == "postgres":
            stack.enter_context(started("worker", port=0, cwd=tmp_path, env=env))

        def asks(*argv: str) -> Any:
            ended = innkeeper("delivery", *argv, "--json", cwd=tmp_path, env=env)
            assert ended.code == 0, ended.said
            return json.loads(ended.out)

        told = json.loads(installed_body(env))["payload"]
        told |= {"cmd": "cook", "name": "cook", "toJid": told["userJid"]}
        cook = json.dumps({"event": "bot_notification", "payload": told}).encode()
        assert [post(port, each) for each in (installed_body(env), cook)] == [200, 200]
        dead = until(lambda: asks("list", "--state", "dead"))[0]
        assert (dead["reason"], dead["attempts"]) == ("BotRefused", 1)
        (tmp_path / "mended").touch()
        assert asks("replay", dead["id"]) == {"replayed": [dead["id"]]}
        assert until(lambda: asks("show", dead["id"])["state"] == "done")
        assert post(port, cook) == 200
        again = innkeeper("delivery", "replay", dead["id"], cwd=tmp_path, env=env)
        assert (again.code, "(replay_refused)" in again.line) == (1, True)
        assert asks("list") == []
        assert server.end().code == 0
    assert (tmp_path / "effects").read_text() == f"{dead['id']}\n"


def until(look: Callable[[], T]) -> T:
    """Look until there is something; each look is a process, and takes its time."""
    for _ in range(40):
        if found := look():
            return found
    raise AssertionError("it never came")


def test_every_state_can_be_asked_for() -> None:
    assert [*STATES] == [each.value for each in EventState]
