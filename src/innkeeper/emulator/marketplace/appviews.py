"""How do the Marketplace's pages find an app and show it?"""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from innkeeper.emulator import answers
from innkeeper.emulator.oauth import scopes
from innkeeper.emulator.viewer import viewer
from innkeeper.emulator.world import AppRecord, HeaderKind, Subscription, World
from innkeeper.ui.views import (
    AddressView,
    AppsView,
    AppView,
    CommandView,
    NoticeView,
    SubscriptionView,
    VerdictView,
)

PATH: Final = "/marketplace"
APP_PATH: Final = "/marketplace/apps/{client_id}"


def find_app(request: Request) -> AppRecord | None:
    """Find the app that an address of the Marketplace names."""
    return answers.world_of(request).apps.get(request.path_params["client_id"])


def app_address(app: AppRecord) -> str:
    """Write where an app's settings are."""
    return APP_PATH.replace("{client_id}", app.client_id)


def no_such_app(request: Request) -> Response:
    """Show which apps there are to somebody who looked for another one."""
    notice = NoticeView("No app has this client ID. These are the apps there are.", "bad")
    view = AppsView(app_views(answers.world_of(request)))
    return answers.page(request, view, status=404, viewer=viewer(request), notice=notice)


def app_views(world: World) -> tuple[AppView, ...]:
    """Show every app."""
    return tuple(app_view(world, app) for app in world.apps.values())


def app_view(world: World, app: AppRecord) -> AppView:
    """Show an app to a page, its secrets included: they are the developer's own."""
    account = world.account(app.account_id)
    installed = (each for each in world.installations.values() if each.client_id == app.client_id)
    return AppView(
        client_id=app.client_id,
        name=app.name,
        description=app.description,
        developer=account.name if account else "",
        environment=app.environment,
        management=app.management,
        account_id=app.account_id,
        client_secret=app.client_secret,
        secret_token=app.secret_token,
        bot_jid=app.bot_jid,
        redirect_uris=tuple(app.redirect_uris),
        bot_endpoint=app.bot_endpoint,
        deauthorization_endpoint=app.deauthorization_endpoint,
        scopes=tuple(scopes.view(scope) for scope in app.scopes),
        welcome_mode=app.welcome.mode,
        welcome_title=app.welcome.title,
        welcome_body=app.welcome.body,
        commands=_commands(app),
        subscriptions=tuple(map(_subscription, app.subscriptions)),
        addresses=tuple(_address(world, app, url) for url in app.addresses),
        installed=len(list(installed)),
    )


def _commands(app: AppRecord) -> tuple[CommandView, ...]:
    if not app.command:
        return ()
    hints = app.command_hints or [("", app.description)]
    return tuple(CommandView(f"/{app.command} {use}".strip(), hint) for use, hint in hints)


_HEADERS: Final[Mapping[HeaderKind, str]] = {
    "default": "",
    "basic": "Basic credentials",
    "oauth": "a token that it gives out itself",
    "custom": "a header of its own",
}


def _subscription(each: Subscription) -> SubscriptionView:
    whole = each.usage == "EVENT_FOR_ADMIN"
    about = "of the whole account" if whole else "of those who authorized the app"
    events = tuple(each.event_types)
    return SubscriptionView(each.name, each.url, events, about, _HEADERS[each.headers.kind])


_CHECKS: Final[Mapping[str, str]] = {
    "address": "The address may be posted to",
    "credentials": "Its own credentials were had",
    "answer": "It answered within 3 s",
    "status": "With 200",
    "json": "With a JSON object",
    "plain_token": "plainToken is the one that was sent",
    "encrypted_token": "encryptedToken is its HMAC",
}


def _address(world: World, app: AppRecord, url: str) -> AddressView:
    about = [each for each in world.validations if each.url == url]
    last = next((each for each in reversed(about) if each.client_id == app.client_id), None)
    names = {app.bot_endpoint: "Bot endpoint", app.deauthorization_endpoint: "Deauthorization"}
    name = next((each.name for each in app.subscriptions if each.url == url), "")
    what = names.get(url, name)
    standing = _standing(world, app, url)
    if last is None:
        return AddressView(url, what, standing=standing)
    checks = tuple(
        VerdictView(_CHECKS[each.name], each.verdict, each.why, each.fix) for each in last.checks
    )
    return AddressView(url, what, last.at, last.accepted, checks, standing)


def _standing(world: World, app: AppRecord, url: str) -> str:
    for each in world.endpoints:
        if (each.client_id, each.url) == (app.client_id, url):
            if each.disabled:
                return "Disabled: it failed too often, and nothing is brought there."
            return f"Failed {each.failures} times since." if each.failures else "Validated."
    return "Not validated yet."
