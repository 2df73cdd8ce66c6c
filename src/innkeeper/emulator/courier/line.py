"""How does a request leave for an app? To an allowed address, within 3 s, and written down."""

import asyncio
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Final
from urllib.parse import urljoin

from innkeeper.emulator.courier.addresses import check_address
from innkeeper.emulator.delivery import Delivery
from innkeeper.emulator.faultrules import Applied
from innkeeper.emulator.faults.courier import Plan
from innkeeper.emulator.traffic.records import Traffic
from innkeeper.emulator.world import World
from innkeeper.errors import EndpointRefused, Unreachable
from innkeeper.net.outbound import ANSWER_LIMIT_BYTES, HttpTransport, Request, Response, Transport

DEADLINE_SECONDS: Final = 3.0
_HOPS: Final = 3
"""How often a request is sent on, where the rules have redirects followed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request. `record` is its number in the traffic, 0 if it never left."""

    response: Response | None
    error: str
    ms: float = 0
    record: int = 0
    held_seconds: float | None = None
    """How long it is held back, if nothing was sent for that reason."""


class Line:
    """Sends requests, one at a time each.

    Args:
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

    async def send(
        self,
        request: Request,
        *,
        client_id: str = "",
        delivery_id: str = "",
        fault: Applied | None = None,
    ) -> Outcome:
        """Send a request; an address that is not allowed is an outcome, too."""
        whose = {"client_id": client_id, "delivery_id": delivery_id}
        outcome = await self._once(request, fault=fault, **whose)
        for _ in range(_HOPS):
            onward = self._onward(request, outcome.response)
            if onward is None:
                return outcome
            request = onward
            outcome = await self._once(request, fault=fault, **whose)
        if self._onward(request, outcome.response) is None:
            return outcome
        return Outcome(None, "the endpoint redirects for ever", outcome.ms, outcome.record)

    def _onward(self, request: Request, response: Response | None) -> Request | None:
        """Write the request to where an answer leads, if the rules have it followed."""
        followed = self._world.rules.redirects == "followed"
        if not followed or response is None or response.status not in {307, 308}:
            return None
        location = response.headers.get("location", "")
        return replace(request, url=urljoin(request.url, location)) if location else None

    async def _once(
        self, request: Request, *, client_id: str, delivery_id: str, fault: Applied | None
    ) -> Outcome:
        try:
            check_address(request.url, allow_hosts=self.allow_hosts)
        except EndpointRefused as error:
            return Outcome(None, error.why)
        if isinstance(self._transport, HttpTransport):
            self._transport.open()  # loading it is no time that the app took
        began = perf_counter()
        response: Response | None = None
        failed = ""
        try:
            response = _plain(
                await self._transport.send(
                    request, deadline=DEADLINE_SECONDS, limit_bytes=ANSWER_LIMIT_BYTES
                )
            )
        except Unreachable as failure:
            failed = ": ".join(part for part in (failure.what, failure.why) if part)
        ms = (perf_counter() - began) * 1000
        record = self._traffic.posted(
            request,
            response,
            ms=ms,
            error=failed,
            delivery_id=delivery_id,
            client_id=client_id,
            fault=fault,
        )
        return Outcome(response, failed, ms, record)

    async def carry(self, request: Request, plan: Plan, *, delivery: Delivery) -> Outcome:
        """Send what a plan makes of a request, and give the first outcome."""
        whose = {"client_id": delivery.client_id, "delivery_id": delivery.id}
        sends = (self.send(each, fault=plan.fault, **whose) for each in plan.requests)
        outcomes = await asyncio.gather(*sends)
        if outcomes:
            return outcomes[0]
        record = self._traffic.posted(
            request, None, ms=0, error=plan.why, fault=plan.fault, **whose
        )
        return Outcome(None, plan.why, record=record, held_seconds=plan.hold_seconds)

    async def ask(self, request: Request) -> Response:
        """Send a request that must be answered.

        Raises:
            EndpointRefused: If the address is not allowed, or nothing answers.
        """
        check_address(request.url, allow_hosts=self.allow_hosts)
        outcome = await self.send(request)
        if outcome.response is None:
            fix = "Start the app, and check the address and its port."
            raise EndpointRefused(outcome.error, fix)
        return outcome.response

    async def aclose(self) -> None:
        """Let go of every connection."""
        await self._transport.aclose()


def _plain(response: Response) -> Response:
    """Unpack a compressed answer, within the limit for all answers."""
    if response.headers.get("content-encoding", "").lower() != "gzip":
        return response
    try:
        body = zlib.decompressobj(wbits=31).decompress(response.body, ANSWER_LIMIT_BYTES)
    except zlib.error:
        return response
    return Response(response.status, response.headers, body)
