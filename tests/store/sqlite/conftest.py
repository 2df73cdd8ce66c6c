from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from innkeeper.store.sqlite import SqliteStore
from innkeeper.store.vault import SqliteVault
from tests.contracts.houses import SqliteHouse


@pytest.fixture
def house(tmp_path: Path) -> SqliteHouse:
    return SqliteHouse(tmp_path)


@pytest.fixture
async def vault(house: SqliteHouse) -> AsyncIterator[SqliteVault]:
    vault = house.vault()
    await vault.open()
    yield vault
    await vault.close()


@pytest.fixture
async def store(house: SqliteHouse, vault: SqliteVault) -> AsyncIterator[SqliteStore]:
    store = house.store(vault)
    await store.open()
    yield store
    await store.close()
