"""A bot moves from SQLite to PostgreSQL: nobody notices, and nothing is left out."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from innkeeper import Action, App, Card, Command, wiring
from innkeeper.errors import BotRefused, KeyMissing, SettingsRefused, StoreUnavailable
from innkeeper.settings import Settings
from innkeeper.shelf import Shelf
from innkeeper.store.postgres import PostgresStore, PostgresVault, connection, moving
from innkeeper.store.postgres.database import Database
from innkeeper.store.postgres.moving import META, STORE, VAULT, Table, move
from innkeeper.store.records import EventState
from innkeeper.store.seal import KeyRing
from innkeeper.testing import Zoom
from tests.journeys.conftest import everything
from tests.postgres import Server

pytestmark = pytest.mark.anyio

FILES = ("innkeeper.db", "innkeeper.vault.db")


class Desk:
    """A bot that keeps, fails, decides and charges, and what it has done."""

    def __init__(self) -> None:
        self.app = App("Desk")
        self.broken = True
        self.done: list[str] = []
        self.charged = 0
        self.remembers(self.app)
        self.works(self.app)

    def remembers(self, app: App) -> None:
        @app.command("note")
        async def note(ctx: Command) -> None:
            await ctx.state.set("note", ctx.text)

        @app.command("recall")
        async def recall(ctx: Command) -> str:
            return f"{await ctx.state.get('note', '')}, {(await ctx.client.users.me()).email}"

        @app.purge("ledger")
        def ledger(_scope: object) -> int:
            self.fails()
            return 1

    def works(self, app: App) -> None:
        @app.command("charge")
        async def charge(ctx: Command) -> None:
            await ctx.once("charge", self.charges)
            self.fails()
            self.done.append("charged")

        @app.command("order")
        async def order(_ctx: Command) -> Card:
            return Card("Order 7").button("Approve", "approve")

        @app.action("approve")
        async def approve(ctx: Action) -> None:
            await ctx.consume()
            self.done.append("approved")

        @app.command("refuse")
        async def refuse(_ctx: Command) -> None:
            if self.broken:
                raise BotRefused("this", "fails each time")
            self.done.append("refused no more")

    def fails(self) -> None:
        if self.broken:
            raise ConnectionError

    async def charges(self) -> int:
        self.charged += 1
        return self.charged


class Place:
    """Files to move from, and schemas to move to."""

    def __init__(self, postgres: Server, space: str, files: Path) -> None:
        self.url, self.space, self.files = postgres.url, space, files
        self.store, self.vault = postgres.address(space), postgres.address(f"{space}_vault")

    async def move(self, settings: Settings) -> Mapping[str, int]:
        return await move(
            (self.files / FILES[0], self.files / FILES[1]),
            (self.store, self.vault),
            ring=settings.keys,
            app=settings.client_id,
        )

    async def take_over(
        self, zoom: Zoom, monkeypatch: pytest.MonkeyPatch, *, damage: Sequence[str] = ()
    ) -> Mapping[str, int]:
        """Stop the bot, move it, and start it here; say how many rows there were.

        Args:
            damage: A file's name, and what befalls it before, in SQL.
        """
        await zoom._stop()  # pyright: ignore[reportPrivateUsage]  # between the two engines
        if damage:
            name, sql = damage
            with sqlite3.connect(self.files / name) as damaged:
                damaged.executescript(sql)
            damaged.close()
        counts = await self.move(zoom._settings)  # pyright: ignore[reportPrivateUsage]
        monkeypatch.setattr(wiring, "make_shelf", self.shelf)
        await zoom._start()  # pyright: ignore[reportPrivateUsage]
        return counts

    def shelf(self, settings: Settings, *, read_only: bool = False) -> Shelf:
        ours = settings.client_id
        vault = PostgresVault(self.vault, settings.keys, app=ours, read_only=read_only)
        return Shelf(PostgresStore(self.store, vault=vault, app=ours, read_only=read_only), vault)


@pytest.fixture
def place(postgres: Server, tmp_path: Path) -> Iterator[Place]:
    with postgres.fresh_space() as space:
        yield Place(postgres, space, tmp_path)


def rows_of(file: Path) -> dict[str, int]:
    """Count what a SQLite file holds."""
    with sqlite3.connect(file) as found:
        names = [
            row[0] for row in found.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        ]
        counts = {
            name: found.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608  # its own names
            for name in names
        }
    found.close()
    return counts


async def test_nobody_notices_that_a_bot_has_moved(
    tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk()
    async with Zoom(desk.app, directory=tmp_path) as zoom:
        ana, ben, cleo = zoom.person("Ana"), zoom.person("Ben"), zoom.new_person("Cleo Marsh")
        for person in (ana, ben, cleo):
            await person.adds_app()
        await ana.says("/bot note fern 🌿")
        desk.broken = False
        await ben.removes_app()
        desk.broken = True
        await cleo.removes_app()
        await ana.says("/bot order")
        await ana.clicks("Approve")
        press = zoom.signed(
            "interactive_message_actions", {"payload.actionItem.value": "approve"}, by=ana
        )
        assert (await zoom.posts(press)).status == 200
        await ana.says("/bot charge")
        await ana.says("/bot refuse")
        assert desk.done == ["approved"] * 2
        assert (len(zoom.receipts.all()), desk.charged) == (1, 1)

        counts = await place.take_over(zoom, monkeypatch)
        kept = rows_of(tmp_path / FILES[0])
        assert counts == {name: kept[name] for name, _ in STORE if name != META}
        desk.broken = False
        assert (await zoom.posts(press)).status == 200
        await ana.clicks("Approve")
        assert desk.done == ["approved"] * 2
        await zoom.clock.advance(hours=2)
        assert desk.done == [*["approved"] * 2, "charged"]
        assert desk.charged == 1
        await ana.says("/bot recall")
        assert ana.chat.last.text == f"note fern 🌿, {ana.user.email}"
        (dead,) = [
            row for row in await zoom.parts.store.inbox_rows() if row.state is EventState.DEAD
        ]
        assert await zoom.parts.store.revive(dead.id, now=zoom.clock.now())
        await zoom.settle()
        assert desk.done == [*["approved"] * 2, "charged", "refused no more"]

        assert len(zoom.receipts.all()) == 2
        assert all(receipt.complete for receipt in zoom.receipts.all())
        await ana.removes_app()
        assert len(zoom.receipts.all()) == 3
        for person in (ana, ben, cleo):
            wanted = person.user.name.lower().encode()
            found = await everything(place.url, [place.space])
            assert [where for where, content in found if wanted in content] == []


async def test_who_came_again_while_they_were_forgotten_stays(
    tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk()
    async with Zoom(desk.app, directory=tmp_path) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.removes_app()
        await ana.adds_app()
        await ana.says("/bot note fern")
        killed = """
            UPDATE purges SET lease_holder = 'gone', lease_until = next_at;
            UPDATE inbox SET name = 'odd' || char(0) || 'name' WHERE id = 1;
        """
        counts = await place.take_over(zoom, monkeypatch, damage=(FILES[0], killed))
        assert counts["installations"] == 2
        desk.broken = False
        await zoom.clock.advance(hours=2)
        assert len(zoom.receipts.all()) == 1
        await ana.says("/bot recall")
        assert ana.chat.last.text == f"note fern, {ana.user.email}"
        (still,) = await zoom.parts.store.installations()
        assert still.generation == 2


@pytest.fixture
async def kept(tmp_path: Path) -> Settings:
    """Have somebody be known to a bot on SQLite, and stop it; these are its settings."""
    async with Zoom(App("Desk"), directory=tmp_path) as zoom:
        await zoom.person("Ana").adds_app()
        return zoom._settings  # pyright: ignore[reportPrivateUsage]


async def content(place: Place) -> list[tuple[str, bytes]]:
    rows = await everything(place.url, [place.space])
    return [row for row in rows if not row[0].endswith(".migrations")]


async def test_what_is_there_is_not_mixed_with_what_comes(place: Place, kept: Settings) -> None:
    await place.move(kept)
    first = await content(place)
    with pytest.raises(SettingsRefused) as refused:
        await place.move(kept)
    (fault,) = refused.value.faults
    assert fault.name == "INNKEEPER_DATABASE_URL"
    assert f"{place.space}, which holds something already" in fault.why
    assert await content(place) == first


async def test_a_vault_that_was_left_alone_is_not_mixed_either(
    place: Place, kept: Settings
) -> None:
    await place.move(kept)
    server = await asyncpg.connect(place.url)
    await server.execute(f"DROP SCHEMA {place.space} CASCADE")
    await server.close()
    left = await content(place)
    with pytest.raises(SettingsRefused) as refused:
        await place.move(kept)
    (fault,) = refused.value.faults
    assert fault.name == "INNKEEPER_VAULT_URL"
    assert f"{place.space}_vault, which holds something already" in fault.why
    assert await content(place) == left


async def test_files_in_use_are_not_copied(tmp_path: Path, place: Place) -> None:
    async with Zoom(App("Desk"), directory=tmp_path) as zoom:
        with pytest.raises(StoreUnavailable, match="in use"):
            await place.move(zoom._settings)  # pyright: ignore[reportPrivateUsage]


async def test_another_ring_moves_nothing(place: Place, kept: Settings) -> None:
    other = replace(kept, keys=KeyRing.parse(KeyRing.generate()))
    with pytest.raises(KeyMissing):
        await place.move(other)
    await place.move(kept)


async def test_another_apps_files_are_not_moved(place: Place, kept: Settings) -> None:
    with pytest.raises((StoreUnavailable, KeyMissing)):
        await place.move(replace(kept, client_id="somebody-else"))
    await place.move(kept)


def before_each_table(
    patch: pytest.MonkeyPatch, deed: Callable[[Table, Any], Awaitable[None]]
) -> None:
    """Have something happen before each table is copied; it is given the connection."""
    copied = moving._copy_table  # pyright: ignore[reportPrivateUsage]

    async def meddled_with(source: Any, each: Table, connection: Any, keys: Any) -> int:
        await deed(each, connection)
        return await copied(source, each, connection, keys)

    patch.setattr(moving, "_copy_table", meddled_with)


@pytest.mark.parametrize("table", ["inbox", "installations", "effects"])
async def test_half_a_move_leaves_nothing_and_can_be_made_again(
    place: Place, kept: Settings, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    async def cut_off(each: Table, _connection: object) -> None:
        if each.name == table and each in STORE:
            raise StoreUnavailable("the database cannot be used", "it was just now stopped")

    with monkeypatch.context() as patch:
        before_each_table(patch, cut_off)
        with pytest.raises(StoreUnavailable, match="just now"):
            await place.move(kept)
    assert await content(place) == []
    await place.move(kept)


async def test_a_database_that_stays_away_has_nothing(
    place: Place, kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("the database cannot be used", "it is away")

    async def cut_off(each: Table, _connection: object) -> None:
        if each.name == "cases":
            patch.setattr(Database, "write", away)
            await away()

    with monkeypatch.context() as patch:
        before_each_table(patch, cut_off)
        with pytest.raises(StoreUnavailable, match="away"):
            await place.move(kept)
    assert await content(place) == []
    await place.move(kept)


async def test_a_server_that_is_gone_is_not_waited_for(
    place: Place, kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = moving._read  # pyright: ignore[reportPrivateUsage]

    async def many() -> AsyncGenerator[Sequence[object]]:
        for number in range(300):
            yield [f"rcp_{number}", number, bytes(1_000_000), b"", ""]

    async def plenty(source: Any, name: str, connection: Any, keys: Any) -> Any:
        columns, rows = await read(source, name, connection, keys)
        return columns, many() if name == "receipts" else rows

    async def end_the_copy() -> None:
        server = await asyncpg.connect(place.url)
        while not await server.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND query LIKE 'COPY%receipts%' AND state = 'active'"
        ):
            pass
        await server.close()

    monkeypatch.setattr(moving, "STALLED_SECONDS", 0.5)
    with monkeypatch.context() as patch:
        patch.setattr(moving, "_read", plenty)
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            tasks.create_task(end_the_copy())
            with pytest.raises(StoreUnavailable):
                await place.move(kept)
    assert await content(place) == []


async def test_whoever_breaks_it_off_is_heard(
    place: Place, kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = moving._read  # pyright: ignore[reportPrivateUsage]
    given = 0

    async def many() -> AsyncGenerator[Sequence[object]]:
        nonlocal given
        for number in range(10_000):
            if number == 1_000:
                moves.cancel()
            given += 1
            yield [f"rcp_{number}", number, b"", b"", ""]

    async def plenty(source: Any, name: str, connection: Any, keys: Any) -> Any:
        columns, rows = await read(source, name, connection, keys)
        return columns, many() if name == "receipts" else rows

    with monkeypatch.context() as patch:
        patch.setattr(moving, "_read", plenty)
        moves = asyncio.create_task(place.move(kept))
        with pytest.raises(asyncio.CancelledError):
            await moves
    assert given < 2_000
    assert await content(place) == []
    await place.move(kept)


async def test_nobody_else_comes_in_while_it_lasts(
    place: Place, kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection._SETTINGS, "lock_timeout", "20ms")  # pyright: ignore[reportPrivateUsage]
    kept_out: list[str] = []

    async def with_others(each: Table, _connection: object) -> None:
        shelf = place.shelf(kept)
        with pytest.raises(StoreUnavailable):
            await shelf.vault.open()
        kept_out.append(each.name)

    with monkeypatch.context() as patch:
        before_each_table(patch, with_others)
        await place.move(kept)
    assert kept_out == [each.name for each in (*VAULT, *STORE)]
    shelf = place.shelf(kept)
    await shelf.vault.open()
    await shelf.store.open()
    assert len(await shelf.store.installations()) == 1
    await shelf.store.close()
    await shelf.vault.close()


async def test_no_limit_of_the_role_ends_it(
    place: Place, kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection._SETTINGS, "statement_timeout", "30s")  # pyright: ignore[reportPrivateUsage]
    limits: set[str] = set()

    async def looked_at(_each: Table, connection: Any) -> None:
        limits.add(await connection.fetchval("SHOW statement_timeout"))

    before_each_table(monkeypatch, looked_at)
    await place.move(kept)
    assert limits == {"0"}


async def test_a_file_that_is_damaged_is_not_half_copied(
    tmp_path: Path, place: Place, kept: Settings
) -> None:
    with sqlite3.connect(tmp_path / FILES[0]) as found:
        ((size,),) = found.execute("PRAGMA page_size")
        ((page,),) = found.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'cases'")
    found.close()
    with (tmp_path / FILES[0]).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with pytest.raises(StoreUnavailable, match="Corrupt"):
        await place.move(kept)
    assert await content(place) == []


async def test_a_key_that_does_not_open_keeps_nobody_here(
    tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk()
    async with Zoom(desk.app, directory=tmp_path) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.says("/bot refuse")
        key = "UPDATE data_keys SET wrapped = zeroblob(length(wrapped)) WHERE subject LIKE 'day:%'"
        counts = await place.take_over(zoom, monkeypatch, damage=(FILES[1], key))
        assert counts["inbox_bodies"] == 1
        found = [row.state for row in await zoom.parts.store.inbox_rows()]
        assert found.count(EventState.DEAD) == 1


async def test_a_body_that_cannot_be_read_is_set_aside_there(
    tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk()
    async with Zoom(desk.app, directory=tmp_path) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.says("/bot charge")
        await ana.says("/bot charge")
        body = """
            UPDATE inbox_bodies SET sealed = zeroblob(length(sealed))
            WHERE id = (SELECT max(id) FROM inbox_bodies)
        """
        await place.take_over(zoom, monkeypatch, damage=(FILES[0], body))
        desk.broken = False
        await zoom.clock.advance(hours=2)
        assert desk.done == ["charged"]
        rows = await zoom.parts.store.inbox_rows()
        assert [row.reason for row in rows if row.state is EventState.QUARANTINED] == [
            "seal_broken"
        ]


@pytest.mark.parametrize(
    ("file", "tables"), [(FILES[0], STORE), (FILES[1], VAULT)], ids=["store", "vault"]
)
async def test_every_table_is_copied(
    tmp_path: Path, kept: Settings, file: str, tables: Sequence[Table]
) -> None:
    assert kept
    assert set(rows_of(tmp_path / file)) == {name for name, _ in tables}
