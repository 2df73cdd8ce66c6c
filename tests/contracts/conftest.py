"""Every store there is, opened for each test of the suite."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from innkeeper.store.base import Store, Vault
from tests.contracts.houses import House, SqliteHouse

HOUSES: dict[str, Callable[[Path], House]] = {"sqlite": SqliteHouse}


@pytest.fixture(params=sorted(HOUSES))
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    return HOUSES[request.param](tmp_path)


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
