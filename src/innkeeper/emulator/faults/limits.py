"""How does Zoom say 429, and did the client wait? Two limits, two bodies, a note in the traffic.

Source: https://developers.zoom.us/docs/api/rate-limits/
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final, Literal

import msgspec

from innkeeper.clock import from_epoch
from innkeeper.emulator.world import Wait, World

Limit = Literal["per_second", "daily"]

TEXTS: Final[Mapping[Limit, str]] = {
    "per_second": "You have reached the maximum per-second rate limit for this API."
    " Try again later.",
    "daily": "You have reached the maximum daily rate limit for this API."
    " Refer to the response header for details on when you can make another request.",
}


_USUAL: Final[Mapping[Limit, int]] = {"per_second": 20, "daily": 2000}
"""What a 429 says that a rule ordered, not a count."""


def counted(limit: Limit, most: int, left: int) -> dict[str, str]:
    """Write the headers that say how much of a limit is left."""
    return {
        "x-ratelimit-category": "Medium",
        "x-ratelimit-type": "QPS" if limit == "per_second" else "Daily",
        "x-ratelimit-limit": str(most),
        "x-ratelimit-remaining": str(left),
    }


def too_many(
    limit: Limit, now: datetime, wait: float, *, most: int | None = None
) -> tuple[dict[str, str], bytes]:
    """Write the headers and the body of a 429 that asks to wait for so many seconds.

    Args:
        most: How many calls the limit allows.
    """
    until = now + timedelta(seconds=wait)
    allowed = _USUAL[limit] if most is None else most
    headers = {"content-type": "application/json"} | counted(limit, allowed, 0)
    if limit == "per_second":
        headers["x-ratelimit-reset"] = str(ceil(until.timestamp()))
    else:
        headers["retry-after"] = until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return headers, msgspec.json.encode({"code": 429, "message": TEXTS[limit]})


def note_wait(world: World, client_id: str, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Remember, from the headers of a 429, when the client may ask again."""
    said = {name.lower(): value.decode("latin-1") for name, value in headers}
    until = _until(said, world.now())
    if until is not None:
        world.waits[client_id] = Wait(world.now(), until)


def _until(said: Mapping[bytes, str], now: datetime) -> datetime | None:
    reset, after = said.get(b"x-ratelimit-reset", ""), said.get(b"retry-after", "")
    try:
        if reset:
            return from_epoch(float(reset))
        if after.isascii() and after.isdigit():
            return now + timedelta(seconds=int(after))
        until = datetime.fromisoformat(after)
    except (ValueError, OverflowError, OSError):
        return None
    return until if until.tzinfo is not None else None


def judge_wait(world: World, client_id: str) -> str:
    """Say whether a client that was answered 429 has waited; nothing if it was not."""
    wait = world.waits.pop(client_id, None)
    if wait is None:
        return ""
    waited = (world.now() - wait.asked_at).total_seconds()
    asked = max(0.0, (wait.until - wait.asked_at).total_seconds())
    if world.now() >= wait.until:
        return f"after a 429, asked again after {waited:.3g} s, as told"
    return f"after a 429, asked again after {waited:.3g} s, should have waited {asked:.3g} s"
