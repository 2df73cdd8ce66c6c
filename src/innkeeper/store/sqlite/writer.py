"""How does one thread write for everybody? Group commit.

Whatever waits when the thread comes round is taken into one transaction, so that the
disk is asked once for all. Small frequent writes of one kind go through a `Lane`,
which makes them with one statement together; anything else is a job of its own, under
a savepoint, so that one that fails does not fail its neighbours.
"""

import asyncio
import contextlib
import functools
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import apsw

from innkeeper.errors import StoreUnavailable
from innkeeper.store.sqlite.connection import REOPEN_AFTER, Connection, explained

T = TypeVar("T")
ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

Job = Callable[[Connection], T]
Bulk = Callable[[Connection, Sequence[ItemT]], Sequence[ResultT] | None]
"""Writes all items; gives a result for each, or None if each result is None."""

MOST_AT_ONCE: Final = 256
SOON_SECONDS: Final = 0.02
RETRY_SECONDS: Final = 1.0

_Waiting = list["asyncio.Future[Any] | None"]
_Outcome = tuple[_Waiting, Sequence[Any] | None, Exception | None]
"""Who waits, what each gets (None: each gets None), or what went wrong for all of them."""


class Lane(Generic[ItemT, ResultT]):
    """Small writes of one kind, on their way to the next commit."""

    __slots__ = ("_writer", "bulk", "futures", "items")

    def __init__(self, writer: "Writer", bulk: Bulk[ItemT, ResultT]) -> None:
        self._writer = writer
        self.bulk = bulk
        self.items: list[ItemT] = []
        self.futures: list[asyncio.Future[ResultT | None] | None] = []

    def put(self, item: ItemT) -> "asyncio.Future[ResultT | None]":
        """Write an item with the next commit; the future is resolved when it is durable."""
        future = self._writer.future()
        self.items.append(item)
        self.futures.append(future)
        return future

    def put_soon(self, item: ItemT) -> None:
        """Write an item with whichever commit comes next, for nobody who waits.

        If that commit fails the item goes with a later one, as long as the process lives.
        """
        self.items.append(item)
        self.futures.append(None)
        self._writer.call_soon()

    def take(self) -> tuple[list[ItemT], list["asyncio.Future[ResultT | None] | None"]]:
        """Hand over what was put, and begin anew."""
        taken = self.items, self.futures
        self.items, self.futures = [], []
        return taken


@dataclass(slots=True)
class _Batch:
    lanes: list[tuple[list[Any], list[Any]]]
    jobs: list[tuple[Job[Any], "asyncio.Future[Any]"]] = field(default_factory=list[Any])
    alone: list[tuple[Job[Any], "asyncio.Future[Any]"]] = field(default_factory=list[Any])

    def add(self, other: "_Batch") -> None:
        for mine, others in zip(self.lanes, other.lanes, strict=True):
            mine[0].extend(others[0])
            mine[1].extend(others[1])
        self.jobs += other.jobs
        self.alone += other.alone

    def size(self) -> int:
        return sum([len(items) for items, _ in self.lanes]) + len(self.jobs) + len(self.alone)

    def waiting(self) -> _Waiting:
        futures: _Waiting = [future for _, each in self.lanes for future in each]
        return futures + [future for _, future in (*self.jobs, *self.alone)]


