"""`innkeeper store` looks at the schemas on PostgreSQL, and migrates them."""

import json
from pathlib import Path

import pytest

from innkeeper.store.seal import KeyRing
from tests.cli.commands import CONFIGURED, innkeeper
from tests.postgres import PASSWORD, Server

pytestmark = pytest.mark.slow


def test_tells_what_is_behind_and_brings_it_up_to_date(postgres: Server, tmp_path: Path) -> None:
    with postgres.fresh_space() as space:
        configured = {
            **CONFIGURED,
            "INNKEEPER_DATABASE_URL": f"{postgres.url}?schema={space}",
            "INNKEEPER_VAULT_URL": f"{postgres.url}?schema={space}_vault",
            "INNKEEPER_KEYS": KeyRing.generate(),
        }
        behind = innkeeper("store", "status", cwd=tmp_path, env=configured)
        assert behind.code == 3
        assert f"{space}_vault" in behind.out
        made = innkeeper("store", "migrate", cwd=tmp_path, env=configured)
        assert (made.code, made.out) == (0, "")
        found = innkeeper("store", "status", "--json", cwd=tmp_path, env=configured)
        assert found.code == 0
        assert [each["made"] - each["newest"] for each in json.loads(found.out)] == [0, 0]
        assert "0 steps" in innkeeper("store", "migrate", cwd=tmp_path, env=configured).err
        assert PASSWORD not in behind.said + made.said + found.said


@pytest.mark.parametrize("verb", ["status", "migrate"])
def test_says_that_sqlite_needs_none_of_it(tmp_path: Path, verb: str) -> None:
    ended = innkeeper("store", verb, cwd=tmp_path, env=CONFIGURED)
    assert ended.code == 78
    assert "when the app starts" in ended.said


def test_a_worker_needs_postgresql(tmp_path: Path) -> None:
    ended = innkeeper("worker", cwd=tmp_path, env=CONFIGURED)
    assert ended.code == 78
    assert "innkeeper run" in ended.said
