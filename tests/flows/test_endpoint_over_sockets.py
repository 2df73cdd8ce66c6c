"""What a token endpoint may do to us on the network: rows of a list of bad inputs.

Over real sockets of this machine, with the real client. Whatever it does, it is over in
time, the old tokens stand, and the next answer that makes sense is taken.
"""

import asyncio
import gzip
import json
import resource
import time
from collections.abc import AsyncIterator

import pytest
import structlog

from innkeeper.errors import AnswerLost, GrantRefused, InnkeeperError, Unreachable
from innkeeper.flows.endpoint import CALL_DEADLINE
from innkeeper.flows.grants import Grants
from innkeeper.flows.turns import AT_ONCE
from innkeeper.ids import InstallationId
from innkeeper.net.outbound import Request, Response, Transport
from innkeeper.secret import Secret
from tests.flows.granting import ANA, Scene, credentials, tokens
from tests.net.peers import OK, Peer, Wire, drips, floods, says

pytestmark = pytest.mark.anyio

DEADLINE = 0.2
GOOD = json.dumps(
    {
        "access_token": "pristine-a",
        "refresh_token": "pristine-r",
        "token_type": "bearer",
        "expires_in": 3600,
    }
).encode()
CLOSING = OK + b"Connection: close\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n"
BOMB = gzip.compress(b" " * 20_000_000 + GOOD)


class Hurried:
    """The real transport, with less time for each call than it is given."""

    def __init__(self, transport: Transport, *, deadline: float) -> None:
        self._transport = transport
        self._deadline = deadline

    async def send(
        self, request: Request, *, deadline: float = 10.0, limit_bytes: int = 65_536
    ) -> Response:
        assert (deadline, limit_bytes) == (CALL_DEADLINE, 65_536)
        return await self._transport.send(request, deadline=self._deadline, limit_bytes=limit_bytes)

    async def aclose(self) -> None:
        """Leave that to whoever made it."""


class SocketScene(Scene):
    """Ana's access token has expired, and the endpoint is a peer on the network."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self.wire = wire
        self.deadline = DEADLINE

    async def facing(self, peer: Peer) -> Grants:
        await self.authorize()
        await self.expire()
        return self.calling(await self.wire.serve(peer))

    def calling(self, url: str) -> Grants:
        return Grants(
            self.store,
            transport=Hurried(self.wire.transport, deadline=self.deadline),
            clock=self.clock,
            credentials=credentials(oauth_url=url.rstrip("/")),
            log=structlog.get_logger(),
        )


@pytest.fixture
async def scene() -> AsyncIterator[SocketScene]:
    wire = Wire()
    yield SocketScene(wire)
    await wire.close()


def row(number: str, peer: Peer, error: type[InnkeeperError], calls: int) -> object:
    return pytest.param(peer, error, calls, id=number)


@pytest.mark.parametrize(
    ("peer", "error", "calls"),
    [
        row("K22-gigabyte", floods(OK + LENGTH % 10**9, b"a" * 65_536), Unreachable, 2),
        row(
            "K22-endless",
            floods(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"a" * 4096 + b"\r\n"),
            Unreachable,
            2,
        ),
        row("K22-65537", says(CLOSING + LENGTH % 65_537, b" " * 65_537), Unreachable, 2),
        row(
            "K23-bomb",
            says(OK + b"Content-Encoding: gzip\r\n" + LENGTH % len(BOMB), BOMB),
            GrantRefused,
            1,
        ),
        row("K25-drip", drips(OK + LENGTH % 60_000, b"a"), Unreachable, 2),
        row("K26-dripped-head", drips(OK + b"X-Long: ", b"a"), Unreachable, 2),
        row(
            "K26-10000",
            says(OK + b"".join(b"X-%d: a\r\n" % n for n in range(10_000)) + b"\r\n"),
            Unreachable,
            2,
        ),
        row("K26-megabyte", says(OK + b"X-Long: " + b"a" * 10**6 + b"\r\n\r\n"), Unreachable, 2),
        row("K26-version", says(b"HTTP/9.9 200 OK\r\n\r\n"), Unreachable, 2),
        row("cut-off", says(OK + LENGTH % 1000, GOOD), Unreachable, 2),
        row(
            "redirect",
            says(b"HTTP/1.1 307 Go\r\nLocation: https://evil.test/\r\n" + LENGTH % 0),
            GrantRefused,
            1,
        ),
    ],
)
async def test_is_over_in_time_and_harms_no_grant(
    scene: SocketScene, peer: Peer, error: type[InnkeeperError], calls: int
) -> None:
    grants = await scene.facing(peer)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    with pytest.raises(error):
        await grants.user(ANA)
    assert time.monotonic() - began < 2 * DEADLINE + 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 10_000
    assert len(scene.wire.heads) == calls
    kept = scene.store.grants[ANA]
    assert (kept.version, kept.refresh_token, kept.dead) == (1, Secret("refresh-0"), False)
    assert scene.store.leases == {}


async def test_k26_needs_no_reason_after_the_status(scene: SocketScene) -> None:
    head = b"HTTP/1.1 200\r\nContent-Type: application/json\r\n"
    grants = await scene.facing(says(head + LENGTH % len(GOOD) + GOOD))
    assert (await grants.user(ANA)).token == Secret("pristine-a")


async def test_k29_keeps_no_cookie_and_asks_for_no_compression(scene: SocketScene) -> None:
    head = OK + b"Set-Cookie: a=b; Path=/\r\nConnection: close\r\n"
    grants = await scene.facing(says(head + LENGTH % len(GOOD) + GOOD))
    for _ in range(2):
        await grants.user(ANA)
        await scene.expire()
    first, second = [head.lower() for head in scene.wire.heads]
    assert b"accept-encoding: identity\r\n" in first
    assert b"cookie" not in second


@pytest.mark.slow
async def test_f18_a_dripping_endpoint_leaves_connections_to_other_calls(
    scene: SocketScene,
) -> None:
    scene.deadline = 2.0  # all of them have to arrive within it, however busy the machine is
    grants = await scene.facing(drips(OK + LENGTH % 60_000, b"a"))
    people = [InstallationId(f"ins_{n}") for n in range(150)]
    for person in people:
        await grants.adopt(person, tokens(expires_in=1))
    scene.clock.advance(1)
    api = await scene.wire.serve(says(OK + LENGTH % 2 + b"{}"))
    waiting = asyncio.gather(*map(grants.user, people), return_exceptions=True)
    while len(scene.wire.heads) < AT_ONCE and not waiting.done():  # noqa: ASYNC110  # the peers have no events to wait for
        await asyncio.sleep(0.01)
    began = time.monotonic()
    answer = await scene.wire.transport.send(Request("GET", api), deadline=5.0)
    assert (answer.status, time.monotonic() - began < scene.deadline) == (200, True)
    assert {type(each) for each in await waiting} <= {AnswerLost, Unreachable}
    assert len(scene.wire.heads) == 2 * AT_ONCE + 1
