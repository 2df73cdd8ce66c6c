"""How does an event reach an app? Signed, within 3 s, or again after 5, 25 and 85 minutes.

Sources: https://developers.zoom.us/docs/api/webhooks/ and
https://developers.zoom.us/blog/webhook-delays.md
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from innkeeper.emulator.courier import subscriptions
from innkeeper.emulator.courier.credentials import Credentials
from innkeeper.emulator.courier.endpoints import Endpoints
from innkeeper.emulator.courier.envelope import CLOCK_HEADER, seal, tracking_id
from innkeeper.emulator.courier.line import DEADLINE_SECONDS, Line, Outcome
from innkeeper.emulator.courier.stringify import stringify
from innkeeper.emulator.courier.validations import Validations
from innkeeper.emulator.delivery import Attempt, Delivery
from innkeeper.emulator.faults.courier import plan
from innkeeper.emulator.traffic.records import Traffic
from innkeeper.emulator.validation import Validation
from innkeeper.emulator.world import AppRecord, Endpoint, World
from innkeeper.errors import EndpointRefused, InnkeeperError
from innkeeper.net.outbound import Response, Transport

__all__ = ["CLOCK_HEADER", "DEADLINE_SECONDS", "Courier", "DeliveryUnknown"]

KEPT: Final = 10_000
SNIPPET: Final = 2_048


Hear = Callable[[Delivery, Response], None]
"""Hears the first answer to a delivery that counted."""


class DeliveryUnknown(InnkeeperError):
    """No delivery has this id, or it was so long ago that it is forgotten."""

    code = "delivery_unknown"
    fix = "List the deliveries at /_emulator/deliveries."


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
        self._world = world
        self._line = Line(world, transport, traffic, allow_hosts=allow_hosts)
        self._credentials = Credentials(world, self._line.ask)
        self.validations = Validations(world, self._line, self._credentials)
        self._endpoints = Endpoints(world)
        self._traffic = traffic
        self._hearing: dict[str, Hear] = {}
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()

    @property
    def allow_hosts(self) -> set[str]:
        """Hosts beyond this machine that may be posted to."""
        return self._line.allow_hosts

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

    def wake(self) -> None:
        """Look again at what is due: deliveries came from elsewhere."""
        self._woken.set()

    async def validate(self, app: AppRecord, url: str) -> Validation:
        """Ask an address to prove that it holds the secret token.

        If it does, it is asked again every 72 hours from now on, and works again if it
        was disabled. If it does not, nothing changes.
        """
        validation = await self.validations.ask(app, url)
        if validation.accepted:
            self._endpoints.proved(app, url)
            self._woken.set()
        return validation

    async def validate_url(self, app: AppRecord, url: str) -> None:
        """Validate an address, and insist.

        Raises:
            EndpointRefused: Saying exactly what was wrong, where Zoom would only say
                "URL validation failed. Try again later."
        """
        validation = await self.validate(app, url)
        if not validation.accepted and validation.failed is not None:
            raise EndpointRefused(validation.failed.why, validation.failed.fix)

    def post(
        self,
        app: AppRecord,
        url: str,
        event: str,
        payload: Any,
        *,
        user_id: str = "",
        subscription_id: str = "",
        **top: Any,
    ) -> Delivery:
        """Queue an event for an app; `run` or `run_due` brings it there.

        Args:
            user_id: Whom the answer is for, if it is for somebody.
            subscription_id: Which subscription asked for the event, if one did.
            top: Further keys beside `event` and `payload`, such as `event_ts`.
        """
        delivery = self.draft(
            app, url, event, payload, user_id=user_id, subscription_id=subscription_id, **top
        )
        self._mute(delivery)
        self._keep(delivery)
        return delivery

    def draft(
        self,
        app: AppRecord,
        url: str,
        event: str,
        payload: Any,
        *,
        user_id: str = "",
        subscription_id: str = "",
        **top: Any,
    ) -> Delivery:
        """Write an event down as `post` would, and queue nothing."""
        now = self._world.now()
        return Delivery(
            id=f"dlv_{self._world.token_bytes(9).hex()}",
            client_id=app.client_id,
            url=url,
            event=event,
            body=stringify({"event": event, **top, "payload": payload}),
            tracking_id=tracking_id(self._world),
            created_at=now,
            next_at=now,
            user_id=user_id,
            subscription_id=subscription_id,
        )

    async def post_now(
        self,
        app: AppRecord,
        url: str,
        event: str,
        payload: Any,
        *,
        user_id: str = "",
        subscription_id: str = "",
        **top: Any,
    ) -> Delivery:
        """Make the first attempt at once; the others, if any, follow the schedule."""
        delivery = self.post(
            app, url, event, payload, user_id=user_id, subscription_id=subscription_id, **top
        )
        if delivery.next_at is not None:
            await self._attempt(delivery, self._world.now(), planned=True)
        return delivery

    def publish(
        self, event: str, payload: Any, *, account_id: str, user_ids: Iterable[str] = (), **top: Any
    ) -> list[Delivery]:
        """Queue an event for every subscription that wants it; one may hear it several times.

        Args:
            account_id: Where it happened: subscriptions for a whole account hear it.
            user_ids: Whom it is about: subscriptions for single users hear it of those
                who authorized the app.
        """
        wanting = subscriptions.wanting(
            self._world, event, account_id=account_id, user_ids=set(user_ids)
        )
        return [
            self.post(app, each.url, event, payload, subscription_id=each.id, **top)
            for app, each in wanting
        ]

    async def redeliver(self, delivery_id: str) -> Delivery:
        """Try once more by hand, whatever became of a delivery; its schedule stays.

        Raises:
            DeliveryUnknown: If there is none with this id.
        """
        delivery = self.find(delivery_id)
        await self._attempt(delivery, self._world.now(), planned=False)
        return delivery

    def next_due(self) -> datetime | None:
        """Tell when the next attempt or the next validation is due, if one is."""
        times = [each.next_at for each in self._world.deliveries.values() if each.next_at]
        asked = self._endpoints.next_due()
        return min([*times, asked] if asked else times, default=None)

    async def run_due(self) -> None:
        """Make every attempt that is due by now, in the order in which they fell due.

        After the clock was moved by hours, a delivery's several attempts are all made,
        each counted from the time it was due, not from now.
        """
        async with self._turn:
            for endpoint in self._endpoints.due():
                await self._revalidate(endpoint)
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
        await self._line.aclose()

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

    async def _revalidate(self, endpoint: Endpoint) -> None:
        app = self._world.apps.get(endpoint.client_id)
        if app is None:
            return
        validation = await self.validations.ask(app, endpoint.url)
        if validation.accepted:
            self._endpoints.proved(app, endpoint.url)
        elif validation.failed is not None:
            self._endpoints.failed(endpoint, validation.failed.why)

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

    def _mute(self, delivery: Delivery) -> None:
        """Bring nothing to an endpoint that is closed, or that no longer gets this event."""
        why = self._endpoints.closed(delivery.client_id, delivery.url)
        if why:
            delivery.drop(why)
        elif delivery.muting in self._world.muted:
            delivery.drop("the last failure ended this event for this URL (rule exhausted)")

    async def _attempt(self, delivery: Delivery, at: datetime, *, planned: bool) -> None:
        if planned and self._endpoints.closed(delivery.client_id, delivery.url):
            self._mute(delivery)
            return
        if planned:
            delivery.next_at = None  # so that nobody else makes the same attempt meanwhile
        try:
            outcome = await self._bring(delivery)
        except asyncio.CancelledError:
            if planned:
                delivery.next_at = at
            raise
        if outcome.held_seconds is not None:
            delivery.held = True
            delivery.next_at = self._world.now() + timedelta(seconds=outcome.held_seconds)
            return
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
            again=self._retries(delivery, response),
        )
        self._exhausted(delivery)
        hear = self._hearing.get(delivery.event)
        if first and response is not None and not error and hear is not None:
            hear(delivery, response)
        self._world.announce("delivery", delivery)
        self._woken.set()

    def _retries(self, delivery: Delivery, response: Response | None) -> bool:
        """Tell whether a failure is tried again, as the rules have it."""
        rules = self._world.rules
        if delivery.to_the_bot and rules.bot_retries == "never":
            return False
        answered = response is not None and response.status < 500
        return rules.retried_statuses == "any" or not answered

    def _exhausted(self, delivery: Delivery) -> None:
        muted = self._world.muted
        if self._world.rules.exhausted == "endpoint" and delivery.state == "gave_up":
            muted += [delivery.muting] if delivery.muting not in muted else []

    async def _bring(self, delivery: Delivery) -> Outcome:
        app = self._world.apps.get(delivery.client_id)
        if app is None:
            return Outcome(None, "the app is gone")
        request = seal(self._world, app, delivery)
        wanted = next((e for e in app.subscriptions if e.id == delivery.subscription_id), None)
        if wanted is not None:
            try:
                request = await self._credentials.add(request, wanted.headers)
            except EndpointRefused as error:
                return Outcome(None, error.why)
        planned = plan(self._world, request, app, delivery=delivery)
        outcome = await self._line.carry(request, planned, delivery=delivery)
        if wanted is not None:
            self._credentials.heed(request, outcome.response, wanted.headers)
        for each in planned.release:
            self._world.deliveries[each].next_at = self._world.now()
        return outcome

    def _snippet(self, response: Response) -> str:
        text = self._traffic.mask.text(response.body.decode("utf-8", "replace"))
        return text[:SNIPPET]


def _complaint(response: Response) -> str:
    if 300 <= response.status < 400:
        return f"answered {response.status}: redirects are not followed"
    return f"answered {response.status}, not 200 or 204"
