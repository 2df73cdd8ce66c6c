"""How does an event fail on its way? As the first rule that matches says."""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, cast

from innkeeper.clock import from_epoch
from innkeeper.emulator import faultrules as kinds
from innkeeper.emulator.delivery import Delivery
from innkeeper.emulator.faultrules import Applied
from innkeeper.emulator.world import AppRecord, World
from innkeeper.net.outbound import Request
from innkeeper.secret import Secret
from innkeeper.wire import lossless, signature

NOBODYS: Final = Secret("emu_a_secret_that_is_no_apps")


@dataclass(slots=True)
class Plan:
    """What to do instead of sending one request: nothing, another, many, or all that later."""

    requests: list[Request]
    fault: Applied | None = None
    hold_seconds: float | None = None
    """Send nothing now; the attempt is due again then."""
    release: list[str] = field(default_factory=list[str])
    """The ids of the deliveries that were held until this one has gone."""

    @property
    def why(self) -> str:
        """Say why nothing was sent."""
        fault = self.fault
        return f"{fault.kind}, by fault rule {fault.rule}" if fault else ""


def plan(world: World, request: Request, app: AppRecord, *, delivery: Delivery) -> Plan:
    """Decide what becomes of an event's next attempt, of which `request` is the right form."""
    release = _released(world, request.url, delivery.id)
    held = delivery.held
    possible = [kind for kind in kinds.COURIER_KINDS if _possible(kind, app, held=held)]
    about = {"event": delivery.event, "client_id": app.client_id, "url": request.url}
    rule = kinds.first(world.faults, about, possible)
    if rule is None:
        return Plan([request], release=release)
    planned = Plan([], Applied(rule.kind, rule.number), release=release)
    do = rule.order.do
    match do:
        case kinds.Drop():
            pass
        case kinds.Delay() | kinds.Reorder():
            planned.hold_seconds = do.seconds
            if isinstance(do, kinds.Reorder):
                rule.holding.append(delivery.id)
        case kinds.Duplicate():
            planned.requests = [request, request]
        case kinds.Burst():
            planned.requests = [_one_of_many(world, request, app, n) for n in range(do.count)]
        case _:
            changed = _changed(cast("kinds.CourierKind", do), request, app)
            planned.requests = [changed]
    world.announce("fault", rule)
    return planned


def _possible(kind: str, app: AppRecord, *, held: bool) -> bool:
    if kind in {"delay", "reorder"}:
        return not held
    return kind != "old_secret" or bool(app.previous_secret_token)


def _released(world: World, url: str, delivery_id: str) -> list[str]:
    found: list[str] = []
    for rule in world.faults:
        waiting = [each for each in rule.holding if each != delivery_id]
        kept = [
            each
            for each in waiting
            if each in world.deliveries and world.deliveries[each].url != url
        ]
        found += [each for each in waiting if each not in kept]
        rule.holding = kept
    return found


def _changed(do: kinds.CourierKind, request: Request, app: AppRecord) -> Request:
    secret = Secret(app.secret_token)
    match do:
        case kinds.BadSignature() | kinds.OldSecret():
            old = isinstance(do, kinds.OldSecret)
            changed = _signed(request, Secret(app.previous_secret_token) if old else NOBODYS)
        case kinds.Stale():
            changed = _signed(request, secret, shift=-do.seconds)
        case kinds.Future():
            changed = _signed(request, secret, shift=do.seconds)
        case kinds.Tamper():
            changed = replace(request, body=request.body.rstrip()[:-1] + b',"tampered":true}')
        case kinds.WrongContentType():
            named = {**request.headers, "content-type": do.content_type}
            changed = replace(request, headers=named)
        case _:
            write = _backwards if isinstance(do, kinds.OddKeyOrder) else _spaced
            body = write(lossless.parse(request.body))
            changed = _signed(replace(request, body=body), secret)
    return changed


def _signed(request: Request, secret: Secret, *, shift: float = 0) -> Request:
    """Sign the body as it is, at a time that may be another."""
    stamp = int(request.headers[signature.TIMESTAMP_HEADER])
    moved = from_epoch(stamp) + timedelta(seconds=shift)
    timestamp = str(int(moved.timestamp()))
    mac = signature.sign(request.body, timestamp=timestamp, secret=secret)
    named = {signature.TIMESTAMP_HEADER: timestamp, signature.SIGNATURE_HEADER: mac}
    return replace(request, headers={**request.headers, **named})


def _backwards(value: Any) -> bytes:
    return json.dumps(_turned(value), ensure_ascii=False, separators=(",", ":")).encode()


def _turned(value: Any) -> Any:
    if isinstance(value, dict):
        members = list(cast("dict[str, Any]", value).items())
        return {name: _turned(member) for name, member in reversed(members)}
    if isinstance(value, list):
        return list(map(_turned, cast("list[object]", value)))
    return value


def _spaced(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True, indent=1).replace("/", "\\/").encode()


def _one_of_many(world: World, request: Request, app: AppRecord, number: int) -> Request:
    """Make an event of its own: another tracking id, and a moment later if it tells one."""
    document = lossless.parse(request.body)
    stamp: Any = document.get("event_ts") if isinstance(document, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # from inside
    if isinstance(stamp, int):
        document = {**cast("dict[str, Any]", document), "event_ts": stamp + number}
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    tracking = {signature.TRACKING_HEADER: f"WEB_{world.token_bytes(16).hex()}"}
    burst = replace(request, body=body, headers={**request.headers, **tracking})
    return _signed(burst, Secret(app.secret_token))
