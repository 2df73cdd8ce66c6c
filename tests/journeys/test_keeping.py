"""How long is what was said to the bot kept? As long as the operator says, and not longer."""

from dataclasses import replace
from typing import Any

import pytest

from innkeeper import App, Command, Installed
from innkeeper.store.records import EventState
from innkeeper.testing import Zoom

pytestmark = pytest.mark.anyio


def bot() -> App:
    app = App("Doorman")

    @app.command("note")
    async def note(_ctx: Command) -> str:
        return "Noted"

    @app.command("break")
    async def fail(_ctx: Command) -> Any:
        return 7  # an answer that no bot may give is given up at once

    return app


async def bodies(zoom: Zoom) -> list[tuple[str, bool]]:
    """Tell how each command ended, and whether it keeps its body; the newest first."""
    store = zoom.parts.store
    await store.ready()
    return [
        (f"{row.state.value} {row.reason}".strip(), await store.read_body(row.id) is not None)
        for row in await store.inbox_rows()
        if row.name == "bot_notification"
    ]


async def told(zoom: Zoom, **settings: Any) -> None:
    """Start the bot anew, with other settings."""
    zoom.__dict__["_settings"] = replace(zoom.parts.settings, **settings)
    await zoom.restart()


async def test_what_was_handled_is_erased_unless_it_is_kept_on_purpose() -> None:
    async with Zoom(bot()) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.says("/bot note towels")
        assert await bodies(zoom) == [("done", False)]
        await told(zoom, keep_handled=True)
        await ana.says("/bot note soap")
        await ana.says("/bot what nobody handles")
        assert await bodies(zoom) == [("ignored unhandled", True), ("done", True), ("done", False)]
        await ana.removes_app()
        assert await bodies(zoom) == [("dropped removed", False)] * 2 + [("done", False)]
        assert zoom.receipts.one().steps["inbox"] >= 2
        assert await zoom.leftovers(ana) == []


async def test_what_failed_is_kept_for_some_days() -> None:
    async with Zoom(bot()) as zoom:
        await told(zoom, keep_days=2)
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.says("/bot break")
        await zoom.clock.advance(hours=24)
        assert await bodies(zoom) == [("dead BotRefused", True)]
        await zoom.clock.advance(hours=25)
        assert await zoom.leftovers(ana) == []


async def test_only_the_newest_that_failed_are_kept() -> None:
    async with Zoom(bot()) as zoom:
        await told(zoom, keep_at_most=2)
        ana = zoom.person("Ana")
        await ana.adds_app()
        for _ in range(4):
            await ana.says("/bot break")
        await zoom.clock.advance(minutes=2)
        rows = await zoom.parts.store.inbox_rows(states=[EventState.DEAD])
        assert len(rows) == 2


async def test_a_welcome_that_failed_is_given_once_the_bot_is_mended_and_only_once() -> None:
    app, broken = App("Doorman"), [True]

    @app.on_install
    async def hello(_ctx: Installed) -> Any:
        return 7 if broken else "Welcome in"

    async with Zoom(app) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        store = zoom.parts.store
        [dead] = await store.inbox_rows(states=[EventState.DEAD])
        broken.clear()
        for _ in range(2):
            await store.revive(dead.id, now=dead.received_at)
            await zoom.settle()
        assert [message.text for message in ana.chat.messages if message.by_bot] == ["Welcome in"]
