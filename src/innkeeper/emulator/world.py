"""Who lives in the emulated Zoom? Accounts, users, channels, apps, and what they allowed.

Plain state without HTTP and without rules: the other modules of the emulator read and
change it. Time and ids come from the world, so a seeded run repeats itself.
"""

import base64
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from innkeeper.clock import MovableClock
from innkeeper.emulator.delivery import Delivery
from innkeeper.emulator.faultrules import FaultRule
from innkeeper.emulator.rules import Rules
from innkeeper.emulator.validation import Validation
from innkeeper.wire.manifest import Manifest

SECRET_PREFIX = "emu_"  # noqa: S105  # what every secret made here begins with

Role = Literal["admin", "member"]
Environment = Literal["development", "production"]
Management = Literal["admin", "user"]
Usage = Literal["EVENT_FOR_USER", "EVENT_FOR_ADMIN"]
HeaderKind = Literal["default", "basic", "oauth", "custom"]
WelcomeMode = Literal["default", "static", "dynamic"]
Decision = Literal["waiting", "allowed", "declined"]
Plan = Literal["free", "pro", "business"]
TokenKind = Literal["chatbot", "account", "user"]


@dataclass(slots=True)
class User:
    """A person with an account at the emulated Zoom."""

    id: str
    account_id: str
    name: str
    email: str
    role: Role
    jid: str
    member_id: str

    @property
    def first_name(self) -> str:
        """The first word of the name."""
        return self.name.split(" ")[0]

    @property
    def last_name(self) -> str:
        """The rest of the name."""
        return self.name.partition(" ")[2]


@dataclass(slots=True)
class Channel:
    """A channel of an account; every user of the account is in it."""

    id: str
    account_id: str
    name: str
    jid: str
    apps: list[str] = field(default_factory=list[str])
    """Which apps were added to it, by client id."""


@dataclass(slots=True)
class Account:
    """A customer of the emulated Zoom."""

    id: str
    name: str
    users: list[User] = field(default_factory=list[User])
    channels: list[Channel] = field(default_factory=list[Channel])
    approval_required: bool = False
    """Whether its people may add only the apps that its admins approved."""
    approved_apps: list[str] = field(default_factory=list[str])
    """By their client ids."""
    plan: Plan = "business"
    """What it pays for; its limits follow."""

    def approves(self, client_id: str) -> bool:
        """Tell whether the account's people may add an app."""
        return not self.approval_required or client_id in self.approved_apps


@dataclass(slots=True)
class ApprovalRequest:
    """A person's request that an admin approve an app."""

    id: str
    client_id: str
    account_id: str
    user_id: str
    asked_at: datetime


@dataclass(slots=True)
class Welcome:
    """What an app says first: Zoom's own words, the app's fixed ones, or the bot's answer."""

    mode: WelcomeMode = "default"
    title: str = ""
    body: str = ""


