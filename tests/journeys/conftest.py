"""The same journeys on both engines: each bot keeps what it keeps in SQLite, or in PostgreSQL."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from innkeeper import wiring
from innkeeper.settings import Settings
from innkeeper.shelf import Shelf, make_shelf
from innkeeper.testing import Visitor, Zoom
from tests.postgres import Server


@pytest.fixture(params=["sqlite", "postgres"], autouse=True)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Keep in PostgreSQL what the settings would keep in SQLite files."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    if request.node.get_closest_marker("sqlite"):
        pytest.skip("it is about SQLite's files")
    postgres: Server = request.getfixturevalue("postgres")
    spaces: dict[Path, str] = {}

    def elsewhere(settings: Settings, *, read_only: bool = False) -> Shelf:
        assert isinstance(settings.database, Path)
        space = spaces.get(settings.database) or spaces.setdefault(
            settings.database, lent.enter_context(postgres.space())
        )
        places = postgres.address(space), postgres.address(f"{space}_vault")
        return make_shelf(
            replace(settings, database=places[0], vault=places[1]), read_only=read_only
        )

    seen_by_itself = Zoom.leftovers

    async def leftovers(self: Zoom, visitor: Visitor) -> list[str]:
        return await seen_by_itself(self, visitor) + [
            f"{place}: {what}"
            for place, content in await everything(postgres.url, list(spaces.values()))
            for what, value in self._traces(visitor.user).items()
            if value and value.lower().encode() in content
        ]

    monkeypatch.setattr(wiring, "make_shelf", elsewhere)
    monkeypatch.setattr(Zoom, "leftovers", leftovers)
    with ExitStack() as lent:
        yield "postgres"


async def everything(url: str, spaces: list[str]) -> list[tuple[str, bytes]]:
    """Read every row that is kept, each as bytes in small letters."""
    schemas = [schema for space in spaces for schema in (space, f"{space}_vault")]
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname = ANY($1)",
            schemas,
        )
        found = []
        for (table,) in tables:
            for row in await connection.fetch("TABLE " + table):
                values = [each if isinstance(each, bytes) else str(each).encode() for each in row]
                found.append((table, b"\0".join(values).lower()))
        return found
    finally:
        await connection.close()
