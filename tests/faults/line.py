"""What if the line is bad? What goes through it comes late, in pieces, or is cut off."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from innkeeper.net.serving import LOCAL

LATE, LATE_SECONDS = 0.3, 0.03
"""How many pieces are late, and by how much at the most."""
LARGEST_PIECE = 200
CUT_OFF = 0.02
"""How many pieces are the last, for the connection is reset."""


class Line:
    """A line to a port of this machine; its seed says what happens.

    Args:
        port: Where it leads.
    """

    def __init__(self, port: int, *, seed: int) -> None:
        self._port = port
        self._chance = random.Random(seed)  # noqa: S311  # no secret: it is to repeat itself
        self.cut = 0
        """How many connections it has cut off."""

    async def lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection, both ways, until either end or a reset."""
        there, back = await asyncio.open_connection(LOCAL, self._port)
        with suppress(OSError):
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._carry(reader, back, (writer, back)))
                ways.create_task(self._carry(there, writer, (writer, back)))

    async def _carry(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        ends: tuple[asyncio.StreamWriter, ...],
    ) -> None:
        with suppress(OSError):
            while piece := await source.read(self._chance.randint(1, LARGEST_PIECE)):
                if self._chance.random() < LATE:
                    await asyncio.sleep(self._chance.uniform(0, LATE_SECONDS))
                if self._chance.random() < CUT_OFF:
                    self.cut += 1
                    break
                sink.write(piece)
                await sink.drain()
        for each in ends:
            each.transport.abort()


@asynccontextmanager
async def bad_line(port: int, *, seed: int) -> AsyncGenerator[tuple[int, Line]]:
    """Lead a bad line to a port; gives the port at which it begins."""
    line = Line(port, seed=seed)
    server = await asyncio.start_server(line.lead, LOCAL, 0)
    async with server:
        yield server.sockets[0].getsockname()[1], line
