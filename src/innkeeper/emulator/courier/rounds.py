"""How does an event reach an app? Signed, within 3 s, or again after 5, 25 and 85 minutes.

Sources: https://developers.zoom.us/docs/api/webhooks/ and
https://developers.zoom.us/blog/webhook-delays.md
"""

import asyncio
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any, Final

from innkeeper.clock import epoch_ms
from innkeeper.emulator.courier.addresses import check_address
from innkeeper.emulator.courier.challenge import check_answer
from innkeeper.emulator.courier.delivery import Attempt, Delivery
from innkeeper.emulator.courier.stringify import stringify
from innkeeper.emulator.traffic.records import Traffic
from innkeeper.emulator.world import AppRecord, World
from innkeeper.errors import EndpointRefused, InnkeeperError, Unreachable
from innkeeper.net.outbound import ANSWER_LIMIT_BYTES, Request, Response, Transport
from innkeeper.secret import Secret
from innkeeper.wire import signature

DEADLINE_SECONDS: Final = 3.0
KEPT: Final = 10_000
SNIPPET: Final = 2_048
CLOCK_HEADER: Final = "x-emulator-clock-offset"
"""How many whole seconds the emulator's clock is ahead; an app under test follows it."""


Hear = Callable[[Delivery, Response], None]
"""Hears the first answer to a delivery that counted."""


