"""What did go over the wire, in a browser and as JSON; and the deliveries, to try again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.courier.explained import Explained, explain
from innkeeper.emulator.courier.rounds import Courier, DeliveryUnknown
from innkeeper.emulator.delivery import Attempt, Delivery, State
from innkeeper.emulator.streams import EventStream, last_seen
from innkeeper.emulator.traffic.curl import curl
from innkeeper.emulator.traffic.news import News
from innkeeper.emulator.traffic.records import Half, Record, Traffic
from innkeeper.emulator.viewer import viewer
from innkeeper.emulator.world import World
from innkeeper.ui.views import (
    AttemptView,
    ClientView,
    DeliveryView,
    SignatureView,
    StepView,
    TrafficRow,
    TrafficView,
)

_SHOWN: Final = 100
_EVENTS: Final = 20
_ONLY: Final[Mapping[str, Callable[[Record], bool]]] = {
    "in": lambda record: record.direction == "in",
    "out": lambda record: record.direction == "out",
    "refused": lambda record: record.refusal is not None,
    "fault": lambda record: record.fault is not None,
}
_STATUSES: Final = {"2xx": 2, "3xx": 3, "4xx": 4, "5xx": 5, "none": 0}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which exchanges one wants to see: those of a kind that hold every word."""

    words: str = ""
    only: str = ""
    client: str = ""
    status: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Wanted":
        """Read it from an address; what is unknown there is not asked for."""
        only, status = query.get("only", ""), query.get("status", "")
        return cls(
            words=query.get("q", ""),
            only=only if only in _ONLY else "",
            client=query.get("client", ""),
            status=status if status in _STATUSES else "",
        )

    @property
    def narrowed(self) -> bool:
        """Whether not everything is wanted."""
        return self != Wanted()

    def query(self, **more: object) -> str:
        """Write it for an address."""
        own = {"q": self.words, "only": self.only, "client": self.client, "status": self.status}
        given = {name: value for name, value in (own | more).items() if value}
        return urlencode(given, errors="replace")

    def among(self, records: Sequence[Record]) -> Sequence[Record]:
        """List the exchanges that are wanted, newest first."""
        newest_first = records[::-1]
        if not self.narrowed:
            return newest_first
        words = self.words.casefold().split()
        return [each for each in newest_first if self._fits(each, words)]

    def _fits(self, record: Record, words: Sequence[str]) -> bool:
        if self.only in _ONLY and not _ONLY[self.only](record):
            return False
        if self.client and record.client_id != self.client:
            return False
        if self.status and record.status // 100 != _STATUSES[self.status]:
            return False
        return not words or all(word in record.words for word in words)


