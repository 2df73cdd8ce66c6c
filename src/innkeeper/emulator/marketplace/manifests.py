"""What does Zoom say about a manifest, and how do an app and its manifest become each other?

Zoom's validation is lenient, and so is this: addresses are not looked at, keys that Zoom
does not know are dropped without a word.

Source: https://developers.zoom.us/docs/build-flow/manifests/schema/
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sized
from typing import Any, Final, cast

import msgspec

from innkeeper.emulator.places import locate
from innkeeper.emulator.planting import plant_app, record
from innkeeper.emulator.seed import AppSeed, SeedRefused, read_app
from innkeeper.emulator.world import AppRecord, World
from innkeeper.wire.manifest import Manifest, OAuthInformation, Scope, SlashCommand, WelcomeMessage
from innkeeper.wire.oauth import CHATBOT_SCOPE

NAME_LIMIT: Final = 50
SHORTCUTS_LIMIT: Final = 20
_ROOTS: Final = (
    "display_information",
    "oauth_information",
    "developer_information",
    "features",
)
_KEPT: Final = ("name", "description", "redirect_uris", "strict_redirects", "strict_subdomains",
    "bot_endpoint", "management", "scopes", "welcome", "command", "command_hints", "manifest",
    "subscriptions")  # fmt: skip
"""What an app takes from a manifest that replaces its own; ids and secrets stay."""


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """Something that Zoom's validation minds, and where it stands."""

    setting: str
    message: str


def inner(document: Any) -> Any:
    """Take the manifest out of the document that may wrap it."""
    if isinstance(document, dict):
        parts = cast("dict[str, Any]", document)
        return parts.get("manifest", parts)
    return document


def known(document: Any) -> Any:
    """Drop the parts that Zoom does not know."""
    if not isinstance(document, dict):
        return document
    parts = cast("dict[str, Any]", document)
    return {key: value for key, value in parts.items() if key in _ROOTS}


def faults(document: Any, world: World, *, of: AppRecord | None = None) -> list[Fault]:
    """List what Zoom's validation minds about a manifest.

    Args:
        of: The app whose manifest it shall be; its own command is no duplicate.
    """
    try:
        manifest = Manifest.parse(document)
    except ValueError as error:
        what, path = locate(error)
        return [Fault(path.replace(".", "/") or "/", what)]
    others = [app for app in world.apps.values() if app is not of]
    limit = world.rules.subscriptions_limit
    found = [*_oauth(manifest, world), *_chat(manifest, others), *_features(manifest)]
    if len(manifest.features.event_subscription.events) > limit:
        message = f"There are at most {limit} event subscriptions"
        found.append(Fault("/features/event_subscription/events", message))
    return found


def _oauth(manifest: Manifest, world: World) -> Iterator[Fault]:
    name = manifest.display_information.display_name
    if not name.strip() or len(name) > NAME_LIMIT:
        message = f"The name has 1 to {NAME_LIMIT} characters"
        yield Fault("/display_information/display_name", message)
    scopes = manifest.oauth_information.scopes
    if scopes and all(scope.optional for scope in scopes):
        yield Fault("/oauth_information/scopes", "At least one scope is not optional")
    chatbot = any(scope.scope == CHATBOT_SCOPE for scope in scopes)
    if chatbot and not manifest.admin_managed and world.rules.user_managed_imchat == "refuse":
        message = f"{CHATBOT_SCOPE} is not available to apps of this usage"
        yield Fault("/oauth_information/scopes", message)


def _chat(manifest: Manifest, others: list[AppRecord]) -> Iterator[Fault]:
    chat = manifest.features.team_chat_subscription
    where = "/features/team_chat_subscription/slash_command"
    command = chat.slash_command
    if not chat.enable or command is None:
        return
    if not command.development_message_url:
        yield Fault(f"{where}/development_message_url", "A message URL is required")
    name = command.command.removeprefix("/")
    if not name:
        yield Fault(f"{where}/command", "A command is required")
    elif any(app.command == name for app in others):
        yield Fault(f"{where}/command", f"The command {name} is taken by another app")


def _features(manifest: Manifest) -> Iterator[Fault]:
    features = manifest.features
    raw = cast("Mapping[str, Any]", manifest.raw.get("features") or {})
    at_home = ("development_home_uri", "production_home_uri", "domain_allow_list")
    for key in at_home if not features.products else ():
        if raw.get(key):
            yield Fault(f"/features/{key}", "Only an app with products has this")
    chat = cast("Mapping[str, Any]", raw.get("team_chat_subscription") or {})
    shortcuts = cast("Any", chat.get("shortcuts"))
    if isinstance(shortcuts, Sized) and len(shortcuts) > SHORTCUTS_LIMIT:
        message = f"There are at most {SHORTCUTS_LIMIT} shortcuts"
        yield Fault("/features/team_chat_subscription/shortcuts", message)
    subscriptions = features.event_subscription
    for number, each in enumerate(subscriptions.events if subscriptions.enable else ()):
        if not each.development_webhook_url:
            where = f"/features/event_subscription/events/{number}/development_webhook_url"
            yield Fault(where, "An event subscription needs a URL")


