"""Who lives in the emulated Zoom? Accounts, users, channels, apps, and what they allowed.

Plain state without HTTP and without rules: the other modules of the emulator read and
change it, and take its nouns from here, though most stand in files of their own. Time and
ids come from the world, so a seeded run repeats itself.
"""

import base64
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from innkeeper.clock import MovableClock
from innkeeper.emulator.apps import (
    AppRecord,
    CustomHeaders,
    Endpoint,
    Environment,
    HeaderKind,
    Management,
    Subscription,
    Usage,
    Welcome,
    WelcomeMode,
)
from innkeeper.emulator.authorizations import (
    Code,
    ConsentRequest,
    Decision,
    DeviceRequest,
    Installation,
    Token,
    TokenKind,
)
from innkeeper.emulator.delivery import Delivery
from innkeeper.emulator.faultrules import FaultRule
from innkeeper.emulator.people import Account, ApprovalRequest, Channel, Plan, Role, User
from innkeeper.emulator.rules import Rules
from innkeeper.emulator.validation import Validation

__all__ = [
    "SECRET_PREFIX",
    "Account",
    "AppRecord",
    "ApprovalRequest",
    "Calls",
    "Channel",
    "Code",
    "ConsentRequest",
    "CustomHeaders",
    "Decision",
    "DeviceRequest",
    "Endpoint",
    "Environment",
    "HeaderKind",
    "Installation",
    "Management",
    "Message",
    "Plan",
    "Role",
    "State",
    "Subscription",
    "Token",
    "TokenKind",
    "Unfurl",
    "Usage",
    "User",
    "Wait",
    "Welcome",
    "WelcomeMode",
    "World",
]

SECRET_PREFIX = "emu_"  # noqa: S105  # what every secret made here begins with


@dataclass(slots=True)
class Message:
    """A message in a conversation, by a person or by a bot."""

    id: str
    conversation: str
    """The person's side of it: `user id|peer jid`, the peer a channel's or a bot's JID."""
    sender: str
    """A JID."""
    sender_name: str
    sent_at: datetime
    text: str = ""
    card: dict[str, Any] | None = None
    """The `content` of a card, as the bot sent it."""
    markdown: bool = False
    to_jid: str = ""
    client_id: str = ""
    edited: bool = False
    deleted: bool = False
    visible_to: str | None = None
    reply_to: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a client was asked to stay away."""

    asked_at: datetime
    until: datetime


@dataclass(slots=True)
class Calls:
    """How often an account's apps called the Chatbot API, in this second and on this day."""

    second: int = 0
    """In seconds since 1970."""
    in_second: int = 0
    day: str = ""
    in_day: int = 0


@dataclass(frozen=True, slots=True)
class Unfurl:
    """A link that an app may show a card beside: whose it is, and in which message."""

    client_id: str
    user_id: str
    message_id: str


@dataclass
class State:
    """Everything that an emulated Zoom remembers, and that a snapshot therefore keeps.

    Plain values only: whoever needs to remember something adds a field here.
    """

    rules: Rules = field(default_factory=Rules)
    accounts: list[Account] = field(default_factory=list[Account])
    apps: dict[str, AppRecord] = field(default_factory=dict[str, AppRecord])
    installations: dict[str, Installation] = field(default_factory=dict[str, Installation])
    consent_requests: dict[str, ConsentRequest] = field(default_factory=dict[str, ConsentRequest])
    codes: dict[str, Code] = field(default_factory=dict[str, Code])
    devices: dict[str, DeviceRequest] = field(default_factory=dict[str, DeviceRequest])
    """By their device codes."""
    approvals: dict[str, ApprovalRequest] = field(default_factory=dict[str, ApprovalRequest])
    tokens: list[Token] = field(default_factory=list[Token])
    messages: dict[str, Message] = field(default_factory=dict[str, Message])
    deliveries: dict[str, Delivery] = field(default_factory=dict[str, Delivery])
    endpoints: list[Endpoint] = field(default_factory=list[Endpoint])
    validations: list[Validation] = field(default_factory=list[Validation])
    """The last URL validations, oldest first."""
    muted: list[str] = field(default_factory=list[str])
    """Which events are over for which URLs (`Delivery.muting`)."""
    not_emulated: dict[str, int] = field(default_factory=dict[str, int])
    """How often a call was asked for that is not emulated."""
    faults: list[FaultRule] = field(default_factory=list[FaultRule])
    faults_numbered: int = 0
    """How many fault rules there have been; the next one's number is one more."""
    waits: dict[str, Wait] = field(default_factory=dict[str, Wait])
    """Who was answered 429 and has not asked again, by Client ID."""
    calls: dict[str, Calls] = field(default_factory=dict[str, Calls])
    """By account."""
    unfurls: dict[str, Unfurl] = field(default_factory=dict[str, Unfurl])
    """Links that wait for a card, by their trigger ids."""


