"""Where does a developer set an app up? The Marketplace: its apps, and their settings."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.marketplace.appviews import (
    APP_PATH,
    PATH,
    app_address,
    app_view,
    app_views,
    find_app,
    no_such_app,
)
from innkeeper.emulator.marketplace.listing import ENDPOINTS, ChangeRefused, Listing, read_change
from innkeeper.emulator.marketplace.manifests import import_manifest
from innkeeper.emulator.oauth import scopes
from innkeeper.emulator.planting import manifest_notes
from innkeeper.emulator.seed import SeedRefused
from innkeeper.emulator.viewer import viewer
from innkeeper.emulator.world import AppRecord, World
from innkeeper.errors import BodyRefused
from innkeeper.ui.views import AppPageView, AppsView, NoticeView, ScopeView
from innkeeper.wire import lossless
from innkeeper.wire.oauth import CHATBOT_SCOPE

_DONE: Final[Mapping[str, NoticeView]] = {
    "endpoints": NoticeView("Saved. What is new proved that it holds the secret token."),
    "scopes": NoticeView("Scopes saved. If they changed, consent is asked again."),
    "welcome": NoticeView("Welcome message saved."),
    "imported": NoticeView("Imported. Give the app its credentials, and try it on Local Test."),
    "secret": NoticeView("A new secret token was made. Give it to the app.", "info"),
}
_FIELDS: Final[Mapping[str, str]] = {"scopes": "scope", "welcome.mode": "mode"}
"""The forms' names of what a refusal names otherwise."""


class Marketplace:
    """Shows apps and takes what is changed about them.

    Args:
        origin: Where the emulator is reached, without a slash at its end.
    """

    def __init__(self, world: World, listing: Listing, *, origin: str) -> None:
        self._world = world
        self._listing = listing
        self._origin = origin

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route(PATH, self.apps, methods=["GET"]),
            Route(f"{PATH}/import", self.import_app, methods=["POST"]),
            Route(APP_PATH, self.app, methods=["GET"]),
            Route(f"{APP_PATH}/endpoints", self.save_endpoints, methods=["POST"]),
            Route(f"{APP_PATH}/scopes", self.save_scopes, methods=["POST"]),
            Route(f"{APP_PATH}/welcome", self.save_welcome, methods=["POST"]),
            Route(f"{APP_PATH}/secret", self.regenerate_secret, methods=["POST"]),
        ]

    async def apps(self, request: Request) -> Response:
        """List the apps."""
        return answers.page(request, AppsView(app_views(self._world)), viewer=viewer(request))

    async def import_app(self, request: Request) -> Response:
        """Make an app of the manifest that somebody pasted."""
        typed = (await answers.read_form(request))["manifest"]
        try:
            app, _ = import_manifest(self._world, lossless.parse(typed.encode()))
        except BodyRefused as error:
            why = f"That is no JSON ({error.reason})."
        except SeedRefused as error:
            why = f"At {error.path}: {error.why}. {error.fix}"
        else:
            return answers.redirect(f"{app_address(app)}?done=imported")
        view = AppsView(app_views(self._world), typed=typed)
        notice = NoticeView(f"Not imported. {why}", "bad")
        return answers.page(request, view, status=400, viewer=viewer(request), notice=notice)

    async def app(self, request: Request) -> Response:
        """Show an app's settings."""
        app = find_app(request)
        return self._settings(request, app) if app else no_such_app(request)

    async def save_endpoints(self, request: Request) -> Response:
        """Save endpoints and redirect URLs; a new endpoint is validated first."""
        form = await answers.read_form(request)
        change: dict[str, Any] = {name: form[name].strip() for name in ENDPOINTS}
        change["redirect_uris"] = form["redirect_uris"].split()
        return await self._save(request, change, "endpoints", typed=change)

    async def save_scopes(self, request: Request) -> Response:
        """Save which scopes the app asks for."""
        form = await answers.read_form(request)
        return await self._save(request, {"scopes": form.all("scope")}, "scopes", typed={})

    async def save_welcome(self, request: Request) -> Response:
        """Save who welcomes people, and with which words."""
        form = await answers.read_form(request)
        title, body = form["title"].strip(), form["body"].replace("\r\n", "\n").strip()
        change = {"welcome": {"mode": form["mode"], "title": title, "body": body}}
        typed = {"welcome_title": title, "welcome_body": body}
        return await self._save(request, change, "welcome", typed=typed)

    async def regenerate_secret(self, request: Request) -> Response:
        """Make a new secret token."""
        app = find_app(request)
        if app is None:
            return no_such_app(request)
        self._listing.regenerate_secret(app)
        return answers.redirect(f"{app_address(app)}?done=secret")

    async def _save(
        self, request: Request, change: Mapping[str, Any], done: str, *, typed: Mapping[str, Any]
    ) -> Response:
        app = find_app(request)
        if app is None:
            return no_such_app(request)
        try:
            await self._listing.change(app, read_change(change))
        except ChangeRefused as error:
            field = _FIELDS.get(error.key, error.key)
            return self._settings(request, app, {field: f"{error.why}. {error.fix}"}, typed)
        return answers.redirect(f"{app_address(app)}?done={done}")

    def _settings(
        self,
        request: Request,
        app: AppRecord,
        errors: Mapping[str, str] | None = None,
        typed: Mapping[str, Any] | None = None,
    ) -> Response:
        shown = replace(app_view(self._world, app), scopes=_offered(app), **(typed or {}))
        view = AppPageView(shown, self._origin, errors or {})
        notice = NoticeView("Not saved.", "bad") if errors else self._notice(request, app)
        status = 400 if errors else 200
        return answers.page(request, view, status=status, viewer=viewer(request), notice=notice)

    def _notice(self, request: Request, app: AppRecord) -> NoticeView | None:
        """Say what was done just now; otherwise what Zoom's validation would say."""
        asked = request.query_params.get("validation", "")
        for each in self._world.validations:
            if each.id == asked and each.failed is not None:
                return NoticeView(f"URL validation failed: {each.failed.why}.", "bad")
            if each.id == asked:
                return NoticeView("Validated. It is asked again in 72 hours.")
        notes = manifest_notes(app)
        done = _DONE.get(request.query_params.get("done", ""))
        return done or (NoticeView(" ".join(notes), "info") if notes else None)


def _offered(app: AppRecord) -> tuple[ScopeView, ...]:
    """List the app's scopes, then those that it could ask for."""
    rest = [name for name in scopes.KNOWN if name not in app.scopes]
    if app.management == "user":
        rest = [name for name in rest if name != CHATBOT_SCOPE]
    asked = [scopes.view(name) for name in app.scopes]
    return tuple(asked + [scopes.view(name, granted=False) for name in rest])
