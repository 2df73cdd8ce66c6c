"""What failed is looked at, and handled again once the bot is mended, also while it runs."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from innkeeper import App, Command
from innkeeper.ids import EventId
from innkeeper.store.records import EventState, InboxRow
from tests.cli.beside import House, Open, Run, environment_of, opened_house
from tests.cli.commands import Ended
from tests.contracts.houses import NOW, PostgresHouse, accepted, body
from tests.postgres import Server

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

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
