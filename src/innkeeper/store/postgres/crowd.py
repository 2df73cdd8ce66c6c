"""Who gets a connection next, when more want one than there are? First come, first served."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from innkeeper.errors import StoreUnavailable


class Crowd:
    """A line before a room. It moves as long as those inside come out.

    However long it is, nobody in it gives up: a line that leaves and comes back is no
    shorter, and does everybody's work in vain. When there is nothing to wait for any
    more, all are told.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._line: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Wait for a place in the room, and have it.

        Raises:
            StoreUnavailable: If whoever waited was sent home.
        """
        await self._enter()
        try:
            yield
        finally:
            self._leave()

    def send_home(self, error: StoreUnavailable) -> None:
        """Tell all who wait that it is in vain."""
        line, self._line = self._line, deque()
        for place in line:
            if not place.done():
                place.set_exception(type(error)(error.what, error.why))

    async def _enter(self) -> None:
        if self._room:
            self._room -= 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self._leave()  # it was its turn just then
            raise

    def _leave(self) -> None:
        while self._line:
            place = self._line.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._room += 1
