"""A connection can be misused on purpose, on the loop of the standard library and the fast one."""

import asyncio
from collections.abc import Callable

import pytest
import uvloop

from innkeeper.net.connection import WIRE, Wire
from innkeeper.net.outbound import Receive, Scope, Send
from innkeeper.net.serving import LOCAL, bind, serving

Misuse = Callable[[Wire], None]


async def heard(misuse: Misuse) -> bytes:
    async def app(scope: Scope, receive: Receive, _: Send) -> None:
        misuse(scope["extensions"][WIRE]["wire"])
        while (await receive())["type"] != "http.disconnect":
            pass

    listener = bind(LOCAL, 0)
    async with serving(app, listener):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        try:
            return await reader.read()
        finally:
            writer.transport.abort()


def write_and_close(wire: Wire) -> None:
    wire.write(b"no HTTP")
    wire.close()


LOOPS = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])


@LOOPS
def test_a_reset_reaches_the_other_side(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with asyncio.Runner(loop_factory=loop) as runner, pytest.raises(ConnectionResetError):
        runner.run(heard(Wire.reset))


@LOOPS
def test_bytes_go_out_before_the_end(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(heard(write_and_close)) == b"no HTTP"
        assert runner.run(heard(Wire.close)) == b""
