"""What does each event carry? The payloads of Zoom's events, as typed values.

Sources: https://developers.zoom.us/docs/api/chatbot/events,
https://developers.zoom.us/docs/chat/capabilities/ and, for shapes that those pages
leave out, the types of zoom/rivet-javascript.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, field

from innkeeper.ids import AccountId, Jid, MessageId, UserId

LONGEST_ID: Final = 256

_PLAIN: Final = Meta(min_length=1, max_length=LONGEST_ID, pattern=r"^[A-Za-z0-9_.~+/=-]+\Z")
"""What decides over a deletion holds no pattern: a bot's own step may match with it."""

Account = Annotated[AccountId, Meta(min_length=1, max_length=LONGEST_ID)]
User = Annotated[UserId, Meta(min_length=1, max_length=LONGEST_ID)]
Address = Annotated[Jid, Meta(min_length=1, max_length=512)]
Message = Annotated[MessageId, Meta(min_length=1, max_length=LONGEST_ID)]


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
    id: str | None = None
    """In `chat_message.*` the message's id, in `chat_channel.*` the channel's."""
    name: str | None = None
    msg_id: str | None = None
    """The message of a reaction, a pin or a bookmark."""
    parent_msg_id: str | None = None
    session_id: str | None = None
    contact_email: str | None = None
    emoji: str | None = None
    files: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    rich_text: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    at_items: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    members: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    app_members: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    items: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


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

    account_id: Annotated[AccountId, _PLAIN]
    user_id: Annotated[UserId, _PLAIN]
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


def payload_type(name: str) -> type[Payload]:
    """Tell the shape of an event's payload by the event's name."""
    found = PAYLOADS.get(name)
    if found is None:
        found = ChatActivity if name.startswith(ACTIVITY_PREFIXES) else UnknownEvent
    return found
