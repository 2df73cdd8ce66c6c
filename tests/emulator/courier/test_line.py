"""What an endpoint can do to the courier over real sockets: lead away, dawdle, pour.

The loop's time is the test's own: it jumps to the next timer as soon as no socket has news.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from innkeeper.emulator.courier.rounds import Courier
from innkeeper.emulator.delivery import Delivery
from innkeeper.emulator.world import CustomHeaders, Subscription
from innkeeper.net.outbound import ANSWER_LIMIT_BYTES, AsgiTransport, HttpTransport
from tests.emulator.scene import BOT_URL, START, Scene

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
MEGABYTE = 1_000_000
GRACE_SECONDS = 0.02
"""How long a packet may take on this machine before the time jumps on."""


class Jumping(selectors.DefaultSelector):
    """Waits for sockets only as long as they have news; then the time is the next timer's."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0 if timeout is not None and timeout <= 0 else GRACE_SECONDS)
        if not ready and timeout is not None:
            self.now += max(timeout, 0)
        return ready


def run(main: Coroutine[Any, Any, None]) -> float:
    """Run to the end in a loop whose time jumps; give how much of it went by."""
    selector = Jumping()

    def make() -> asyncio.AbstractEventLoop:
        loop = asyncio.SelectorEventLoop(selector)
        loop.time = lambda: selector.now  # type: ignore[method-assign]  # the time is the test's
        return loop

    with asyncio.Runner(loop_factory=make) as runner:
        runner.run(main)
    return selector.now


class Endpoint:
    """A server that answers what it is told to, and counts who comes."""

    def __init__(self, answer: Answer) -> None:
        self.visits = 0
        self._answer = answer
        self._serving: list[Any] = []

    async def __aenter__(self) -> "Endpoint":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/events"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.append(asyncio.current_task())
        self.visits += 1
        with suppress(ConnectionError):
            try:
                await reader.readuntil(b"\r\n\r\n")
                await self._answer(writer)
            finally:
                writer.close()
                await writer.wait_closed()


