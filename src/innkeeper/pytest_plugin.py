"""What does pytest know of us? The fixtures `zoom`, `ana`, `ben` and `chiara`.

A test that asks for one of them runs inside `async with Zoom(app)`, on whichever runner it
is marked for (anyio, pytest-asyncio), or on `asyncio` itself when it is marked for none. If
it fails, the report ends with all that was said and sent.

The bot is `app` in `bot.py`, unless `innkeeper_app` says otherwise in pytest's settings, or a
fixture of that name does. `@pytest.mark.zoom(management="admin")` goes to `Zoom`.

Whatever is needed is imported when a test asks for it: every run of pytest loads this file.
"""

import asyncio
import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from innkeeper.app import App
    from innkeeper.testing import Visitor, Zoom

_BOT = "bot:app"
_RUNNERS = ("anyio", "asyncio")
"""The marks of those who run coroutines."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the bot's name from pytest's settings."""
    parser.addini("innkeeper_app", "The bot under test, as module:name.", default=_BOT)


def pytest_configure(config: pytest.Config) -> None:
    """Make our mark known."""
    config.addinivalue_line("markers", "zoom(**options): what innkeeper.testing.Zoom is made with")


@pytest.fixture
def innkeeper_app(pytestconfig: pytest.Config) -> "App":
    """Give the bot under test; a fixture of this name in your conftest.py gives another."""
    from innkeeper.app import App  # noqa: PLC0415

    named = str(pytestconfig.getini("innkeeper_app"))
    module, _, name = named.partition(":")
    root = str(pytestconfig.rootpath)
    if root not in sys.path:
        sys.path.insert(0, root)
    try:
        found = getattr(importlib.import_module(module), name or "app", None)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        found = None
    if not isinstance(found, App):
        fix = "set innkeeper_app = module:name in pytest's settings, or write such a fixture"
        pytest.fail(f"{named} is no Innkeeper App; {fix}", pytrace=False)
    return found


@pytest.fixture
def zoom(request: pytest.FixtureRequest, innkeeper_app: "App") -> "Zoom":
    """Give an emulated Zoom around the bot; it runs while the test does."""
    from innkeeper.testing import Zoom  # noqa: PLC0415

    test: pytest.Item = request.node
    mark = test.get_closest_marker("zoom")
    options: dict[str, Any] = dict(mark.kwargs) if mark else {}
    return Zoom(innkeeper_app, **options)


@pytest.fixture
def ana(zoom: "Zoom") -> "Visitor":
    """Give Ana, an admin of her account."""
    return zoom.person("Ana")


@pytest.fixture
def ben(zoom: "Zoom") -> "Visitor":
    """Give Ben, a member of the same account."""
    return zoom.person("Ben")


@pytest.fixture
def chiara(zoom: "Zoom") -> "Visitor":
    """Give Chiara, a member of the same account."""
    return zoom.person("Chiara")


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Put a test that asks for our fixtures inside an emulated Zoom, before anybody runs it."""
    if not isinstance(item, pytest.Function) or "zoom" not in item.fixturenames:
        return
    if not inspect.iscoroutinefunction(item.obj):
        return
    inside = _inside(item, item.obj)
    item.obj = inside if _has_runner(item) else _on_asyncio(inside)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the transcript to the report of a test that failed."""
    report = yield
    around = _zoom_of(item)
    if call.when == "call" and report.failed and around is not None:
        report.sections.append(("Said and sent", around.transcript().strip()))
    return report


def _inside(
    item: pytest.Function, test: Callable[..., Coroutine[Any, Any, None]]
) -> Callable[..., Coroutine[Any, Any, None]]:
    @functools.wraps(test)
    async def within(*args: Any, **kwargs: Any) -> None:
        around = _zoom_of(item)
        if around is None or around.running:
            await test(*args, **kwargs)
            return
        async with around:
            await test(*args, **kwargs)

    return within


def _on_asyncio(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def _has_runner(item: pytest.Function) -> bool:
    """Tell whether somebody else runs a test: by its mark, or because all tests are theirs."""
    if any(item.get_closest_marker(name) for name in _RUNNERS):
        return True
    modes = ("asyncio_mode", "anyio_mode")
    return any(_setting(item.config, name) == "auto" for name in modes)


def _setting(config: pytest.Config, name: str) -> str:
    asked = config.getoption(name, default=None)
    try:
        return str(asked or config.getini(name))
    except ValueError:  # whose setting it is, is not installed
        return ""


def _zoom_of(item: pytest.Item) -> "Zoom | None":
    if "innkeeper.testing" not in sys.modules:
        return None
    from innkeeper.testing import Zoom  # noqa: PLC0415

    found = getattr(item, "funcargs", {}).get("zoom")
    return found if isinstance(found, Zoom) else None
