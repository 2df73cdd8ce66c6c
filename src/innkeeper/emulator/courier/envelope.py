"""What does an event look like on the wire? Its headers, its stamp, and whose key signed it.

Sources: https://developers.zoom.us/docs/api/webhooks/ and the headers that
https://github.com/zoom/webhook-sample lists.
"""

from dataclasses import dataclass
from typing import Final

from innkeeper.emulator.delivery import Delivery
from innkeeper.emulator.world import AppRecord, World
from innkeeper.net.outbound import Request
from innkeeper.secret import Secret
from innkeeper.wire import signature

CLOCK_HEADER: Final = "x-emulator-clock-offset"
"""How many whole seconds the emulator's clock is ahead; an app under test follows it."""


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What is sent, with what Zoom writes on it."""

    body: bytes
    tracking_id: str
    time: str
    secret: Secret | None
    """Whose key signs it; nobody's, where it goes out unsigned."""


def tracking_id(world: World) -> str:
    """Draw the id that Zoom's support can find a delivery by."""
    return f"WEB_{world.token_bytes(16).hex()}"


def seal(world: World, app: AppRecord, delivery: Delivery) -> Request:
    """Write the next attempt of a delivery, with the stamp and the key that the rules choose."""
    first = not delivery.attempts
    if first or world.rules.retry_stamp == "new":
        delivery.stamp = _now(world)
    if not first and world.rules.tracking == "attempt":
        delivery.tracking_id = tracking_id(world)
    secret = app.secret_token
    if (
        delivery.event == "app_deauthorized"
        and world.rules.deauthorization_signature == "mismatched"
    ):
        secret = world.new_secret()
    stamp = _Stamp(delivery.body, delivery.tracking_id, delivery.stamp, Secret(secret))
    return _request(world, app, delivery.url, stamp)


def seal_challenge(world: World, app: AppRecord, url: str, body: bytes) -> Request:
    """Write a URL validation: signed as any event, unless the rules say otherwise."""
    signed = world.rules.challenge_signature == "signed"
    secret = Secret(app.secret_token) if signed else None
    stamp = _Stamp(body, tracking_id(world), _now(world), secret)
    return _request(world, app, url, stamp)


def _now(world: World) -> str:
    return str(int(world.now().timestamp()))


def _request(world: World, app: AppRecord, url: str, stamp: _Stamp) -> Request:
    headers = {
        "user-agent": "Zoom Marketplace/1.0a",
        "content-type": "application/json; charset=utf-8",
        signature.TIMESTAMP_HEADER: stamp.time,
    }
    if stamp.secret is not None:
        made = signature.sign(stamp.body, timestamp=stamp.time, secret=stamp.secret)
        headers[signature.SIGNATURE_HEADER] = made
    headers |= {
        signature.TRACKING_HEADER: stamp.tracking_id,
        "clientid": app.client_id,
        "accept-encoding": "gzip",
        CLOCK_HEADER: str(round(world.clock.offset.total_seconds())),
    }
    if world.rules.verification_token == "sent" and app.verification_token:  # noqa: S105  # a switch
        headers["authorization"] = app.verification_token
    return Request("POST", url, headers, stamp.body)