def says(head: str, *, after: float = 0) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(after)
        writer.write(f"HTTP/1.1 {head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())

    return answer


async def deliver(scene: Scene, url: str) -> Delivery:
    courier = Courier(scene.world, HttpTransport(), scene.traffic)
    delivery = await courier.post_now(scene.app, url, "bot_notification", {"cmd": "hi"})
    await courier.aclose()
    return delivery


# E15: an endpoint that leads elsewhere


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Same", "308 Same"])
def test_nobody_is_followed_elsewhere(status: str) -> None:
    async def main() -> None:
        scene = Scene()
        async with Endpoint(says("200 OK")) as inner:
            to_inner = says(f"{status}\r\nlocation: {inner.url}")
            async with Endpoint(to_inner) as outer:
                delivery = await deliver(scene, outer.url)
                assert delivery.state == "retrying"
                assert "redirects are not followed" in delivery.attempts[0].error

                courier = Courier(scene.world, HttpTransport(), scene.traffic)
                validation = await courier.validate(scene.app, outer.url)
                assert validation.failed is not None
                assert validation.failed.name == "status"

                wanted = CustomHeaders("oauth", client_id="c", client_secret="s")
                wanted.token_url = outer.url
                subscription = Subscription("s1", "S", inner.url, ["x.y"], headers=wanted)
                scene.app.subscriptions.append(subscription)
                sent = await courier.post_now(scene.app, inner.url, "x.y", {}, subscription_id="s1")
                assert sent.attempts[0].error == f"the token URL answered {status[:3]}"
                await courier.aclose()
            assert (outer.visits, inner.visits) == (3, 0)

    run(main())


@pytest.mark.parametrize(
    ("status", "state"),
    [("302 Found", "retrying"), ("307 Same", "delivered"), ("308 S", "delivered")],
)
def test_redirects(status: str, state: str) -> None:
    async def main() -> None:
        scene = Scene()
        scene.world.rules.redirects = "followed"
        async with Endpoint(says("200 OK")) as inner:
            async with Endpoint(says(f"{status}\r\nlocation: {inner.url}")) as outer:
                assert (await deliver(scene, outer.url)).state == state
            assert inner.visits == (state == "delivered")
        out = [each.status for each in scene.traffic.records()]
        assert out == [int(status[:3]), 200][: 1 + (state == "delivered")]

    run(main())


@pytest.mark.parametrize(
    ("location", "error", "visits"),
    [
        ("http://169.254.169.254/latest", "169.254.169.254 is not on this machine", 1),
        ("file:///etc/passwd", "the scheme is file", 1),
        ("/events", "the endpoint redirects for ever", 4),
    ],
)
def test_redirects_are_followed_only_where_anything_may_be_posted(
    location: str, error: str, visits: int
) -> None:
    async def main() -> None:
        scene = Scene()
        scene.world.rules.redirects = "followed"
        async with Endpoint(says(f"307 Same\r\nlocation: {location}")) as outer:
            delivery = await deliver(scene, outer.url)
        assert delivery.attempts[0].error.startswith(error)
        assert outer.visits == visits

    run(main())


# E18: an endpoint that dawdles


@pytest.mark.parametrize(
    ("seconds", "state", "error"), [(2.9, "delivered", ""), (3.1, "retrying", "no answer in time")]
)
def test_an_answer_counts_for_three_seconds(seconds: float, state: str, error: str) -> None:
    async def main() -> None:
        async with Endpoint(says("200 OK", after=seconds)) as slow:
            delivery = await deliver(Scene(), slow.url)
            assert delivery.state == state
            assert delivery.attempts[0].error.startswith(error)
            assert delivery.next_at == (START + timedelta(minutes=5) if error else None)

    assert run(main()) >= min(seconds, 3)


def test_one_that_hangs_costs_three_seconds_of_each_attempt() -> None:
    async def main() -> None:
        scene = Scene()
        async with Endpoint(says("200 OK", after=86_400)) as hanging:
            courier = Courier(scene.world, HttpTransport(), scene.traffic)
            delivery = await courier.post_now(scene.app, hanging.url, "bot_notification", {})
            began = asyncio.get_running_loop().time()
            scene.clock.advance(86 * 60)
            await courier.run_due()
            assert delivery.state == "gave_up"
            minutes = [(each.at - START).total_seconds() / 60 for each in delivery.attempts]
            assert minutes == [0, 5, 25, 85]
            assert hanging.visits == 4
            assert asyncio.get_running_loop().time() - began == pytest.approx(9, abs=0.5)
            await courier.aclose()

    run(main())


# E18: an endpoint that pours


def test_of_a_hundred_megabytes_the_first_are_read() -> None:
    poured = 0

    async def pour(writer: asyncio.StreamWriter) -> None:
        nonlocal poured
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {100 * MEGABYTE}\r\n\r\n".encode())
        while poured < 100 * MEGABYTE:
            writer.write(bytes(16_384))
            await writer.drain()
            poured += 16_384

    async def main() -> None:
        async with Endpoint(pour) as pouring:
            delivery = await deliver(Scene(), pouring.url)
            assert delivery.state == "retrying"
            assert "too large" in delivery.attempts[0].error

    run(main())
    assert ANSWER_LIMIT_BYTES < poured < 20 * MEGABYTE, "what lay in the sockets' buffers"


def test_in_process_nothing_is_read_past_the_limit() -> None:
    poured = 0

    async def pour(_scope: Any, receive: Any, send: Any) -> None:
        nonlocal poured
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while poured < 100 * MEGABYTE:
            poured += 16_384
            part = {"type": "http.response.body", "body": bytes(16_384), "more_body": True}
            await send(part)

    async def main() -> None:
        scene = Scene()
        transport = AsgiTransport({"http://bot.test": pour})
        courier = Courier(scene.world, transport, scene.traffic, allow_hosts={"bot.test"})
        delivery = await courier.post_now(scene.app, BOT_URL, "bot_notification", {})
        assert "too large" in delivery.attempts[0].error

    run(main())
    assert poured == ANSWER_LIMIT_BYTES + 16_384
