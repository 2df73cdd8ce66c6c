"""Older and newer versions run side by side, until a migration says that they cannot."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from innkeeper.errors import StoreUnavailable
from innkeeper.store.addresses import PostgresAddress
from innkeeper.store.postgres import PostgresStore, migrations
from innkeeper.store.postgres.database import Database
from innkeeper.store.postgres.migrations import Migration, known
from tests.contracts.houses import NOW, PostgresHouse, accepted, body
from tests.postgres import Server

pytestmark = pytest.mark.anyio

ADDS = "ALTER TABLE inbox ADD COLUMN priority INTEGER NOT NULL DEFAULT 0"


class Versions:
    """Innkeepers that know more or fewer migrations."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self._now = {folder: list(known(folder)) for folder in ("postgres", "postgres_vault")}
        monkeypatch.setattr(migrations, "known", self.known)

    def known(self, folder: str) -> Sequence[Migration]:
        return self._now[folder]

    def newer(self, *, fits: int = 1) -> None:
        steps = self._now["postgres"]
        steps.append(replace(steps[-1], number=len(steps) + 1, name="later", fits=fits, sql=ADDS))

    def older(self) -> None:
        self._now["postgres"].pop()


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> Versions:
    return Versions(monkeypatch)


@pytest.fixture
def fresh(postgres: Server) -> Iterator[PostgresHouse]:
    """Schemas that nobody has migrated."""
    with postgres.fresh_space() as space:
        yield PostgresHouse(postgres, space)


async def test_many_that_start_at_once_migrate_once(fresh: PostgresHouse) -> None:  # F45
    vaults = [fresh.vault() for _ in range(4)]
    await asyncio.gather(*(vault.open() for vault in vaults))
    stores = [fresh.store(vault) for vault in vaults]
    await asyncio.gather(*(store.open() for store in stores))
    assert (await accepted(stores[0], body())).fresh
    assert not (await accepted(stores[3], body())).fresh
    for each in (*stores, *vaults):
        await each.close()


async def test_an_older_version_works_beside_a_newer_one(  # F45 F65
    fresh: PostgresHouse, versions: Versions
) -> None:
    vault = fresh.vault()
    await vault.open()
    older = fresh.store(vault)
    await older.open()
    versions.newer()
    newer = fresh.store(vault)
    await newer.open()
    event = await accepted(older, body())
    await older.defer(event.id, until=NOW, reason="later")
    assert [each.id for each in await newer.claim(now=NOW, limit=1)] == [event.id]
    versions.older()
    restarted = fresh.store(vault)
    await restarted.open()
    assert not (await accepted(restarted, body())).fresh
    for each in (older, newer, restarted, vault):
        await each.close()


async def test_a_version_that_does_not_fit_any_more_stops_at_its_start(
    fresh: PostgresHouse, versions: Versions
) -> None:
    vault = fresh.vault()
    await vault.open()
    versions.newer(fits=len(known("postgres")) + 1)
    newer = fresh.store(vault)
    await newer.open()
    await newer.close()
    versions.older()
    with pytest.raises(StoreUnavailable, match="newer Innkeeper"):
        await fresh.store(vault).open()
    await vault.close()


async def test_who_only_looks_migrates_nothing(fresh: PostgresHouse) -> None:
    vault = fresh.vault()
    await vault.open()
    looking = PostgresStore(
        fresh.server.address(fresh.space), vault=vault, app="app", read_only=True
    )
    with pytest.raises(StoreUnavailable, match="store migrate"):
        await looking.open()
    await vault.close()


async def test_a_migration_that_fails_leaves_nothing(  # F45
    fresh: PostgresHouse, versions: Versions
) -> None:
    vault = fresh.vault()
    await vault.open()
    versions.newer()
    versions.known("postgres")[-1] = replace(  # type: ignore[index]
        versions.known("postgres")[-1], sql=f"{ADDS}; ALTER TABLE nowhere ADD COLUMN x INTEGER"
    )
    with pytest.raises(StoreUnavailable):
        await fresh.store(vault).open()
    versions.older()
    store = fresh.store(vault)
    await store.open()
    await store.close()
    await vault.close()
    connection = await asyncpg.connect(fresh.server.url)
    columns = await connection.fetchval(
        "SELECT count(*) FROM information_schema.columns"
        " WHERE table_schema = $1 AND table_name = 'inbox' AND column_name = 'priority'",
        fresh.space,
    )
    await connection.close()
    assert columns == 0


def test_a_schema_that_was_made_beforehand_will_do(postgres: Server) -> None:
    with postgres.fresh_space() as space:
        asyncio.run(_open_as_who_makes_no_schemas(postgres, space))


async def _open_as_who_makes_no_schemas(postgres: Server, space: str) -> None:
    url = f"postgresql://{space}@{postgres.url.rpartition('@')[2]}"
    database = Database(PostgresAddress.parse(url, schema=space), migrations="postgres")
    admin = await asyncpg.connect(postgres.url)
    await admin.execute(f"CREATE ROLE {space} LOGIN")
    try:
        await admin.execute(f"CREATE SCHEMA {space} AUTHORIZATION {space}")
        await database.open()
        await database.close()
    finally:
        await admin.execute(f"DROP OWNED BY {space} CASCADE; DROP ROLE {space}")
        await admin.close()


@pytest.mark.parametrize("folder", ["postgres", "postgres_vault"])
def test_migrations_are_numbered_in_their_order(folder: str) -> None:
    place = Path(migrations.__file__).parents[1] / "schema" / folder
    files = sorted(place.glob("*.sql"))
    assert len(files) == len(known(folder))
    for number, file in enumerate(files, start=1):
        assert file.name.startswith(f"{number:04}_")
        assert known(folder)[number - 1].fits <= number