class TrafficPages:
    """Shows the traffic and the deliveries."""

    def __init__(self, world: World, traffic: Traffic, courier: Courier, news: News) -> None:
        self._world = world
        self._news = news
        self._traffic = traffic
        self._courier = courier

    def routes(self) -> list[Route]:
        """List what is answered here."""
        one = "/deliveries/{delivery_id}"
        return [
            Route("/traffic", self.show, methods=["GET"]),
            Route("/traffic/events", self.events, methods=["GET"]),
            Route(f"/traffic{one}", self.show_delivery, methods=["GET"]),
            Route(f"/traffic{one}/redeliver", self.press_redeliver, methods=["POST"]),
            Route("/_emulator/traffic", self.records, methods=["GET"]),
            Route("/_emulator/traffic.jsonl", self.export, methods=["GET"]),
            Route("/_emulator/deliveries", self.deliveries, methods=["GET"]),
            Route(f"/_emulator{one}", self.delivery, methods=["GET"]),
            Route(f"/_emulator{one}/redeliver", self.redeliver, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Show the exchanges that fit the search, and the last deliveries, newest first."""
        wanted = Wanted.of(request.query_params)
        before = _number(request.query_params.get("before", ""))
        newest, records = self._traffic.newest, self._traffic.records()
        fitting = wanted.among(records)
        rest = [each for each in fitting if each.number < before] if before else fitting
        deliveries = [] if wanted.narrowed or before else self._courier.deliveries[-_EVENTS:]
        older = wanted.query(before=rest[_SHOWN - 1].number) if len(rest) > _SHOWN else ""
        view = TrafficView(
            rows=tuple(self._row(each) for each in rest[:_SHOWN]),
            deliveries=tuple(self._delivery(each, {}) for each in reversed(deliveries)),
            query=wanted.words,
            only=wanted.only,
            client=wanted.client,
            status=wanted.status,
            clients=tuple(ClientView(app.client_id, app.name) for app in self._world.apps.values()),
            narrowed=wanted.narrowed,
            found=len(fitting),
            total=len(records),
            older=f"/traffic?{older}" if older else "",
            events_url="" if before else f"/traffic/events?after={newest}",
        )
        return answers.page(request, view, viewer=viewer(request))

    async def events(self, request: Request) -> Response:
        """Send word when something went over the wire."""
        query = request.query_params.get("after", "")
        after = last_seen(request.headers.get("last-event-id"), query)
        return EventStream(self._news.stream(after=after))

    async def show_delivery(self, request: Request) -> Response:
        """Show one delivery and every attempt."""
        try:
            delivery = self._courier.find(request.path_params["delivery_id"])
        except DeliveryUnknown:
            return answers.redirect("/traffic")
        records = {each.number: each for each in self._traffic.records()}
        view = self._delivery(delivery, records)
        return answers.page(request, view, viewer=viewer(request))

    async def press_redeliver(self, request: Request) -> Response:
        """Try a delivery once more, and show it."""
        try:
            delivery = await self._courier.redeliver(request.path_params["delivery_id"])
        except DeliveryUnknown:
            return answers.redirect("/traffic")
        return answers.redirect(f"/traffic/deliveries/{delivery.id}")

    async def records(self, request: Request) -> Response:
        """List the exchanges as JSON, from a number on if `after` names one."""
        after = request.query_params.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 16):
            return answers.json_answer({"error": "after is no number"}, 400)
        records = self._traffic.records(after=int(after))
        return answers.json_answer({"traffic": [record.json() for record in records]})

    async def export(self, _: Request) -> Response:
        """Give every exchange that is remembered, one JSON object a line."""
        lines = b"".join(
            msgspec.json.encode(each.json()) + b"\n" for each in self._traffic.records()
        )
        return Response(
            lines, media_type="application/jsonl", headers={"cache-control": "no-store"}
        )

    async def deliveries(self, _: Request) -> Response:
        """List the deliveries as JSON."""
        found = [delivery.json() for delivery in self._courier.deliveries]
        return answers.json_answer({"deliveries": found})

    async def delivery(self, request: Request) -> Response:
        """Give one delivery, each attempt with its exchange and its signature explained."""
        try:
            delivery = self._courier.find(request.path_params["delivery_id"])
        except DeliveryUnknown as error:
            said = {"error": error.code, "message": error.what, "fix": error.fix}
            return answers.json_answer(said, 404)
        records = {each.number: each for each in self._traffic.records()}
        told = delivery.json()
        for shown, attempt in zip(told["attempts"], delivery.attempts, strict=True):
            shown.update(self._exchange(delivery, records.get(attempt.record)))
        return answers.json_answer(told)

    def _exchange(self, delivery: Delivery, record: Record | None) -> dict[str, Any]:
        app = self._world.apps.get(delivery.client_id)
        made = explain(record.request.headers, delivery.body, app) if record and app else None
        return {"exchange": record.json() if record else None, "signature": made}

    async def redeliver(self, request: Request) -> Response:
        """Try a delivery once more, and answer with it."""
        try:
            delivery = await self._courier.redeliver(request.path_params["delivery_id"])
        except DeliveryUnknown as error:
            said = {"error": error.code, "message": error.what, "fix": error.fix}
            return answers.json_answer(said, 404)
        return answers.json_answer(delivery.json())

    def _delivery(self, delivery: Delivery, records: Mapping[int, Record]) -> DeliveryView:
        app = self._world.apps.get(delivery.client_id)
        return DeliveryView(
            id=delivery.id,
            event=delivery.event,
            app_name=app.name if app else delivery.client_id,
            url=delivery.url,
            state=_STATES[delivery.state],
            created_at=delivery.created_at,
            attempts=tuple(
                self._attempt(number, attempt, records.get(attempt.record), delivery)
                for number, attempt in enumerate(delivery.attempts, 1)
            ),
            next_at=delivery.next_at,
            body=msgspec.json.format(delivery.body, indent=2).decode(),
            diagnostics=tuple(delivery.diagnostics),
        )

    def _attempt(
        self, number: int, attempt: Attempt, record: Record | None, delivery: Delivery
    ) -> AttemptView:
        app = self._world.apps.get(delivery.client_id)
        made = explain(record.request.headers, delivery.body, app) if record and app else None
        return AttemptView(
            number=number,
            time=attempt.at,
            status=attempt.status,
            milliseconds=attempt.ms,
            error=attempt.error,
            request=_text(record.request) if record else "",
            response=_text(record.answer) if record else attempt.answer,
            signature=_signature(made) if made else None,
        )

    def _row(self, record: Record) -> TrafficRow:
        refusal = record.refusal
        said = [refusal.why if refusal else "", record.error, *record.notes]
        return TrafficRow(
            number=record.number,
            time=record.at,
            direction=record.direction,
            method=record.method,
            target=record.url,
            status=record.status,
            milliseconds=record.ms,
            summary="; ".join(part for part in said if part),
            refused=refusal.rule if refusal else "",
            accepts=refusal.accepts if refusal else "",
            curl=curl(record, self._world.base_url) if record.direction == "in" else "",
            request=_text(record.request),
            response=_text(record.answer),
            delivery_id=record.delivery_id,
            app_name=self._name(record.client_id),
            fault=f"{record.fault.kind} (fault {record.fault.rule})" if record.fault else "",
        )

    def _name(self, client_id: str) -> str:
        app = self._world.apps.get(client_id)
        return app.name if app else client_id


_STATES: Final[Mapping[State, Literal["delivered", "waiting", "gave up"]]] = {
    "pending": "waiting",
    "retrying": "waiting",
    "delivered": "delivered",
    "gave_up": "gave up",
}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _signature(made: Explained) -> SignatureView:
    steps = tuple(StepView(each.what, each.result) for each in made.steps)
    return SignatureView(steps, made.fits, made.verdict)


def _text(half: Half) -> str:
    lines = [f"{name}: {value}" for name, value in half.headers.items()]
    return "\n".join([*lines, "", half.body] if half.body else lines)
