"""Is nothing lost that was acknowledged, whichever operation of the disk fails?"""

import itertools
from contextlib import suppress
from pathlib import Path

import pytest

from innkeeper.errors import StoreUnavailable
from innkeeper.store.records import EventState
from innkeeper.store.seal import KeyRing
from innkeeper.store.sqlite import connection as connection_module
from innkeeper.store.sqlite.connection import connect
from tests.faults.disk import Disk, Fault, Operation, disk, full, ill
from tests.journeys.house import House, notification, running, signed

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SWEPT_AT_LEAST = 2
"""So many operations there are at least: else nothing would have been swept."""


@pytest.fixture(params=[2000, 1], ids=["as-it-is", "checkpoints-each-time"])
def checkpoints(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copy the log into the database as usual, or after each commit."""
    pragmas = connection_module._PRAGMAS  # pyright: ignore[reportPrivateUsage]  # it has no switch
    seldom = "wal_autocheckpoint = 2000"
    assert seldom in pragmas
    often = pragmas.replace(seldom, f"wal_autocheckpoint = {request.param}")
    monkeypatch.setattr(connection_module, "_PRAGMAS", often)


async def _post(house: House, body: bytes) -> int:
    status, headers, _ = await house.request("POST", "/events", signed(body), body)
    await house.parts.dispatcher.settled()
    assert status in {200, 503}
    assert (status == 503) == ("retry-after" in headers)
    return status


async def _sweep(house: House, one: Disk, operation: Operation, fault: Fault) -> dict[str, int]:
    """Fail at each operation of a delivery, one delivery for each; give their answers."""
    answers: dict[str, int] = {}
    for nth in itertools.count(1):
        body, before = notification(cmd=f"note {nth}"), one.struck
        with one.failing(operation, fault, nth=nth):
            answers[f"note {nth}"] = status = await _post(house, body)
            with suppress(StoreUnavailable):
                await house.rows()  # what ends soon has ended, or has failed to
        if one.struck == before:
            break
        if status == 503:
            assert f"note {nth}" not in house.heard
            assert await _post(house, body) == 200  # Zoom's retry, and by then it is well again
    return answers


@pytest.mark.usefixtures("checkpoints")
@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        pytest.param("write", full, id="F36"),
        pytest.param("write", ill, id="F37-write"),
        pytest.param("sync", ill, id="F37-sync"),
    ],
)
async def test_whichever_operation_fails_what_was_acknowledged_is_there(
    operation: Operation, fault: Fault, tmp_path: Path
) -> None:
    ring, now, later = KeyRing.generate(), tmp_path / "now", tmp_path / "later"
    now.mkdir()
    with disk() as one:
        async with running(now, ring=ring) as house:
            assert await _post(house, notification(cmd="note 0")) == 200
            answers = await _sweep(house, one, operation, fault)
            assert 503 in answers.values()
            assert one.struck >= SWEPT_AT_LEAST
            assert await house.parts.store.ready()
            house.clock.advance(60)
            await house.app.worker.take_up()
            await house.parts.dispatcher.settled()
            assert sorted(house.heard) == sorted(["note 0", *answers])
            rows = await house.rows()
            assert {row.state for row in rows} == {EventState.DONE}
            assert len(rows) == len(house.heard)
            one.lose_power(now, later)
    database = connect(str(later / "innkeeper.db"))
    assert database.rows("PRAGMA integrity_check") == [("ok",)]
    assert database.rows("SELECT count(*) FROM inbox") == [(len(rows),)]
    database.close()
