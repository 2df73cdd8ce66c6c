"""Two processes on one store, as far as one process can play them."""

from collections.abc import AsyncIterator, Iterator

import pytest

from innkeeper.store.postgres import PostgresStore, PostgresVault
from tests.contracts.houses import PostgresHouse
from tests.postgres import Server


@pytest.fixture
def house(postgres: Server) -> Iterator[PostgresHouse]:
    with postgres.space() as space:
        yield PostgresHouse(postgres, space)


@pytest.fixture
async def vault(house: PostgresHouse) -> AsyncIterator[PostgresVault]:
    vault = house.vault()
    await vault.open()
    yield vault
    await vault.close()


@pytest.fixture
async def store(house: PostgresHouse, vault: PostgresVault) -> AsyncIterator[PostgresStore]:
    store = house.store(vault)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def other(house: PostgresHouse) -> AsyncIterator[PostgresStore]:
    vault = house.vault()
    await vault.open()
    store = house.store(vault)
    await store.open()
    yield store
    await store.close()
    await vault.close()
