"""What does an app's manifest say? Zoom's own app manifest, as far as a chatbot needs it.

Source: https://developers.zoom.us/docs/build-flow/manifests/schema/
"""

from typing import Any, cast

import msgspec
from msgspec import field

from innkeeper.wire import lossless


class Lenient(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a manifest; keys that we do not know are kept by `Manifest.raw`."""


class DisplayInformation(Lenient, frozen=True, kw_only=True):
    """How the app presents itself."""

    display_name: str
    description: str = ""


class Scope(Lenient, frozen=True, kw_only=True):
    """One permission that the app asks for."""

    scope: str
    optional: bool = False


class OAuthInformation(Lenient, frozen=True, kw_only=True):
    """Who manages the app, and where authorization may lead back to."""

    usage: str
    development_redirect_uri: str = ""
    production_redirect_uri: str = ""
    oauth_allow_list: list[str] = field(default_factory=list[str])
    strict_mode: bool = False
    subdomain_strict_mode: bool = False
    scopes: list[Scope] = field(default_factory=list[Scope])
    scope_description: str = ""
    enable_private_pkce_client: bool = False
    enable_public_pkce_client: bool = False


class CommandHint(Lenient, frozen=True, kw_only=True):
    """One line of help that the client shows while a slash command is typed."""

    usage_hint: str = ""
    description: str = ""


class WelcomeMessage(Lenient, frozen=True, kw_only=True):
    """The static welcome; both parts empty means Zoom's default."""

    title: str = ""
    body: str = ""


class TrustedDomain(Lenient, frozen=True, kw_only=True):
    """A domain whose links the app may unfold."""

    domain: str
    unfurling: bool = False


class SlashCommand(Lenient, frozen=True, kw_only=True):
    """The chatbot itself: its command, its endpoints, its welcome."""

    command: str
    command_hints: list[CommandHint] = field(default_factory=list[CommandHint])
    enable_mention: bool = False
    enable_add_to_channel: bool = False
    development_message_url: str = ""
    production_message_url: str = ""
    sender_type: str = "zoom"
    welcome_msg: WelcomeMessage = WelcomeMessage()
    trust_domain_list: list[TrustedDomain] = field(default_factory=list[TrustedDomain])


class TeamChatSubscription(Lenient, frozen=True, kw_only=True):
    """Whether and how the app takes part in Team Chat."""

    enable: bool = False
    slash_command: SlashCommand | None = None


class CustomHeader(Lenient, frozen=True, kw_only=True):
    """What a subscription wants to see beside the signature, in one environment."""

    username: str = ""
    password: str = ""
    client_id: str = ""
    client_secret: str = ""
    token_url: str = ""
    custom_header_key: str = ""
    custom_header_value: str = ""

    def __repr__(self) -> str:
        return f"CustomHeader(username={self.username!r}, token_url={self.token_url!r})"


class EventSubscription(Lenient, frozen=True, kw_only=True):
    """One webhook subscription. The header type: 0 none, 1 Basic, 2 OAuth, 3 key and value."""

    subscription_id: str = ""
    custom_header_type: int = 0
    development: CustomHeader = CustomHeader()
    production: CustomHeader = CustomHeader()
    subscription_name: str = ""
    event_types: list[str] = field(default_factory=list[str])
    development_webhook_url: str = ""
    production_webhook_url: str = ""
    event_usage: str = "EVENT_FOR_USER"


class EventSubscriptions(Lenient, frozen=True, kw_only=True):
    """All webhook subscriptions of an app."""

    enable: bool = False
    events: list[EventSubscription] = field(default_factory=list[EventSubscription])


class Features(Lenient, frozen=True, kw_only=True):
    """What the app does."""

    products: list[str] = field(default_factory=list[str])
    development_home_uri: str = ""
    production_home_uri: str = ""
    team_chat_subscription: TeamChatSubscription = TeamChatSubscription()
    event_subscription: EventSubscriptions = EventSubscriptions()


class Manifest(Lenient, frozen=True, kw_only=True):
    """Zoom's app manifest."""

    display_information: DisplayInformation
    oauth_information: OAuthInformation
    features: Features = Features()
    raw: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def admin_managed(self) -> bool:
        """Whether an admin installs the app for the whole account."""
        return self.oauth_information.usage == "ADMIN_MANAGEMENT"

    @classmethod
    def parse(cls, document: Any) -> "Manifest":
        """Read a manifest, bare or wrapped in `{"manifest": …}` as the API gives it.

        Raises:
            ValueError: Naming the path and what is wrong there.
        """
        if isinstance(document, dict) and "manifest" in document:
            document = cast("dict[str, Any]", document)["manifest"]
        raw = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
        try:
            # A key of Zoom's that happens to be called `raw` is not our `raw`.
            known = {key: value for key, value in raw.items() if key != "raw"}
            manifest = msgspec.convert(known if raw else document, cls)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from None
        usage = manifest.oauth_information.usage
        if usage not in {"ADMIN_MANAGEMENT", "USER_OPERATION"}:
            message = (
                f"usage is {usage!r}; known are ADMIN_MANAGEMENT and USER_OPERATION"
                " - at `$.oauth_information.usage`"
            )
            raise ValueError(message)
        return msgspec.structs.replace(manifest, raw=msgspec.to_builtins(raw))

    def document(self) -> dict[str, Any]:
        """Write the manifest, laid over the JSON it was read from."""
        return cast("dict[str, Any]", msgspec.to_builtins(lossless.written(self, self.raw)))
