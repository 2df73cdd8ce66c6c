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
from typing import Annotated, Any, Final, Generic, TypeVar, cast

import msgspec
from msgspec import Meta, field

from innkeeper.errors import BodyRefused
from innkeeper.ids import AccountId, Jid, MessageId, UserId
from innkeeper.wire import lossless

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
_LONGEST_ID: Final = 256

Account = Annotated[AccountId, Meta(min_length=1, max_length=_LONGEST_ID)]
User = Annotated[UserId, Meta(min_length=1, max_length=_LONGEST_ID)]
Address = Annotated[Jid, Meta(min_length=1, max_length=512)]
Message = Annotated[MessageId, Meta(min_length=1, max_length=_LONGEST_ID)]


class Camel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Chatbot events write their keys in camelCase."""


class Snake(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Team Chat, account and app events write theirs in snake_case."""


class UrlValidation(Camel, frozen=True, kw_only=True):
    """`endpoint.url_validation`: Zoom asks whether this URL holds the secret token."""

    plain_token: str


class BotInstalled(Camel, frozen=True, kw_only=True):
    """`bot_installed`: the app was authorized; the answer is the welcome message."""

    account_id: Account
    robot_jid: Address
    user_id: User
    user_jid: Address
    user_name: str = ""
    timestamp: Any = None
    user_member_id: str | None = None
    user_status: str | None = None


class BotNotification(Camel, frozen=True, kw_only=True):
    """`bot_notification`: a slash command, or a message to the bot in its own channel."""

    account_id: Account
    robot_jid: Address
    to_jid: Address
    user_id: User
    user_jid: Address
    cmd: str = ""
    channel_name: str = ""
    user_name: str = ""
    timestamp: Any = None
    trigger_id: str | None = None
    user_member_id: str | None = None
    user_status: str | None = None
    name: str | None = None
    reply_main_message_id: str | None = None


class Interaction(Camel, frozen=True, kw_only=True):
    """What all `interactive_message_*` events share. `original` is the card as stored."""

    account_id: Account
    robot_jid: Address
    to_jid: Address
    user_id: User
    user_jid: Address
    message_id: Message
    channel_name: str = ""
    user_name: str = ""
    timestamp: Any = None
    original: dict[str, Any] = field(default_factory=dict[str, Any])


class Choice(Camel, frozen=True, kw_only=True):
    """A button or an option: the words shown and the value sent."""

    value: str
    text: str = ""


class InteractiveMessageActions(Interaction, frozen=True, kw_only=True):
    """`interactive_message_actions`: a button was pressed."""

    action_item: Choice


class InteractiveMessageSelect(Interaction, frozen=True, kw_only=True):
    """`interactive_message_select`: an option was chosen in a dropdown."""

    selected_items: list[Choice]


class EditItem(Camel, frozen=True, kw_only=True):
    """An editable text, before and after."""

    origin: str
    target: str


class InteractiveMessageEditable(Interaction, frozen=True, kw_only=True):
    """`interactive_message_editable`: an editable text was saved."""

    edit_item: EditItem


class FieldEditItem(Camel, frozen=True, kw_only=True):
    """An editable field, before and after."""

    key: str
    current_value: str
    new_value: str


class InteractiveMessageFieldsEditable(Interaction, frozen=True, kw_only=True):
    """`interactive_message_fields_editable`: an editable field was saved."""

    field_edit_item: FieldEditItem


class SubmittedForm(Snake, frozen=True, kw_only=True):
    """The object of a submitted form: where it stands and what was filled in."""

    to_jid: Address
    submit_items: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    form_id: str | None = None
    message_id: str | None = None


class ChatMessageSubmit(Snake, frozen=True, kw_only=True):
    """`chat_message.submit`: a form card was submitted.

    Known from sample code only, so who submitted it may be missing.
    """

    object: SubmittedForm
    account_id: Account | None = None
    operator: str | None = None
    operator_id: User | None = None
    operator_member_id: str | None = None


