"""What every test may ask for."""

import pytest
from hypothesis import settings

# A busy machine is no failure: what must not take long is measured where it matters.
settings.register_profile("innkeeper", deadline=None)
settings.load_profile("innkeeper")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
