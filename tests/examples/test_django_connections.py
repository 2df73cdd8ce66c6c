"""A bot's handlers use Django's connections, and leave none behind in the bot's threads."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import django
import pytest
from django.conf import settings
from django.db import connections

from innkeeper import App, Command, Context, Depends, UserScope
from innkeeper.testing import Zoom

pytestmark = pytest.mark.anyio

EXAMPLE = Path(__file__).parents[2] / "examples" / "with_django" / "database.py"
SPEC = importlib.util.spec_from_file_location("with_django_database", EXAMPLE)
assert SPEC is not None
assert SPEC.loader is not None
example = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(example)


@pytest.fixture(autouse=True)
def database(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give Django a database of its own; it takes its settings once for a process."""
    if not settings.configured:
        engine = "django.db.backends.sqlite3"
        name = str(tmp_path_factory.mktemp("django") / "site.db")
        place = {"default": {"ENGINE": engine, "NAME": name}}
        settings.configure(DATABASES=place, USE_TZ=True)
        django.setup()


class Used:
    """What was used: each thread's connection is an object of its own."""

    def __init__(self) -> None:
        self.wrappers: list[Any] = []

    def query(self) -> int:
        wrapper = connections["default"]
        self.wrappers.append(wrapper)
        with wrapper.cursor() as cursor:
            cursor.execute("SELECT 7")
            return int(cursor.fetchone()[0])

    @property
    def open(self) -> list[bool]:
        return [wrapper.connection is not None for wrapper in self.wrappers]

    def tidy(self) -> None:
        for wrapper in self.wrappers:
            wrapper.inc_thread_sharing()
            wrapper.close()


@pytest.fixture
def used() -> Iterator[Used]:
    used = Used()
    yield used
    used.tidy()


def desk(used: Used) -> App:
    app = App("Desk")

    def asked() -> int:
        return used.query()

    @app.command("ask")
    def ask(_ctx: Command, first: Annotated[int, Depends(asked)]) -> str:
        return f"{first} and {used.query()}"

    @app.command("list")
    def rows(_ctx: Command) -> Iterator[str]:
        for _ in range(3):
            yield str(used.query())

    @app.command("fail")
    def fail(_ctx: Command) -> str:
        used.query()
        raise ZeroDivisionError

    @app.error
    def sorry(_ctx: Context, _error: ZeroDivisionError) -> str:
        return "Sorry."

    @app.command("wait")
    async def wait(_ctx: Command) -> str:
        return "no thread"

    return app


@pytest.mark.parametrize("words", ["ask", "list", "fail"])
@pytest.mark.parametrize("looked_after", [True, False])
async def test_an_event_lets_its_connection_go(used: Used, words: str, looked_after: bool) -> None:
    app = desk(used)
    if looked_after:
        app.middleware(example.django_connections)
    async with Zoom(app) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.says(f"/bot {words}")
        assert used.wrappers
        assert any(used.open) is not looked_after


async def test_all_of_an_event_share_one_connection(used: Used) -> None:
    app = desk(used)
    app.middleware(example.django_connections)
    async with Zoom(app) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.says("/bot ask")
        assert ana.chat.last.text == "7 and 7"
        assert len({id(wrapper) for wrapper in used.wrappers}) == 1
        await ana.says("/bot wait")
        assert ana.chat.last.text == "no thread"


async def test_a_purge_step_lets_its_connection_go(used: Used) -> None:
    app = desk(used)

    @app.purge("notes")
    def forget(_scope: UserScope) -> int:
        with contextmanager(example.connections)():
            return used.query()

    async with Zoom(app) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.removes_app()
        assert zoom.receipts.one().complete
    assert used.open == [False]
