"""How does a developer try an installation? The Local Test page: Add App Now, Remove App."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.marketplace.appviews import (
    APP_PATH,
    app_address,
    app_view,
    find_app,
    no_such_app,
)
from innkeeper.emulator.marketplace.removal import Removal
from innkeeper.emulator.tunnels import zoom_url
from innkeeper.emulator.viewer import viewer
from innkeeper.emulator.world import AppRecord, Installation, User, World
from innkeeper.ui.views import InstallationView, LocalTestView, NoticeView, PersonView
from innkeeper.wire.oauth import AuthorizeRequest

_DONE: Final[Mapping[str, NoticeView]] = {
    "told": NoticeView("Removed. app_deauthorized is on its way to the app."),
    "development": NoticeView(
        "Removed. This is a development app: Zoom tells only production apps, so no"
        " app_deauthorized was sent.",
        "info",
    ),
    "nowhere": NoticeView(
        "Removed, but the app was not told: it has no deauthorization endpoint.", "bad"
    ),
    "before": NoticeView("That installation was removed already.", "info"),
}


def authorization_url(app: AppRecord, origin: str = "") -> str:
    """Write the URL that adds an app, as Zoom's own button does: without a state.

    Empty when the app has no redirect URL yet.
    """
    if not app.redirect_uris:
        return ""
    return AuthorizeRequest(app.client_id, app.redirect_uri).url(origin)


class LocalTest:
    """Adds and removes apps."""

    def __init__(self, world: World, removal: Removal) -> None:
        self._world = world
        self._removal = removal

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route(f"{APP_PATH}/local-test", self.show, methods=["GET"]),
            Route(f"{APP_PATH}/add-app", self.add_app, methods=["POST"]),
            Route(f"{APP_PATH}/remove-app", self.remove_app, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Show who added the app, and the buttons to add and remove it."""
        app = find_app(request)
        if app is None:
            return no_such_app(request)
        standing = [
            self._installation(installation)
            for installation in self._world.installations.values()
            if installation.client_id == app.client_id
        ]
        url = authorization_url(app, zoom_url(request))
        view = LocalTestView(app_view(self._world, app), url, tuple(standing))
        return answers.page(
            request,
            view,
            viewer=viewer(request),
            notice=_DONE.get(request.query_params.get("removed", "")),
            leads_to=app.redirect_uris[:1],  # where Add App Now ends if consent stands
        )

    async def add_app(self, request: Request) -> Response:
        """Begin an installation as Zoom does: at the consent page, without a state."""
        app = find_app(request)
        if app is None:
            return no_such_app(request)
        return answers.redirect(authorization_url(app) or f"{app_address(app)}/local-test")

    async def remove_app(self, request: Request) -> Response:
        """Remove an installation."""
        app = find_app(request)
        form = await answers.read_form(request)
        if app is None:
            return no_such_app(request)
        outcome = await self._remove(app, form["installation"], viewer(request))
        return answers.redirect(f"{app_address(app)}/local-test?removed={outcome}")

    async def _remove(self, app: AppRecord, installation_id: str, person: User | None) -> str:
        installation = self._world.installations.get(installation_id)
        if installation is None or installation.client_id != app.client_id:
            return "before"
        by = _remover(app, installation, person)
        removed = await self._removal.remove(installation.id, by=by)
        if removed.told:
            return "told"
        return "development" if app.environment == "development" else "nowhere"

    def _installation(self, installation: Installation) -> InstallationView:
        user = self._world.user(installation.user_id)
        person = answers.person(self._world, user) if user else PersonView("", "Somebody")
        granted = tuple(installation.scopes)
        return InstallationView(installation.id, person, installation.authorized_at, granted)


def _remover(app: AppRecord, installation: Installation, person: User | None) -> User | None:
    """Tell who removes it: for an account, whichever of its admins; else who added it."""
    if app.management == "admin" and person is not None and person.role == "admin":
        return person if person.account_id == installation.account_id else None
    return None
