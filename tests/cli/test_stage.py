"""A bot is changed while it runs: requests wait, and a bot that cannot start changes nothing."""

import asyncio
import sys
from pathlib import Path

import pytest

from innkeeper.app import App
from innkeeper.cli.botfile import load_bot
from innkeeper.cli.stage import Stage, load_again
from innkeeper.errors import BotRefused, StoreUnavailable
from tests.cli.test_botfile import _leave_no_trace, bot  # noqa: F401  # a fixture for every test here
from tests.doors import LOCAL, NoZoom, settings_at, spoken

BELL = "from bell import NAME\nfrom innkeeper import App\napp = App(NAME)\n"


def test_loads_a_bot_and_its_neighbours_as_they_are_now(tmp_path: Path) -> None:
    bot(tmp_path, "NAME = 'One'\n", "bell.py")
    path = bot(tmp_path, BELL)
    assert load_bot(path).name == "One"
    bot(tmp_path, "NAME = 'Two'\n", "bell.py")
    assert load_again(path).name == "Two"
    assert sys.path.count(str(tmp_path)) == 1


def test_what_cannot_be_loaded_leaves_the_modules_as_they_were(tmp_path: Path) -> None:
    bot(tmp_path, "NAME = 'One'\n", "bell.py")
    path = bot(tmp_path, BELL)
    load_bot(path)
    before = sys.modules["doorman"], sys.modules["bell"]
    bot(tmp_path, "NAME = (\n", "bell.py")
    with pytest.raises(BotRefused, match=r"bell\.py:1"):
        load_again(path)
    assert (sys.modules["doorman"], sys.modules["bell"]) == before
    bot(tmp_path, "NAME = 'Two'\n", "bell.py")
    assert load_again(path).name == "Two"


def app_called(name: str, directory: Path) -> App:
    app = App(name)
    app.configure(settings_at(LOCAL, directory), transport=NoZoom())
    return app


def asked(path: str) -> dict[str, object]:
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8701")],
    }


@pytest.mark.anyio
async def test_requests_wait_for_the_next_bot_and_none_is_lost(tmp_path: Path) -> None:
    settings = settings_at(LOCAL, tmp_path)
    first, second = App("First"), App("Second")
    for app in (first, second):
        app.configure(settings, transport=NoZoom())
    stage = Stage(first)
    await first.start()
    changing = asyncio.create_task(stage.replace(second))
    answers = await asyncio.gather(*[spoken(stage, asked("/")) for _ in range(20)])
    await changing
    assert {answer.status for answer in answers} == {200}
    assert "Second" in answers[-1].text
    assert stage.app is second
    await second.stop()


@pytest.mark.anyio
async def test_a_request_under_way_is_answered_by_the_bot_that_it_met() -> None:
    met, go_on = asyncio.Event(), asyncio.Event()

    class Slow(App):
        async def __call__(self, *_: object) -> None:  # type: ignore[override]
            met.set()
            await go_on.wait()

        async def stop(self) -> None:
            assert go_on.is_set()

        async def start(self, **_: object) -> None:  # type: ignore[override]
            """It is no real one."""

    stage = Stage(Slow())
    request = asyncio.create_task(spoken(stage, asked("/")))
    await met.wait()
    changing = asyncio.create_task(stage.replace(Slow()))
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(request, changing)


@pytest.mark.anyio
async def test_a_bot_that_cannot_start_changes_nothing(tmp_path: Path) -> None:
    first, broken = app_called("First", tmp_path), app_called("Second", tmp_path / "nowhere")
    stage = Stage(first)
    await first.start()
    with pytest.raises(StoreUnavailable):
        await stage.replace(broken)
    assert stage.app is first
    assert "First" in (await spoken(stage, asked("/"))).text
    await first.stop()
