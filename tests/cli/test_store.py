"""`innkeeper store` looks at the schemas on PostgreSQL, and migrates them."""

import asyncio
import json
from pathlib import Path

import pytest

from innkeeper import App
from innkeeper.store.seal import KeyRing
from innkeeper.testing import Zoom
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


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Have somebody be known to a bot on SQLite; these are its settings."""
    ring = KeyRing.generate()
    monkeypatch.setattr(KeyRing, "generate", staticmethod(lambda: ring))

    async def live() -> dict[str, str]:
        async with Zoom(App("Doorman"), directory=tmp_path) as zoom:
            await zoom.person("Ana").adds_app()
            settings = zoom.parts.settings
            return CONFIGURED | {
                "ZOOM_CLIENT_ID": settings.client_id,
                "ZOOM_BOT_JID": settings.bot_jid,
                "INNKEEPER_KEYS": ring,
            }

    return asyncio.run(live())


def test_a_bot_on_sqlite_is_copied_once(
    postgres: Server, tmp_path: Path, kept: dict[str, str]
) -> None:
    listed = innkeeper("installation", "list", "--json", cwd=tmp_path, env=kept)
    with postgres.fresh_space() as space:
        there = kept | {
            "INNKEEPER_DATABASE_URL": f"{postgres.url}?schema={space}",
            "INNKEEPER_VAULT_URL": f"{postgres.url}?schema={space}_vault",
        }
        copied = innkeeper("store", "copy", "innkeeper.db", "--json", cwd=tmp_path, env=there)
        assert copied.code == 0
        assert json.loads(copied.out)["installations"] == 1
        found = innkeeper("installation", "list", "--json", cwd=tmp_path, env=there)
        assert (found.code, found.out) == (0, listed.out)
        again = innkeeper("store", "copy", "innkeeper.db", cwd=tmp_path, env=there)
        assert again.code == 78
        assert "holds something already" in again.said
        assert "drop these two" in again.said
        assert PASSWORD not in copied.said + again.said


def test_says_what_was_copied_and_what_to_do_with_the_files(
    postgres: Server, tmp_path: Path, kept: dict[str, str]
) -> None:
    (tmp_path / "innkeeper.vault.db").rename(tmp_path / "keys.db")
    with postgres.fresh_space() as space:
        there = kept | {"INNKEEPER_DATABASE_URL": f"{postgres.url}?schema={space}"}
        lost = innkeeper("store", "copy", "innkeeper.db", cwd=tmp_path, env=there)
        assert lost.code == 78
        assert "innkeeper.vault.db is not there" in lost.said
        there["INNKEEPER_VAULT_URL"] = f"{postgres.url}?schema={space}_vault"
        argv = ("store", "copy", "innkeeper.db", "--vault", "keys.db")
        copied = innkeeper(*argv, cwd=tmp_path, env=there)
        assert copied.code == 0
        assert "installations     1" in copied.out
        assert "delete them once it runs" in copied.err


def test_copies_into_postgresql_only(tmp_path: Path, kept: dict[str, str]) -> None:
    ended = innkeeper("store", "copy", "innkeeper.db", cwd=tmp_path, env=kept)
    assert ended.code == 78
    assert "Name a PostgreSQL" in ended.said
    assert innkeeper("store", "copy", "nowhere.db", cwd=tmp_path, env=kept).code == 2
