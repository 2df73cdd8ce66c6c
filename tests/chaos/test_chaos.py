"""Is nothing lost and nothing done twice, whoever is killed and whenever? The short form.

The monkey rages for a minute: two web processes and two workers on PostgreSQL have the
larger part of it, one process on SQLite the rest, one after the other. Somebody is killed
every 50 to 500 ms, and who is alone may come up first one time in two; what comes before
and after is not counted.
"""

from pathlib import Path

import pytest

from tests.chaos.monkey import ENOUGH_TAKEN, Came, rage
from tests.postgres import Server, own_server

pytestmark = pytest.mark.slow

SEED = 11
RISES_WITHIN_SECONDS = 5.0
POSTGRES_SECONDS, SQLITE_SECONDS = 35.0, 25.0


def holds(came: Came) -> None:
    """See that it was chaos, and that all is well."""
    assert came.wrong == []
    assert came.kills > 5
    assert len(came.tale.acked) > ENOUGH_TAKEN
    assert came.restarted <= RISES_WITHIN_SECONDS


def test_one_process_on_sqlite_loses_nothing(tmp_path: Path) -> None:  # F11 F36
    came = rage(tmp_path, None, seed=SEED, seconds=SQLITE_SECONDS)
    holds(came)
    assert came.full > 0


def test_two_of_each_on_postgresql_lose_nothing(
    postgres: Server, tmp_path: Path
) -> None:  # F11 F41
    with own_server(postgres) as own:
        came = rage(tmp_path, own, seed=SEED, seconds=POSTGRES_SECONDS)
    holds(came)
    assert came.restarts > 0