class Writer:
    """The one thread that writes to a database.

    Args:
        connect: Opens a connection; called again after an I/O error.
        name: The thread's name.
    """

    def __init__(self, connect: Callable[[], Connection], *, name: str) -> None:
        self._connect = connect
        self._name = name
        self._lanes: list[Lane[Any, Any]] = []
        self._jobs: list[tuple[Job[Any], asyncio.Future[Any]]] = []
        self._alone: list[tuple[Job[Any], asyncio.Future[Any]]] = []
        self._queue: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ended: asyncio.Future[None] | None = None
        self._connection: Connection | None = None
        self._called = False
        self._timer: asyncio.TimerHandle | None = None

    def lane(self, bulk: Bulk[ItemT, ResultT]) -> Lane[ItemT, ResultT]:
        """Open a lane; before the start."""
        lane = Lane(self, bulk)
        self._lanes.append(lane)
        return lane

    def start(self, connection: Connection) -> None:
        """Begin to write, over this connection, for the running event loop."""
        self._loop = loop = asyncio.get_running_loop()
        self._connection = connection
        self._ended = loop.create_future()
        self._thread = threading.Thread(
            target=self._live, args=(loop, self._ended), name=self._name, daemon=True
        )
        self._thread.start()

    async def stop(self) -> None:
        """Write what is on its way, close the connection, and end the thread.

        Also while the interpreter ends, when there are no executors any more.
        """
        thread, ended = self._thread, self._ended
        if thread is None or ended is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._flush()
        self._thread = self._loop = self._ended = None
        self._queue.put(None)
        await ended
        thread.join()

    async def write(self, job: Job[T]) -> T:
        """Run a job within the next commit.

        Raises:
            StoreUnavailable: If it could not be made durable; then nothing of it was.
        """
        future: asyncio.Future[T] = self.future()
        self._jobs.append((job, future))
        return await future

    async def write_alone(self, job: Job[T]) -> T:
        """Run a job after the next commit, outside of any transaction.

        Raises:
            StoreUnavailable: If the database cannot be used.
        """
        future: asyncio.Future[T] = self.future()
        self._alone.append((job, future))
        return await future

    def future(self) -> "asyncio.Future[Any]":
        """Make a future for what the next commit will write, and have that made.

        Raises:
            StoreUnavailable: If the writer is not running.
        """
        loop = self._loop
        if loop is None:
            raise StoreUnavailable("the database is not open")
        if not self._called:
            self._called = True
            loop.call_soon(self._flush)
        return loop.create_future()

    def call_soon(self) -> None:
        """Have a commit made within a moment, unless one comes before."""
        if self._loop is not None and self._timer is None and not self._called:
            self._timer = self._loop.call_later(SOON_SECONDS, self._flush)

    def _flush(self) -> None:
        self._called = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch = _Batch([lane.take() for lane in self._lanes], self._jobs, self._alone)
        self._jobs, self._alone = [], []
        self._queue.put(batch)

    def _settle(self, batch: _Batch, outcomes: Sequence[_Outcome], *, failed: bool) -> None:
        for waiting, results, error in outcomes:
            _resolve(waiting, results, error)
        if failed:
            self._keep(batch)

    def _keep(self, batch: _Batch) -> None:
        """Put what nobody waited for, and what was not written, on its way again."""
        for lane, (items, futures) in zip(self._lanes, batch.lanes, strict=True):
            left = [item for item, future in zip(items, futures, strict=True) if future is None]
            lane.items += left
            lane.futures += [None] * len(left)
            if left and self._loop is not None and self._timer is None:
                self._timer = self._loop.call_later(RETRY_SECONDS, self._flush)

    # on the writer's own thread

    def _live(self, loop: asyncio.AbstractEventLoop, ended: "asyncio.Future[None]") -> None:
        try:
            self._run(loop)
        finally:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(ended.set_result, None)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        last = False
        while not last and (batch := self._queue.get()) is not None:
            while batch.size() < MOST_AT_ONCE and not self._queue.empty():
                more = self._queue.get()
                if more is None:
                    last = True
                    break
                batch.add(more)
            outcomes, failed = self._write(batch)
            settle = functools.partial(self._settle, batch, outcomes, failed=failed)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(settle)
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _write(self, batch: _Batch) -> tuple[list[_Outcome], bool]:
        """Write a batch: what came of it, and whether it failed as a whole."""
        try:
            connection = self._connection = self._connection or self._connect()
            outcomes = self._commit(connection, batch)
        except Exception as error:  # everybody who waits must hear of it
            self._recover(error)
            return [(batch.waiting(), None, explained(error))], True
        for job, future in batch.alone:
            try:
                outcomes.append(([future], [job(connection)], None))
            except Exception as error:  # the same
                outcomes.append(([future], None, explained(error)))
        return outcomes, False

    def _commit(self, connection: Connection, batch: _Batch) -> list[_Outcome]:
        outcomes: list[_Outcome] = []
        if batch.size() == len(batch.alone):
            return outcomes
        if not connection.in_place:
            raise StoreUnavailable("the database cannot be used", "its file is gone")
        connection.run("BEGIN IMMEDIATE")
        for lane, (items, futures) in zip(self._lanes, batch.lanes, strict=True):
            if items:
                outcomes.append((futures, lane.bulk(connection, items), None))
        outcomes += [_attempt(connection, job, future) for job, future in batch.jobs]
        connection.run("COMMIT")
        return outcomes

    def _recover(self, error: Exception) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            if connection.in_transaction:
                connection.run("ROLLBACK")
        except apsw.Error as worse:
            error = worse
        if isinstance(error, REOPEN_AFTER):
            self._connection = None
            connection.close()


def _attempt(connection: Connection, job: Job[Any], future: "asyncio.Future[Any]") -> _Outcome:
    """Run one job, and undo it alone if it fails."""
    connection.run("SAVEPOINT job")
    try:
        outcome: _Outcome = ([future], [job(connection)], None)
    except Exception as error:
        if not connection.in_transaction:  # SQLite has undone everything: so it is for all
            raise
        connection.run("ROLLBACK TO job")
        outcome = ([future], None, explained(error))
    connection.run("RELEASE job")
    return outcome


def _resolve(waiting: _Waiting, results: Sequence[Any] | None, error: Exception | None) -> None:
    for place, future in enumerate(waiting):
        if future is None or future.done():
            continue
        if error is None:
            future.set_result(None if results is None else results[place])
        else:
            future.set_exception(error)
