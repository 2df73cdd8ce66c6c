"""Does Zoom's manifest of the app say what the bot and its settings need? Nothing is changed.

What is in the Marketplace is the truth there, and the settings are the truth here: where the
two disagree it is told, and a person decides which is right.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import click

from innkeeper.app import App
from innkeeper.cli.botfile import load_bot
from innkeeper.cli.codes import DONE, FOUND_A_FAULT
from innkeeper.cli.printing import print_json
from innkeeper.environment import load_settings
from innkeeper.errors import BodyRefused, InnkeeperError
from innkeeper.settings import Settings
from innkeeper.wire import lossless
from innkeeper.wire.manifest import Manifest, SlashCommand

Environment = Literal["development", "production"]

_USAGES: Final = {"admin": "ADMIN_MANAGEMENT", "user": "USER_OPERATION"}
_CHAT: Final = "/features/team_chat_subscription"
_EVENTS: Final = "/features/event_subscription/events"


class ManifestRefused(InnkeeperError):
    """A file that is no manifest of an app."""

    code = "manifest_refused"
    fix = "Export it in the Marketplace: your app > Manifest; it is JSON."


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the Marketplace says otherwise."""

    setting: str
    """Where it stands in the manifest."""
    there: str
    here: str


def show(path: Path, *, environment: Environment) -> None:
    """Print what a bot and its settings need in the manifest of the app.

    Raises:
        SettingsRefused: With everything that is wrong in the configuration.
        BotRefused: If the bot cannot be loaded.
    """
    settings, bot = load_settings(makes_key=False), load_bot(path)
    events = f"{settings.public_url}/events"
    oauth: dict[str, Any] = {
        "usage": _USAGES[settings.management],
        f"{environment}_redirect_uri": settings.redirect_uri,
        "oauth_allow_list": [settings.redirect_uri],
        "scopes": [{"scope": each, "optional": False} for each in _scopes(settings)],
    }
    features: dict[str, Any] = {
        "team_chat_subscription": {
            "enable": True,
            "slash_command": {f"{environment}_message_url": events},
        }
    }
    if names := _subscribed(bot):
        subscription = {"event_types": names, f"{environment}_webhook_url": events}
        features["event_subscription"] = {"enable": True, "events": [subscription]}
    display = {"display_name": bot.name}
    print_json({"display_information": display, "oauth_information": oauth, "features": features})


def diff(file: Path, path: Path, *, environment: Environment, as_json: bool) -> int:
    """Print where a manifest disagrees with a bot and its settings; the exit code is 3 if so.

    Raises:
        ManifestRefused: If the file is no manifest.
        SettingsRefused: With everything that is wrong in the configuration.
        BotRefused: If the bot cannot be loaded.
    """
    manifest = _read(file)
    settings, bot = load_settings(makes_key=False), load_bot(path)
    found = list(_differences(manifest, settings, bot, environment))
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        for each in found:
            click.echo(f"{each.setting}\n  there: {each.there or 'nothing'}\n  here:  {each.here}")
    if not found:
        click.echo(f"{file}: says what the bot needs ({environment}).", err=True)
    return FOUND_A_FAULT if found else DONE


def _read(file: Path) -> Manifest:
    try:
        return Manifest.parse(lossless.parse(file.read_bytes()))
    except (BodyRefused, ValueError) as error:
        raise ManifestRefused(f"{file} is no manifest", str(error)) from None


def _differences(
    manifest: Manifest, settings: Settings, bot: App, environment: Environment
) -> Iterator[Difference]:
    oauth, here = manifest.oauth_information, settings.redirect_uri
    usage = _USAGES[settings.management]
    if oauth.usage != usage:
        yield Difference("/oauth_information/usage", oauth.usage, usage)
    there = str(getattr(oauth, f"{environment}_redirect_uri"))
    if there not in {here, f"{settings.public_url}/launch"}:
        yield Difference(f"/oauth_information/{environment}_redirect_uri", there, here)
    if here not in oauth.oauth_allow_list:
        listed = ", ".join(oauth.oauth_allow_list)
        yield Difference("/oauth_information/oauth_allow_list", listed, here)
    known = {each.scope for each in oauth.scopes}
    for scope in _scopes(settings):
        if scope not in known:
            yield Difference("/oauth_information/scopes", ", ".join(sorted(known)), scope)
    yield from _of_the_chat(manifest, f"{settings.public_url}/events", environment)
    yield from _of_events(manifest, settings, bot, environment)


def _of_the_chat(manifest: Manifest, url: str, environment: Environment) -> Iterator[Difference]:
    chat = manifest.features.team_chat_subscription
    if not chat.enable:
        yield Difference(f"{_CHAT}/enable", "false", "true")
    command = chat.slash_command or SlashCommand(command="")
    key = f"{environment}_message_url"
    if getattr(command, key) != url:
        yield Difference(f"{_CHAT}/slash_command/{key}", getattr(command, key), url)


def _of_events(
    manifest: Manifest, settings: Settings, bot: App, environment: Environment
) -> Iterator[Difference]:
    subscriptions = manifest.features.event_subscription
    events = subscriptions.events if subscriptions.enable else []
    key, urls = f"{environment}_webhook_url", {f"{settings.public_url}/events"}
    urls.add(f"{settings.public_url}/deauthorize")
    for number, each in enumerate(events):
        if getattr(each, key) not in urls:
            where = f"{_EVENTS}/{number}/{key}"
            yield Difference(where, getattr(each, key), f"{settings.public_url}/events")
    sent = {name for each in events for name in each.event_types}
    for name in _subscribed(bot):
        if name not in sent:
            yield Difference(f"{_EVENTS}/event_types", ", ".join(sorted(sent)), name)


def _scopes(settings: Settings) -> list[str]:
    return ["imchat:bot", "user:read:user"] if settings.user_oauth else ["imchat:bot"]


def _subscribed(bot: App) -> list[str]:
    """List what `@app.event` names of the events that come by a subscription."""
    return sorted(
        {each.key for each in bot.routes() if each.decorator == "event" and "." in each.key}
    )
