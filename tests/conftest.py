"""What every test may ask for."""

import os

import pytest
from hypothesis import settings

from tests.postgres import NoPostgres, Server, server

# A busy machine is no failure: what must not take long is measured where it matters.
settings.register_profile("innkeeper", deadline=None)
settings.load_profile("innkeeper")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Server:
    """Give a real PostgreSQL, started by the first test that asks."""
    if os.environ.get("INNKEEPER_NO_POSTGRES") == "1":
        pytest.skip("INNKEEPER_NO_POSTGRES=1: what PostgreSQL does is NOT tested")
    try:
        return server()
    except NoPostgres as none:
        pytest.fail(str(none))