class World(State):
    """One emulated Zoom: its state, its time, its chance.

    Args:
        clock: Tells the time to everything here.
        seed: Makes ids, codes and tokens repeat from run to run; random when omitted.
    """

    def __init__(self, clock: MovableClock | None = None, *, seed: int | None = None) -> None:
        self.clock: MovableClock = clock or MovableClock()
        self.seed = seed
        self.base_url = ""
        """Where this Zoom is reached, without a slash at its end."""
        self.listeners: list[Callable[[str, Any], None]] = []
        self.clear()

    def clear(self) -> None:
        """Forget everything but the time and who listens; a seeded world draws anew."""
        seeded = self.seed is not None
        self._random = random.Random(self.seed) if seeded else None  # noqa: S311  # repeatable on purpose, loopback only
        State.__init__(self)

    def chance(self) -> tuple[int, ...] | None:
        """Tell how far a seeded world's chance was drawn; nothing where it is not seeded."""
        return self._random.getstate()[1] if self._random is not None else None

    def draw_on(self, seed: int | None, chance: tuple[int, ...] | None) -> None:
        """Draw as a world of this seed does from here on."""
        self.seed = seed
        self._random = None
        if chance is not None:
            self._random = random.Random(seed)  # noqa: S311  # as above
            self._random.setstate((3, chance, None))

    def now(self) -> datetime:
        """Tell the world's time."""
        return self.clock.now()

    def token_bytes(self, size: int) -> bytes:
        """Draw bytes: repeatable in a seeded world, unguessable otherwise."""
        if self._random is not None:
            return self._random.randbytes(size)
        return secrets.token_bytes(size)

    def new_id(self, size: int = 16) -> str:
        """Draw an id of URL-safe characters, as Zoom's look."""
        return base64.urlsafe_b64encode(self.token_bytes(size)).rstrip(b"=").decode()

    def new_secret(self) -> str:
        """Draw a secret that says where it comes from: production refuses it."""
        return SECRET_PREFIX + self.new_id(24)

    def account(self, account_id: str) -> Account | None:
        """Find an account by id."""
        return next((account for account in self.accounts if account.id == account_id), None)

    def users(self) -> list[User]:
        """List everybody, account by account."""
        return [user for account in self.accounts for user in account.users]

    def user(self, user_id: str) -> User | None:
        """Find a user by id."""
        return next((user for user in self.users() if user.id == user_id), None)

    def user_by_jid(self, jid: str) -> User | None:
        """Find a user by JID, in any case."""
        return next((user for user in self.users() if user.jid == jid.lower()), None)

    def channels(self) -> list[Channel]:
        """List every channel."""
        return [channel for account in self.accounts for channel in account.channels]

    def app_by_client(self, client_id: str) -> AppRecord | None:
        """Find an app by its client id, or by that of its public client."""
        public = (app for app in self.apps.values() if app.public_client_id == client_id)
        return self.apps.get(client_id) or (next(public, None) if client_id else None)

    def app_by_robot(self, robot_jid: str) -> AppRecord | None:
        """Find an app by its bot's JID."""
        return next((app for app in self.apps.values() if app.bot_jid == robot_jid), None)

    def installation_for(self, app: AppRecord, user: User) -> Installation | None:
        """Find what lets this app serve this user: her own, or her account's."""
        for installation in self.installations.values():
            if installation.client_id != app.client_id:
                continue
            if app.management == "admin" and installation.account_id == user.account_id:
                return installation
            if installation.user_id == user.id:
                return installation
        return None

    def install(self, app: AppRecord, user: User) -> Installation:
        """Note that a user authorized an app just now, anew or again."""
        standing = self.installation_for(app, user)
        installation = Installation(
            id=standing.id if standing else self.new_id(),
            client_id=app.client_id,
            account_id=user.account_id,
            user_id=user.id,
            authorized_at=self.now(),
            consent_version=app.consent_version,
            scopes=list(app.scopes),
        )
        self.installations[installation.id] = installation
        return installation

    def announce(self, kind: str, subject: Any) -> None:
        """Tell every listener that something changed (pages update themselves live)."""
        for listener in list(self.listeners):
            listener(kind, subject)