@dataclass(slots=True)
class CustomHeaders:
    """What a subscription wants to see beside the signature, and the token got for it."""

    kind: HeaderKind = "default"
    username: str = ""
    password: str = field(default="", repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    token_url: str = ""
    key: str = ""
    value: str = field(default="", repr=False)
    token: str = field(default="", repr=False, compare=False)
    token_until: datetime | None = field(default=None, compare=False)


@dataclass(slots=True)
class Subscription:
    """An event subscription: which events go to which URL, about whom, with which headers."""

    id: str
    name: str
    url: str
    event_types: list[str]
    usage: Usage = "EVENT_FOR_USER"
    headers: CustomHeaders = field(default_factory=CustomHeaders)


@dataclass(slots=True)
class Endpoint:
    """An address that proved itself, and how it did when it was asked again."""

    client_id: str
    url: str
    asked_at: datetime
    failures: int = 0
    """How often in a row it failed since."""
    disabled: bool = False
    error: str = ""


@dataclass(slots=True)
class AppRecord:
    """An app in the Marketplace, in one environment. `account_id` is its developer's."""

    name: str
    description: str
    client_id: str
    client_secret: str = field(repr=False)
    secret_token: str = field(repr=False)
    bot_jid: str
    account_id: str
    redirect_uris: list[str]
    strict_redirects: bool
    bot_endpoint: str
    deauthorization_endpoint: str
    environment: Environment
    management: Management
    scopes: list[str]
    welcome: Welcome
    command: str
    command_hints: list[tuple[str, str]]
    manifest: Manifest
    strict_subdomains: bool = False
    """Whether a base URL of the allow list leaves out the subdomains of its host."""
    verification_token: str = field(default="", repr=False)
    """The legacy token that deliveries carried before they were signed."""
    mention: bool = False
    """Whether people can mention the bot in channels (App supports @mention)."""
    subscriptions: list[Subscription] = field(default_factory=list[Subscription])
    retired_secrets: dict[str, datetime] = field(default_factory=dict[str, datetime], repr=False)
    """Former client secrets, and until when each is still good."""
    previous_secret_token: str = field(default="", repr=False)
    """What its webhooks were signed with before the secret token was last changed."""
    consent_version: int = 1
    """Grows when scopes or webhooks change; consent given to an older one is asked again."""
    public_client_id: str = ""
    """The id of a client without a secret, which proves itself by PKCE; empty if there is none."""
    disabled: bool = False
    """Whether Zoom disabled the app: it can do nothing (4717)."""
    use_on_device: bool = False
    """Whether the feature "Use App on Device" lets devices ask for a code."""

    @property
    def redirect_uri(self) -> str:
        """The registered redirect URL: the first of the allow list."""
        return self.redirect_uris[0] if self.redirect_uris else ""

    @property
    def addresses(self) -> list[str]:
        """Where events of the app go, each once: bot, deauthorization, subscriptions."""
        own = (self.bot_endpoint, self.deauthorization_endpoint)
        subscribed = (each.url for each in self.subscriptions)
        return list(dict.fromkeys(url for url in (*own, *subscribed) if url))


@dataclass(slots=True)
class Installation:
    """An authorization: by one user, for himself or as an admin for the account."""

    id: str
    client_id: str
    account_id: str
    user_id: str
    authorized_at: datetime
    consent_version: int
    scopes: list[str]


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """A consent page that was shown and not answered yet; its answer uses it up."""

    id: str = field(repr=False)
    query: str
    """The authorization request, as the browser brought it."""
    browser: str = field(repr=False)
    """The cookie of the browser that the page was shown in."""


@dataclass(slots=True)
class Code:
    """An authorization code: bound to an app, a user, a redirect URI and a challenge."""

    value: str = field(repr=False)
    client_id: str
    user_id: str
    redirect_uri: str
    redirect_uri_given: bool
    challenge: str | None = field(repr=False)
    method: str
    issued_at: datetime
    scopes: list[str]
    spent: bool = False
    family: str = ""
    """The tokens it gave, so that a second use can revoke them."""
    public: bool = False
    """Whether it was given to the app's public client."""


@dataclass(slots=True)
class DeviceRequest:
    """A device that waits until somebody types its user code and decides."""

    code: str = field(repr=False)
    user_code: str
    client_id: str
    public: bool
    issued_at: datetime
    interval: int
    """Seconds between two of its questions; grows each time it asks too soon."""
    asked_at: datetime | None = None
    decision: Decision = "waiting"
    user_id: str = ""
    spent: bool = False


@dataclass(slots=True)
class Token:
    """One access token, and the refresh token given with it, if any."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    kind: TokenKind
    client_id: str
    account_id: str
    user_id: str
    scopes: list[str]
    issued_at: datetime
    family: str
    revoked: bool = False
    refreshed: bool = False
    """Whether its refresh token was spent."""
    ended: int = 0
    """Zoom's number for why it was revoked; 0 while it was not."""
    public: bool = False
    """Whether it was given to the app's public client."""
    reuses: int = 0
    """How often its refresh token was taken after it was spent (`refresh_reuse: grace`)."""


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