class ChatObject(Snake, frozen=True, kw_only=True):
    """What a Team Chat event is about; which keys are there depends on the event."""

    message_id: str | None = None
    reply_main_message_id: str | None = None
    type: Any = None
    channel_id: str | None = None
    channel_name: str | None = None
    contact_id: str | None = None
    contact_member_id: str | None = None
    message: str | None = None
    link: str | None = None
    trigger_id: str | None = None
    to_jid: str | None = None
    robot_jid: str | None = None
    date_time: Any = None
    timestamp: Any = None


class ChatActivity(Snake, frozen=True, kw_only=True):
    """A Team Chat event of a subscription, such as `team_chat.channel_message_posted`."""

    account_id: Account | None = None
    object: ChatObject = field(default_factory=ChatObject)
    operator: str | None = None
    operator_id: User | None = None
    operator_member_id: str | None = None
    operator_jid: str | None = None
    by_external_user: bool | None = None


class LinkShared(ChatActivity, frozen=True, kw_only=True):
    """`team_chat.link_shared`: a link of a trusted domain was posted."""


class AppMention(ChatActivity, frozen=True, kw_only=True):
    """`team_chat.app_mention`: the bot was mentioned in a channel."""


class AppDeauthorized(Snake, frozen=True, kw_only=True):
    """`app_deauthorized`: the app was removed; all the user's data is to be deleted.

    `user_data_retention` came as a boolean, a string, null, or not at all over the years.
    """

    account_id: Account
    user_id: User
    client_id: Annotated[str, Meta(min_length=1, max_length=256)]
    deauthorization_time: Any = None
    signature: str | None = None
    user_data_retention: Any = None
    event_ts: Any = None


class AuthorizationRequest(Snake, frozen=True, kw_only=True):
    """`app.authorization_request_created` or `_declined`: a user asked the admin for the app."""

    app_name: str = ""
    app_type: str | None = None
    app_status: str | None = None
    app_description: str | None = None
    app_scopes: list[str] = field(default_factory=list[str])
    requester_name: str | None = None
    requester_department: str | None = None
    request_reason: str | None = None


class UnknownEvent(Snake, frozen=True, kw_only=True):
    """An event that this version does not know; read it from the event's `raw`."""


Payload = Camel | Snake
PAYLOADS: Final[Mapping[str, type[Payload]]] = {
    "endpoint.url_validation": UrlValidation,
    "bot_installed": BotInstalled,
    "bot_notification": BotNotification,
    "interactive_message_actions": InteractiveMessageActions,
    "interactive_message_select": InteractiveMessageSelect,
    "interactive_message_editable": InteractiveMessageEditable,
    "interactive_message_fields_editable": InteractiveMessageFieldsEditable,
    "chat_message.submit": ChatMessageSubmit,
    "team_chat.link_shared": LinkShared,
    "team_chat.app_mention": AppMention,
    "app_deauthorized": AppDeauthorized,
    "app.authorization_request_created": AuthorizationRequest,
    "app.authorization_request_declined": AuthorizationRequest,
}
"""The events with a shape of their own."""

ACTIVITY_PREFIXES: Final = ("team_chat.", "chat_message.", "chat_channel.")
"""Events of subscriptions: all share the shape of `ChatActivity`."""

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
    if not isinstance(name, str) or len(name) > 128 or _EVENT_NAME.fullmatch(name) is None:
        raise BodyRefused("event_type")
    if not isinstance(payload, dict):
        raise BodyRefused("field:payload")
    typed = _typed(cast("dict[str, Any]", payload), payload_type(name))
    return Event(name, typed, event_time(raw), raw)


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


def payload_type(name: str) -> type[Payload]:
    """Tell the shape of an event's payload by the event's name."""
    found = PAYLOADS.get(name)
    if found is None:
        found = ChatActivity if name.startswith(ACTIVITY_PREFIXES) else UnknownEvent
    return found


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
    found = [at for stamp in stamps if stamp is not None and (at := _moment(stamp))]
    return max(found) if found else None


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
        AccountId(account if isinstance(account, str) and len(account) <= _LONGEST_ID else ""),
        UserId(user if isinstance(user, str) and len(user) <= _LONGEST_ID else ""),
    )
