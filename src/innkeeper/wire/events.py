"""What does Zoom tell a chatbot? Every event as a typed value, and back to its JSON.

An event keeps the JSON it came from, so keys that Zoom adds later are not lost and
events that we do not know are events all the same.

Sources: https://developers.zoom.us/docs/api/chatbot/events,
https://developers.zoom.us/docs/chat/capabilities/ and, for shapes that those pages
leave out, the types of zoom/rivet-javascript.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar, cast

import msgspec

from innkeeper.errors import BodyRefused
from innkeeper.ids import AccountId, UserId
from innkeeper.wire import lossless
from innkeeper.wire.payloads import LONGEST_ID, PAYLOADS, Payload, payload_type

_EVENT_NAME = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*", re.ASCII)
_PLACE_OF_ERROR = re.compile(r"at `\$\.?([^`]+)`")
_MISSING_FIELD = re.compile(r"required field `([^`]+)`")
# A stamp outside is no time at all: before Zoom was founded (seconds read as milliseconds
# are in 1970), or beyond the year 3000.
_EARLIEST: Final = datetime(2011, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(3000, 1, 1, tzinfo=UTC)
_EARLIEST_MS: Final = _EARLIEST.timestamp() * 1000
_LATEST_MS: Final = _LATEST.timestamp() * 1000

_LONGEST_STAMP: Final = 40
P_co = TypeVar("P_co", bound=Payload, covariant=True)


@dataclass(frozen=True, slots=True)
class Event(Generic[P_co]):
    """One thing that Zoom says happened."""

    name: str
    payload: P_co
    at: datetime | None = None
    """When it happened, by Zoom's own stamp; None if the event has no usable one."""
    raw: Mapping[str, Any] = dataclass_field(
        default_factory=dict[str, Any], compare=False, repr=False
    )
    """The JSON it came from, unknown keys included."""


def decode(body: bytes) -> Event[Payload]:
    """Read a signed body as an event.

    Raises:
        BodyRefused: With the reason of `lossless.parse`, or `not_an_event`,
            `event_type`, or `field:<name>` for a field that is missing or of a wrong type.

    Example:
        >>> decode(b'{"event":"meeting.started","payload":{}}').payload
        UnknownEvent()
    """
    raw = lossless.parse(body)
    if not isinstance(raw, dict):
        raise BodyRefused("not_an_event")
    return interpret(cast("dict[str, Any]", raw))


def interpret(raw: Mapping[str, Any]) -> Event[Payload]:
    """Read parsed JSON as an event. A null in the payload counts as an absent key.

    Raises:
        BodyRefused: With the reason `event_type` or `field:<name>`.
    """
    name, payload = raw.get("event"), raw.get("payload", {})
    if not isinstance(name, str) or not (name in PAYLOADS or _is_name(name)):
        raise BodyRefused("event_type")
    if not isinstance(payload, dict):
        raise BodyRefused("field:payload")
    typed = _typed(cast("dict[str, Any]", payload), payload_type(name))
    return Event(name, typed, event_time(raw), raw)


def _is_name(name: str) -> bool:
    return len(name) <= 128 and _EVENT_NAME.fullmatch(name) is not None


def _typed(payload: dict[str, Any], kind: type[Payload]) -> Payload:
    try:
        return msgspec.convert(payload, kind)
    except msgspec.ValidationError as error:
        said = {key: value for key, value in payload.items() if value is not None}
        if len(said) < len(payload):
            return _typed(said, kind)
        raise BodyRefused(f"field:{_field_of(error)}") from None


def encode(event: Event[Payload]) -> bytes:
    """Write an event as Zoom sends it: compact JSON, UTF-8 unescaped."""
    payload = lossless.written(event.payload, event.raw.get("payload"))
    return msgspec.json.encode({**event.raw, "event": event.name, "payload": payload})


def event_time(raw: Mapping[str, Any]) -> datetime | None:
    """Find when an event happened: the latest usable stamp among those Zoom has used.

    `event_ts` in ms (a number or digits), at the top or inside the payload;
    `payload.timestamp`; `payload.deauthorization_time` in ISO 8601.
    """
    payload = raw.get("payload")
    inner = cast("dict[str, Any]", payload) if isinstance(payload, dict) else {}
    stamps = (
        raw.get("event_ts"),
        inner.get("event_ts"),
        inner.get("timestamp"),
        inner.get("deauthorization_time"),
    )
    said = [_moment(stamp) for stamp in stamps if stamp is not None]
    return max([at for at in said if at is not None], default=None)


def _moment(stamp: Any) -> datetime | None:
    if isinstance(stamp, str):
        if not stamp.isascii() or len(stamp) > _LONGEST_STAMP:
            return None
        if not stamp.isdigit():
            return _iso_moment(stamp)
        stamp = int(stamp)
    if not isinstance(stamp, int | float) or not _EARLIEST_MS <= stamp < _LATEST_MS:
        return None
    return datetime.fromtimestamp(stamp / 1000, UTC)


def _iso_moment(stamp: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    zoned = found if found.tzinfo else found.replace(tzinfo=UTC)
    return zoned.astimezone(UTC) if _EARLIEST <= zoned < _LATEST else None


def _field_of(error: msgspec.ValidationError) -> str:
    found = (_PLACE_OF_ERROR.search(str(error)), _MISSING_FIELD.search(str(error)))
    return ".".join(part[1] for part in found if part)


class _Owner(msgspec.Struct, frozen=True, gc=False):
    account_camel: Any = msgspec.field(default=None, name="accountId")
    user_camel: Any = msgspec.field(default=None, name="userId")
    account: Any = msgspec.field(default=None, name="account_id")
    user: Any = msgspec.field(default=None, name="user_id")
    operator: Any = msgspec.field(default=None, name="operator_id")


class Glimpse(msgspec.Struct, frozen=True, gc=False):
    """What is read of a body before the answer: a hint, to be checked by `decode`."""

    event: str = ""
    account_id: AccountId = AccountId("")
    user_id: UserId = UserId("")


class _PeekHeader(msgspec.Struct, frozen=True, gc=False):
    event: str = ""
    payload: _Owner = _Owner()


_peek = msgspec.json.Decoder(_PeekHeader).decode
_NOTHING = Glimpse()


def glimpse(body: bytes) -> Glimpse:
    """Read only an event's name and owner, and never fail: garbage has neither."""
    try:
        header = _peek(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _NOTHING
    owner = header.payload
    account = owner.account_camel or owner.account
    user = owner.user_camel or owner.user or owner.operator
    return Glimpse(
        header.event if len(header.event) <= 128 else "",
        AccountId(account if isinstance(account, str) and len(account) <= LONGEST_ID else ""),
        UserId(user if isinstance(user, str) and len(user) <= LONGEST_ID else ""),
    )
