"""What is in the Marketplace? Apps, and where they want to hear of what."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from innkeeper.wire.manifest import Manifest

Environment = Literal["development", "production"]
Management = Literal["admin", "user"]
Usage = Literal["EVENT_FOR_USER", "EVENT_FOR_ADMIN"]
HeaderKind = Literal["default", "basic", "oauth", "custom"]
WelcomeMode = Literal["default", "static", "dynamic"]


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