def create(world: World, wanted: AppSeed, manifest: Manifest) -> AppRecord:
    """Make an app of a manifest; what is left out is made up.

    Raises:
        SeedRefused: If a name is taken, or the account unknown.
    """
    app = plant_app(world, wanted, manifest)
    world.announce("app", app)
    return app


def import_manifest(world: World, document: Any) -> tuple[AppRecord, bool]:
    """Make an app of a manifest, or give it to the app whose client id stands beside it.

    Args:
        document: The manifest, or a seed's wrapper of it.

    Returns:
        The app, and whether it is new.

    Raises:
        SeedRefused: Naming the place, what is wrong there, and what to do.
    """
    wrapped = isinstance(document, dict) and "manifest" in document
    wanted, manifest = read_app(document if wrapped else {"manifest": document})
    standing = world.apps.get(wanted.client_id or "")
    if standing is None:
        return create(world, wanted, manifest), True
    new, limit = _renewed(standing, manifest), world.rules.subscriptions_limit
    if len(new.subscriptions) > limit:
        why = f"it has {len(new.subscriptions)} event subscriptions, of {limit}"
        raise SeedRefused("the manifest", "$.features.event_subscription", why, "Leave some out.")
    replace(world, standing, manifest)
    return standing, False


def _renewed(app: AppRecord, manifest: Manifest) -> AppRecord:
    return record(AppSeed(manifest={}, environment=app.environment), manifest)


def replace(world: World, app: AppRecord, manifest: Manifest) -> None:
    """Give an app another manifest; its ids, secrets and environment stay."""
    new = _renewed(app, manifest)
    asked = ("scopes", "bot_endpoint", "subscriptions")
    if any(getattr(new, key) != getattr(app, key) for key in asked):
        app.consent_version += 1
    for key in _KEPT:
        setattr(app, key, getattr(new, key))
    public = manifest.oauth_information.enable_public_pkce_client
    app.public_client_id = (app.public_client_id or world.new_id()) if public else ""
    world.announce("app", app)


def export(app: AppRecord) -> dict[str, Any]:
    """Write an app's manifest as the app is now; what we do not know stays as it was."""
    manifest = app.manifest
    display = msgspec.structs.replace(
        manifest.display_information, display_name=app.name, description=app.description
    )
    chat = manifest.features.team_chat_subscription
    chat = msgspec.structs.replace(chat, slash_command=_command(app, chat.slash_command))
    features = msgspec.structs.replace(manifest.features, team_chat_subscription=chat)
    changed = msgspec.structs.replace(
        manifest,
        display_information=display,
        oauth_information=_information(app),
        features=features,
    )
    return changed.document()


def _information(app: AppRecord) -> OAuthInformation:
    oauth = app.manifest.oauth_information
    optional = {scope.scope: scope.optional for scope in oauth.scopes}
    key = f"{app.environment}_redirect_uri"
    return msgspec.structs.replace(
        oauth,
        usage="ADMIN_MANAGEMENT" if app.management == "admin" else "USER_OPERATION",
        oauth_allow_list=list(app.redirect_uris),
        enable_public_pkce_client=bool(app.public_client_id),
        strict_mode=app.strict_redirects,
        subdomain_strict_mode=app.strict_subdomains,
        scopes=[Scope(scope=name, optional=optional.get(name, False)) for name in app.scopes],
        **{key: app.redirect_uri},
    )


def _command(app: AppRecord, before: SlashCommand | None) -> SlashCommand | None:
    if before is None and not (app.bot_endpoint or app.command):
        return None
    command = before or SlashCommand(command="")
    if command.command.removeprefix("/") != app.command:
        command = msgspec.structs.replace(command, command=app.command)
    welcome = app.welcome
    said = WelcomeMessage(title=welcome.title, body=welcome.body)
    sender = command.sender_type if command.sender_type.lower() != "zoom" else "app"
    return msgspec.structs.replace(
        command,
        sender_type=sender if welcome.mode == "dynamic" else "zoom",
        welcome_msg=WelcomeMessage() if welcome.mode == "default" else said,
        **{f"{app.environment}_message_url": app.bot_endpoint},
    )
