"""What every test may ask for."""

import gc
import os
import sys
from collections.abc import Generator

import pytest
import structlog
from hypothesis import settings

from tests.postgres import NoPostgres, Server, server

# A busy machine is no failure: what must not take long is measured where it matters.
settings.register_profile("innkeeper", deadline=None)
settings.load_profile("innkeeper")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect ten thousand tests, and look for garbage among them never again: they stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def plain_log() -> Generator[None]:
    """Leave the log as it was: a test that sets it up for a program is not alone in its process."""
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def no_bot() -> Generator[None]:
    """Forget a bot that was loaded, and its folder: the next one's file is called the same."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    sys.modules.pop("bot", None)


@pytest.fixture(scope="session")
def postgres() -> Server:
    """Give a real PostgreSQL, started by the first test that asks."""
    if os.environ.get("INNKEEPER_NO_POSTGRES") == "1":
        pytest.skip("INNKEEPER_NO_POSTGRES=1: what PostgreSQL does is NOT tested")
    try:
        return server()
    except NoPostgres as none:
        pytest.fail(str(none))
