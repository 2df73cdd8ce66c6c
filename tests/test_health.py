"""Each part says how it is; only what would lose a delivery takes the app off the network."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from innkeeper import App
from innkeeper.errors import StoreUnavailable
from innkeeper.health import BACKLOG_LATE, CHALLENGE_LATE, Readiness
from innkeeper.net.outbound import Request
from innkeeper.store.records import Census
from innkeeper.testing import BOT_URL, Zoom
from tests.doors import NOW, opened

pytestmark = pytest.mark.anyio

SECOND = timedelta(seconds=1)
CENSUS = Census(
    waiting=2,
    waiting_since=NOW - SECOND,
    purges=1,
    overdue_purges=0,
    purge_time_used=0.25,
    open_cases=0,
    receipts=7,
)
WELL = Readiness(
    store=True,
    keys=True,
    challenged_at=NOW,
    census=CENSUS,
    queued=3,
    waiting_since=NOW - SECOND,
    now=NOW,
)
KEYS = {
    "store": {"ok"},
    "keys": {"ok"},
    "challenge": {"ok", "answered_at"},
    "backlog": {"ok", "waiting", "oldest_seconds"},
    "purges": {"ok", "under_way", "overdue", "time_used"},
}


def test_says_of_each_part_how_it_is() -> None:
    assert WELL.report() == {
        "status": "ready",
        "store": {"ok": True},
        "keys": {"ok": True},
        "challenge": {"ok": True, "answered_at": NOW.isoformat()},
        "backlog": {"ok": True, "waiting": 5, "oldest_seconds": 1},
        "purges": {"ok": True, "under_way": 1, "overdue": 0, "time_used": 0.25},
    }


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("challenge", {"challenged_at": NOW - CHALLENGE_LATE}),
        ("backlog", {"waiting_since": NOW - BACKLOG_LATE}),
        ("purges", {"census": replace(CENSUS, overdue_purges=1)}),
    ],
)
def test_what_is_late_is_told_and_takes_nothing_off_the_network(
    part: str, changes: dict[str, Any]
) -> None:
    ill = replace(WELL, **changes)
    report = ill.report()
    assert report["status"] == "degraded"
    assert [name for name in KEYS if not report[name]["ok"]] == [part]
    assert ill.takes_deliveries


@pytest.mark.parametrize("part", ["store", "keys"])
def test_what_would_lose_a_delivery_takes_it_off(part: str) -> None:
    ill = replace(WELL, **{part: False})
    assert ill.report()["status"] == "unavailable"
    assert not ill.takes_deliveries


def test_nothing_is_late_before_its_time() -> None:
    nearly = replace(
        WELL,
        challenged_at=NOW - CHALLENGE_LATE + SECOND,
        waiting_since=NOW - BACKLOG_LATE + SECOND,
    )
    assert nearly.report()["status"] == "ready"
    fresh = replace(WELL, challenged_at=None, waiting_since=None)
    assert fresh.report()["challenge"] == {"ok": True, "answered_at": None}


async def test_the_keys_are_the_same_whatever_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> bool:
        raise StoreUnavailable("the database cannot be read", "canary")

    async with opened(tmp_path) as (door, parts):
        well = await door.get("/readyz")
        monkeypatch.setattr(type(parts.vault), "missing_keys", broken)
        keyless = await door.get("/readyz")
        monkeypatch.setattr(type(parts.store), "census", broken)
        blind = await door.get("/readyz")
    assert [answer.status for answer in (well, keyless, blind)] == [200, 503, 503]
    for answer in (well, keyless, blind):
        report = json.loads(answer.body)
        assert {name: set(report[name]) for name in KEYS} == KEYS
        assert set(report) == {"status", *KEYS}
        assert "canary" not in answer.text
    assert json.loads(keyless.body)["keys"] == {"ok": False}


async def test_a_vault_without_the_apps_key_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def all_of_them(_: object, subjects: list[str]) -> list[str]:
        return subjects

    async with opened(tmp_path) as (door, parts):
        monkeypatch.setattr(type(parts.vault), "missing_keys", all_of_them)
        answer = await door.get("/readyz")
    assert (answer.status, json.loads(answer.body)["status"]) == (503, "unavailable")


async def test_no_part_of_a_healthy_bot_is_ill_and_its_challenge_was_answered() -> None:
    app = App("Porter")
    async with Zoom(app) as zoom:
        assert zoom.parts.receiver.challenged_at is not None
        answer = await zoom.transport.send(Request("GET", f"{BOT_URL}/readyz"))
    report = json.loads(answer.body)
    assert report["status"] == "ready"
    assert report["challenge"]["answered_at"] is not None