class DeliveryUnknown(InnkeeperError):
    """No delivery has this id, or it was so long ago that it is forgotten."""

    code = "delivery_unknown"
    fix = "List the deliveries at /_emulator/deliveries."


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one request."""

    response: Response | None
    error: str
    ms: float = 0
    record: int = 0


class Courier:
    """Signs events, brings them to apps, and tries again by the world's clock.

    Args:
        transport: Carries the requests.
        allow_hosts: Hosts beyond this machine that may be posted to; in process, the
            made-up ones of the applications under test.
    """

    def __init__(
        self,
        world: World,
        transport: Transport,
        traffic: Traffic,
        *,
        allow_hosts: Iterable[str] = (),
    ) -> None:
        self.allow_hosts = set(allow_hosts)
        self._world = world
        self._transport = transport
        self._traffic = traffic
        self._hearing: dict[str, Hear] = {}
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()

    @property
    def deliveries(self) -> list[Delivery]:
        """Every delivery that is remembered, oldest first."""
        return list(self._world.deliveries.values())

    def find(self, delivery_id: str) -> Delivery:
        """Find a delivery.

        Raises:
            DeliveryUnknown: If there is none with this id.
        """
        found = self._world.deliveries.get(delivery_id)
        if found is None:
            raise DeliveryUnknown("no such delivery")
        return found

    def hear(self, event: str, hear: Hear) -> None:
        """Tell somebody the first answer to each event of a name that counted."""
        self._hearing[event] = hear

    async def validate_url(self, app: AppRecord, url: str) -> None:
        """Save an address only if the app behind it proves that it holds the secret token.

        Raises:
            EndpointRefused: Saying exactly what was wrong, where Zoom would only say
                "URL validation failed. Try again later."
        """
        check_address(url, allow_hosts=self.allow_hosts)
        plain_token = self._world.new_id()
        body = signature.challenge_body(plain_token, event_ts=epoch_ms(self._world.now()))
        request = self._request(app, url, body, tracking_id=self._tracking_id())
        outcome = await self._exchange(request, app)
        if outcome.response is None:
            fix = "Start the app, and check the address and its port."
            raise EndpointRefused(outcome.error, fix)
        check_answer(
            outcome.response, plain_token=plain_token, app=app, apps=self._world.apps.values()
        )

    def post(
        self,
        app: AppRecord,
        url: str,
        event: str,
        payload: Any,
        *,
        user_id: str = "",
        **top: Any,
    ) -> Delivery:
        """Queue an event for an app; `run` or `run_due` brings it there.

        Args:
            user_id: Whom the answer is for, if it is for somebody.
            top: Further keys beside `event` and `payload`, such as `event_ts`.
        """
        now = self._world.now()
        delivery = Delivery(
            id=f"dlv_{self._world.token_bytes(9).hex()}",
            client_id=app.client_id,
            url=url,
            event=event,
            body=stringify({"event": event, **top, "payload": payload}),
            tracking_id=self._tracking_id(),
            created_at=now,
            next_at=now,
            user_id=user_id,
        )
        self._keep(delivery)
        return delivery

    async def post_now(
        self,
        app: AppRecord,
        url: str,
        event: str,
        payload: Any,
        *,
        user_id: str = "",
        **top: Any,
    ) -> Delivery:
        """Make the first attempt at once; the others, if any, follow the schedule."""
        delivery = self.post(app, url, event, payload, user_id=user_id, **top)
        await self._attempt(delivery, self._world.now(), planned=True)
        return delivery

    async def redeliver(self, delivery_id: str) -> Delivery:
        """Try once more by hand, whatever became of a delivery; its schedule stays.

        Raises:
            DeliveryUnknown: If there is none with this id.
        """
        delivery = self.find(delivery_id)
        await self._attempt(delivery, self._world.now(), planned=False)
        return delivery

    def next_due(self) -> datetime | None:
        """Tell when the next attempt is due, if one is."""
        times = (
            each.next_at for each in self._world.deliveries.values() if each.next_at is not None
        )
        return min(times, default=None)

    async def run_due(self) -> None:
        """Make every attempt that is due by now, in the order in which they fell due.

        After the clock was moved by hours, a delivery's several attempts are all made,
        each counted from the time it was due, not from now.
        """
        async with self._turn:
            while (delivery := self._most_overdue()) is not None:
                due = delivery.next_at or self._world.now()
                await self._attempt(delivery, due, planned=True)

    async def run(self) -> None:
        """Deliver until cancelled; wakes for new events and when the clock moves."""
        self._woken = asyncio.Event()  # of this loop: an emulator may be served more than once
        while True:
            self._woken.clear()
            await self.run_due()
            await self._wait()

    async def aclose(self) -> None:
        """Let go of every connection."""
        await self._transport.aclose()

    async def _wait(self) -> None:
        waiting: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._woken.wait())]
        due = self.next_due()
        if due is not None:
            seconds = (due - self._world.now()).total_seconds()
            waiting.append(asyncio.ensure_future(self._world.clock.sleep(seconds)))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiter in waiting:
                waiter.cancel()

    def _most_overdue(self) -> Delivery | None:
        now = self._world.now()
        due = [
            each
            for each in self._world.deliveries.values()
            if each.next_at is not None and each.next_at <= now
        ]
        return min(due, key=lambda each: each.next_at or now, default=None)

    def _keep(self, delivery: Delivery) -> None:
        self._world.deliveries[delivery.id] = delivery
        if len(self._world.deliveries) > KEPT:
            over = (each.id for each in self._world.deliveries.values() if each.next_at is None)
            self._world.deliveries.pop(next(over, delivery.id))
        self._world.announce("delivery", delivery)
        self._woken.set()

    async def _attempt(self, delivery: Delivery, at: datetime, *, planned: bool) -> None:
        if planned:
            delivery.next_at = None  # so that nobody else makes the same attempt meanwhile
        try:
            outcome = await self._bring(delivery)
        except asyncio.CancelledError:
            if planned:
                delivery.next_at = at
            raise
        response, error = outcome.response, outcome.error
        if response is not None and not delivery.succeeds(response.status):
            error = _complaint(response)
        first = delivery.state != "delivered"
        delivery.settle(
            Attempt(
                at,
                status=response.status if response else 0,
                error=error,
                ms=outcome.ms,
                answer=self._snippet(response) if response else "",
                record=outcome.record,
            ),
            planned=planned,
        )
        hear = self._hearing.get(delivery.event)
        if first and response is not None and not error and hear is not None:
            hear(delivery, response)
        self._world.announce("delivery", delivery)
        self._woken.set()

    async def _bring(self, delivery: Delivery) -> _Outcome:
        try:
            check_address(delivery.url, allow_hosts=self.allow_hosts)
        except EndpointRefused as error:
            return _Outcome(None, error.why)
        app = self._world.apps.get(delivery.client_id)
        if app is None:
            return _Outcome(None, "the app is gone")
        tracking_id = delivery.tracking_id
        request = self._request(app, delivery.url, delivery.body, tracking_id=tracking_id)
        return await self._exchange(request, app, delivery_id=delivery.id)

    async def _exchange(
        self, request: Request, app: AppRecord, *, delivery_id: str = ""
    ) -> _Outcome:
        began = perf_counter()
        response: Response | None = None
        error = ""
        try:
            response = _plain(
                await self._transport.send(
                    request, deadline=DEADLINE_SECONDS, limit_bytes=ANSWER_LIMIT_BYTES
                )
            )
        except Unreachable as failure:
            error = ": ".join(part for part in (failure.what, failure.why) if part)
        ms = (perf_counter() - began) * 1000
        record = self._traffic.posted(
            request, response, ms=ms, error=error, delivery_id=delivery_id, client_id=app.client_id
        )
        return _Outcome(response, error, ms, record)

    def _request(self, app: AppRecord, url: str, body: bytes, *, tracking_id: str) -> Request:
        timestamp = str(int(self._world.now().timestamp()))
        secret = Secret(app.secret_token)
        ahead = round(self._world.clock.offset.total_seconds())
        headers = {
            "user-agent": "Zoom Marketplace/1.0a",
            "content-type": "application/json; charset=utf-8",
            signature.TIMESTAMP_HEADER: timestamp,
            signature.SIGNATURE_HEADER: signature.sign(body, timestamp=timestamp, secret=secret),
            signature.TRACKING_HEADER: tracking_id,
            "clientid": app.client_id,
            "accept-encoding": "gzip",
            CLOCK_HEADER: str(ahead),
        }
        return Request("POST", url, headers, body)

    def _tracking_id(self) -> str:
        return f"WEB_{self._world.token_bytes(16).hex()}"

    def _snippet(self, response: Response) -> str:
        text = self._traffic.mask.text(response.body.decode("utf-8", "replace"))
        return text[:SNIPPET]


def _complaint(response: Response) -> str:
    if 300 <= response.status < 400:
        return f"answered {response.status}: redirects are not followed"
    return f"answered {response.status}, not 200 or 204"


def _plain(response: Response) -> Response:
    """Unpack a compressed answer, within the limit for all answers."""
    if response.headers.get("content-encoding", "").lower() != "gzip":
        return response
    try:
        body = zlib.decompressobj(wbits=31).decompress(response.body, ANSWER_LIMIT_BYTES)
    except zlib.error:
        return response
    return Response(response.status, response.headers, body)
