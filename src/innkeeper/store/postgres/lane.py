"""How do many small writes become few transactions? Group commit.

Whatever waits when the last transaction is through goes into the next one together, so
that the disk is asked once for all. After one that was shared the next waits for a moment
for company; an item that comes alone waits for nobody.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Generic, Protocol, TypeVar

from innkeeper.errors import StoreUnavailable
from innkeeper.store.postgres.connection import Connection, explained

T = TypeVar("T")
ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

Bulk = Callable[[Connection, Sequence[ItemT]], Awaitable[Sequence[ResultT]]]
"""Writes all items, so that each statement of its own leaves nothing half done."""

MOST_AT_ONCE: Final = 256
SOON_SECONDS: Final = 0.02
GATHER_SECONDS: Final = 0.002
RETRY_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 5.0

_Future = asyncio.Future[Any]


class _Write(Protocol):
    def __call__(
        self, job: Callable[[Connection], Awaitable[T]], *, alone: bool = False
    ) -> Awaitable[T]: ...


class Lane(Generic[ItemT, ResultT]):
    """Small writes of one kind, on their way to the next transaction."""

    def __init__(self, write: _Write, bulk: Bulk[ItemT, ResultT]) -> None:
        self._write = write
        self._bulk = bulk
        self._waiting: list[tuple[ItemT, _Future | None]] = []
        self._called: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to write, on the running event loop."""
        self._stopping = False
        self._called = asyncio.Event()
        self._task = asyncio.create_task(self._live(self._called))

    async def stop(self) -> None:
        """Write what is on its way, and end; what cannot be written is left."""
        task, called = self._task, self._called
        if task is None or called is None:
            return
        self._stopping = True
        called.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                await asyncio.shield(task)
        task.cancel()
        self._task = self._called = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def put(self, item: ItemT) -> ResultT:
        """Write an item, and return when it is durable.

        Raises:
            StoreUnavailable: If it is not known to be.
        """
        if self._called is None or self._stopping:
            raise StoreUnavailable("the database is not open")
        future: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._called.set()
        return await future

    def put_soon(self, item: ItemT) -> None:
        """Write an item within a moment, for nobody who waits.

        If that fails it goes with a later one, as long as the process lives.
        """
        self._waiting.append((item, None))
        self._call_in(SOON_SECONDS)

    def _call_in(self, seconds: float) -> None:
        if self._called is not None and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(seconds, self._called.set)

    async def _live(self, called: asyncio.Event) -> None:
        shared = False
        while True:
            await called.wait()
            if shared and not self._stopping:
                await asyncio.sleep(GATHER_SECONDS)
            called.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._waiting:
                shared = await self._flush()
            elif self._stopping:
                return
            if self._stopping or any(future is not None for _, future in self._waiting):
                called.set()
            elif self._waiting:
                self._call_in(SOON_SECONDS)

    async def _flush(self) -> bool:
        """Write what waits; true if it was more than one."""
        batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
        error = await self._attempt(batch)
        if error is None:
            return len(batch) > 1
        if len(batch) > 1 and not isinstance(error, StoreUnavailable):
            for each in batch:  # one of them is to blame, and fails alone
                await self._attempt([each], last=True)
            return True
        self._refuse(batch, error)
        return False

    async def _attempt(
        self, batch: list[tuple[ItemT, _Future | None]], *, last: bool = False
    ) -> Exception | None:
        """Write a batch; give what went wrong, or, for the last attempt, tell who waits."""
        items = [item for item, _ in batch]
        try:
            results = await self._write(
                lambda connection: self._bulk(connection, items), alone=True
            )
        except Exception as error:  # everybody who waits must hear of it
            ours = explained(error)
            if last:
                self._refuse(batch, ours)
            return ours
        for (_, future), result in zip(batch, results, strict=True):
            if future is not None and not future.done():
                future.set_result(result)
        return None

    def _refuse(self, batch: list[tuple[ItemT, _Future | None]], error: Exception) -> None:
        for _, future in batch:
            if future is not None and not future.done():
                future.set_exception(error)
        if isinstance(error, StoreUnavailable) and not self._stopping:
            self._waiting += [each for each in batch if each[1] is None]
            if self._waiting:
                self._call_in(RETRY_SECONDS)
