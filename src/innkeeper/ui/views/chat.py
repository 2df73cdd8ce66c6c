"""What do the emulated chat, signing in and the way there show?"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from markupsafe import Markup

from innkeeper.ui.views.frame import PersonView


@dataclass(frozen=True, slots=True)
class ConversationView:
    """A line of the left rail; it leads to GET /chat?with={jid}."""

    jid: str
    name: str
    kind: Literal["bot", "channel", "person"]
    active: bool = False
    unread: int = 0
    subtitle: str = ""


@dataclass(frozen=True, slots=True)
class CommandView:
    """A slash command that the composer offers: `command` with its slash."""

    command: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message in the conversation; also a fragment of its own, for /chat/events.

    The element's id is `message-{id}`. `html` comes from `cards.draw` (which posts
    /chat/click and /chat/select) or `markdown.to_html`. A `system` message is a quiet line:
    only `html` and `time` are shown. `private` says that only the viewer sees it.
    `replies_to` is the beginning of what it is a reply to. `reply_with` is the JID that
    a reply is written to, at /chat?with=…&reply_to=…; empty where one does not reply.
    """

    id: str
    sender: str
    time: datetime
    html: Markup
    version: int = 1
    initials: str = ""
    is_bot: bool = False
    mine: bool = False
    warnings: tuple[str, ...] = ()
    edited: bool = False
    deleted: bool = False
    system: bool = False
    private: bool = False
    replies_to: str = ""
    reply_with: str = ""


@dataclass(frozen=True, slots=True)
class ChannelAppView:
    """An app, and whether it is in the channel. Posts /chat/apps with `with`, `app`, `action`."""

    client_id: str
    name: str
    present: bool


@dataclass(frozen=True, slots=True)
class ChatView:
    """The chat page. Posts /chat/say with `with` (a JID), `text`, and `reply_to` if it is a reply.

    `event_stream_url` is GET /chat/events?with=…, which sends `event: message` with a
    `MessageView` rendered as a fragment. `closed` says why one cannot write here, if so.
    `draft` is what stands in the composer: GET /chat?with=…&draft=… begins a command.
    """

    viewer: PersonView
    conversations: tuple[ConversationView, ...] = ()
    current: ConversationView | None = None
    messages: tuple[MessageView, ...] = ()
    commands: tuple[CommandView, ...] = ()
    event_stream_url: str = ""
    closed: str = ""
    apps: tuple[ChannelAppView, ...] = ()
    reply_to: str = ""
    reply_words: str = ""
    draft: str = ""


@dataclass(frozen=True, slots=True)
class SignInView:
    """Who do you want to be? Posts /signin with `user` and `next`."""

    people: tuple[PersonView, ...]
    next: str = "/"
    why: str = ""


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link and its words."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class LaunchStepView:
    """One step of /launch/chat on the way to the bot's conversation.

    Args:
        step: `sign_in` posts /signin (`user`, `next`); `open` and `switch` ask first and go
            on to `next_url`; `not_found` says that no bot has this JID.
        client_user: Who is signed in to the Chat client, when it is somebody else
            (`switch`). The signed-in person at the website is the frame's viewer.
        tries: Links that show the other steps, such as being signed out.
    """

    step: Literal["sign_in", "open", "switch", "not_found"]
    bot_name: str
    jid: str
    next_url: str
    people: tuple[PersonView, ...] = ()
    client_user: PersonView | None = None
    tries: tuple[LinkView, ...] = ()
