import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import apsw
import pytest

from innkeeper.errors import Fenced, StoreUnavailable
from innkeeper.store.sqlite.connection import Connection, connect, make_private
from innkeeper.store.sqlite.writer import Lane, Writer

pytestmark = pytest.mark.anyio


class Desk:
    """A writer over one table, that notes how often it had to connect anew."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.connects = 0
        self.broken: list[Exception] = []
        self.batches: list[Sequence[int]] = []
        self.writer = Writer(self._connect, name="test")
        self.lane: Lane[int, int | None] = self.writer.lane(self._bulk)

    def _connect(self) -> Connection:
        self.connects += 1
        if self.broken:
            raise self.broken.pop(0)
        return connect(self.path)

    def _bulk(self, connection: Connection, items: Sequence[int]) -> Sequence[int | None] | None:
        self.batches.append(items)
        if self.broken:
            raise self.broken.pop(0)
        for item in items:
            connection.run("INSERT INTO t VALUES (?)", (item,))
        return None if items[0] else [item * 10 for item in items]

    def start(self) -> None:
        make_private(self.path)
        connection = connect(self.path)
        connection.run("CREATE TABLE IF NOT EXISTS t (n INTEGER UNIQUE)")
        self.writer.start(connection)

    async def add(self, number: int) -> int:
        return await self.writer.write(
            lambda connection: connection.change("INSERT INTO t VALUES (?)", (number,))
        )

    def kept(self) -> list[int]:
        connection = connect(self.path)
        rows = connection.rows("SELECT n FROM t ORDER BY n")
        connection.close()
        return [row[0] for row in rows]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path / "t.db")
    desk.start()
    yield desk
    await desk.writer.stop()


async def test_a_job_that_fails_fails_alone(desk: Desk) -> None:
    results = await asyncio.gather(
        *(desk.add(number) for number in (1, 2, 1, 3)), return_exceptions=True
    )
    assert [type(each) for each in results] == [int, int, apsw.ConstraintError, int]
    assert desk.kept() == [1, 2, 3]


async def test_what_a_failing_job_wrote_is_undone(desk: Desk) -> None:
    def job(connection: Connection) -> None:
        connection.run("INSERT INTO t VALUES (7)")
        raise Fenced

    with pytest.raises(Fenced):
        await desk.writer.write(job)
    assert desk.kept() == []


async def test_a_job_that_loses_the_transaction_fails_for_all(desk: Desk) -> None:
    def job(connection: Connection) -> None:
        connection.run("ROLLBACK")
        raise apsw.FullError

    results = await asyncio.gather(
        desk.add(1), desk.writer.write(job), desk.add(2), return_exceptions=True
    )
    assert {type(each) for each in results} == {StoreUnavailable}
    assert desk.kept() == []


async def test_a_lane_writes_all_that_waits_at_once(desk: Desk) -> None:
    assert await asyncio.gather(*(desk.lane.put(number) for number in range(1, 40))) == [None] * 39
    assert [len(batch) for batch in desk.batches] == [39]
    assert await asyncio.gather(*(desk.lane.put(number) for number in (0, 50))) == [0, 500]


async def test_what_nobody_waits_for_goes_with_the_next_commit(desk: Desk) -> None:
    desk.lane.put_soon(1)
    assert desk.kept() == []
    desk.lane.put_soon(2)
    await desk.add(3)
    assert desk.kept() == [1, 2, 3]


async def test_what_nobody_waits_for_is_tried_again(desk: Desk) -> None:
    desk.broken = [apsw.FullError("database or disk is full")]
    desk.lane.put_soon(1)
    with pytest.raises(StoreUnavailable):
        await desk.add(2)
    assert await desk.add(3) == 1
    assert desk.kept() == [1, 3]


async def test_stopping_writes_what_is_on_its_way(desk: Desk) -> None:
    desk.lane.put_soon(1)
    waiting = asyncio.create_task(desk.add(2))
    await asyncio.sleep(0)
    await desk.writer.stop()
    assert await waiting == 1
    assert desk.kept() == [1, 2]
    with pytest.raises(StoreUnavailable, match="not open"):
        await desk.add(3)
    await desk.writer.stop()


async def test_more_than_a_batch_is_written_all_the_same(desk: Desk) -> None:
    await asyncio.gather(*(desk.add(number) for number in range(700)))
    assert desk.kept() == list(range(700))


async def test_an_error_of_the_disk_reaches_everybody_and_nothing_is_kept(desk: Desk) -> None:
    async def put(number: int) -> None:
        await desk.lane.put(number)

    desk.broken = [apsw.FullError("database or disk is full")]
    results = await asyncio.gather(desk.add(1), put(2), return_exceptions=True)
    assert [type(each) for each in results] == [StoreUnavailable, StoreUnavailable]
    assert desk.kept() == []
    assert desk.connects == 0
    assert await desk.add(3) == 1


async def test_connects_anew_after_an_io_error(desk: Desk) -> None:
    desk.broken = [apsw.IOError("disk I/O error"), StoreUnavailable("still gone")]
    with pytest.raises(StoreUnavailable, match="IOError"):
        await desk.lane.put(1)
    with pytest.raises(StoreUnavailable, match="still gone"):
        await desk.add(2)
    assert await desk.add(3) == 1
    assert desk.connects == 2
    assert desk.kept() == [3]


async def test_a_job_alone_runs_outside_of_any_transaction(desk: Desk) -> None:
    assert not await desk.writer.write_alone(lambda connection: connection.in_transaction)
    assert await desk.writer.write(lambda connection: connection.in_transaction)

    def refuse(connection: Connection) -> None:
        connection.run("no such statement")

    with pytest.raises(apsw.SQLError):
        await desk.writer.write_alone(refuse)


async def test_a_caller_that_gave_up_does_no_harm(desk: Desk) -> None:
    waiting = asyncio.create_task(desk.add(1))
    await asyncio.sleep(0)
    waiting.cancel()
    assert await desk.add(2) == 1
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert desk.kept() == [1, 2]


async def test_the_fence_of_a_trigger_is_told_as_such(desk: Desk) -> None:
    def job(connection: Connection) -> None:
        connection.run(
            "CREATE TRIGGER f BEFORE INSERT ON t WHEN NEW.n = 13"
            " BEGIN SELECT RAISE(ABORT, 'fenced'); END"
        )

    await desk.writer.write(job)
    with pytest.raises(Fenced):
        await desk.add(13)
    assert await desk.add(12) == 1
