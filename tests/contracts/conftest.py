"""Every store there is, opened for each test of the suite."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from innkeeper.store.base import Store, Vault
from tests.contracts.houses import House, PostgresHouse, SqliteHouse
from tests.postgres import Server


@pytest.fixture(params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    if request.param == "sqlite":
        yield SqliteHouse(tmp_path)
        return
    postgres: Server = request.getfixturevalue("postgres")
    with postgres.space() as space:
        yield PostgresHouse(postgres, space)


@pytest.fixture
async def vault(house: House) -> AsyncIterator[Vault]:
    vault = house.vault()
    await vault.open()
    yield vault
    await vault.close()


@pytest.fixture
async def store(house: House, vault: Vault) -> AsyncIterator[Store]:
    store = house.store(vault)
    await store.open()
    yield store
    await store.close()
