"""How do the Marketplace's pages find an app and show it?"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from innkeeper.emulator import answers
from innkeeper.emulator.oauth import scopes
from innkeeper.emulator.viewer import viewer
from innkeeper.emulator.world import AppRecord, World
from innkeeper.ui.views import AppsView, AppView, CommandView, NoticeView

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
        installed=len(list(installed)),
    )


def _commands(app: AppRecord) -> tuple[CommandView, ...]:
    if not app.command:
        return ()
    hints = app.command_hints or [("", app.description)]
    return tuple(CommandView(f"/{app.command} {use}".strip(), hint) for use, hint in hints)
