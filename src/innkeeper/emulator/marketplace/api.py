"""How does a program manage apps? Zoom's Marketplace API, as far as it is about manifests.

An app's id is its client id here. Only a draft, which is a development app, is changed.

Source: https://developers.zoom.us/docs/api/marketplace/
"""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.marketplace import manifests
from innkeeper.emulator.marketplace.removal import Removal
from innkeeper.emulator.oauth.tokens import bearer, require_scope, unauthorized
from innkeeper.emulator.seed import AppSeed
from innkeeper.emulator.traffic.records import Refusal
from innkeeper.emulator.world import AppRecord, Token, World
from innkeeper.errors import BodyRefused
from innkeeper.net.inbound import read_body
from innkeeper.wire import lossless
from innkeeper.wire.manifest import Manifest

PATH: Final = "/v2/marketplace/apps"
_ONE: Final = PATH + "/{app_id}"
READS: Final = "marketplace:read:app"
WRITES: Final = "marketplace:write:app"
OVERLAP: Final = timedelta(hours=24)
"""How long the old client secret is good for besides the new one; Zoom does not say."""


class _Rotation(msgspec.Struct, frozen=True):
    revoke_old_secret_time: datetime | None = None


class MarketplaceApi:
    """Answers /v2/marketplace/apps."""

    def __init__(self, world: World, removal: Removal) -> None:
        self._world = world
        self._removal = removal

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route(f"{PATH}/manifest/validate", self.validate, methods=["POST"]),
            Route(PATH, self.create, methods=["POST"]),
            Route(_ONE, self.delete, methods=["DELETE"]),
            Route(f"{_ONE}/manifest", self.show, methods=["GET"]),
            Route(f"{_ONE}/manifest", self.change, methods=["PUT"]),
            Route(f"{_ONE}/rotate_client_secret", self.rotate, methods=["POST"]),
        ]

    async def validate(self, request: Request) -> Response:
        """Say what is wrong with a manifest, always with 200."""
        token = self._allowed(request, WRITES)
        if isinstance(token, Response):
            return token
        found = manifests.faults(manifests.inner(await _document(request)), self._world)
        return answers.json_answer(_verdict(found))

    async def create(self, request: Request) -> Response:
        """Make an app of a manifest."""
        token = self._allowed(request, WRITES)
        if isinstance(token, Response):
            return token
        document = manifests.known(manifests.inner(await _document(request)))
        found = manifests.faults(document, self._world)
        if found:
            return _faulty(request, found)
        wanted = AppSeed(manifest={}, account=token.account_id)
        app = manifests.create(self._world, wanted, Manifest.parse(document))
        body = {"app_id": app.client_id, "app_name": app.name, "app_type": "general"}
        return answers.json_answer(body, 201)

    async def show(self, request: Request) -> Response:
        """Give an app's manifest, wrapped."""
        app = self._found(request, READS)
        if isinstance(app, Response):
            return app
        return answers.json_answer({"manifest": manifests.export(app)})

    async def change(self, request: Request) -> Response:
        """Replace a draft's manifest; the body is the manifest itself."""
        app = self._found(request, WRITES)
        if isinstance(app, Response):
            return app
        if app.environment != "development":
            return _unknown(request)
        document = manifests.known(await _document(request))
        found = manifests.faults(document, self._world, of=app)
        if found:
            return _faulty(request, found)
        manifests.replace(self._world, app, Manifest.parse(document))
        return Response(status_code=204)

    async def delete(self, request: Request) -> Response:
        """Delete an app, with all that it was allowed."""
        app = self._found(request, WRITES)
        if isinstance(app, Response):
            return app
        for installation in list(self._world.installations.values()):
            if installation.client_id == app.client_id:
                await self._removal.remove(installation.id)
        del self._world.apps[app.client_id]
        self._world.announce("app", app)
        return answers.json_answer({})

    async def rotate(self, request: Request) -> Response:
        """Make a new client secret; the old one is good for a while yet."""
        app = self._found(request, WRITES)
        if isinstance(app, Response):
            return app
        until = await _until(request) or self._world.now() + OVERLAP
        app.retired_secrets[app.client_secret] = until
        app.client_secret = self._world.new_secret()
        self._world.announce("app", app)
        return answers.json_answer(
            {
                "secret_id": self._world.new_id(),
                "new_secret": app.client_secret,
                "revoke_old_secret_time": until.isoformat(),
            }
        )

    def _allowed(self, request: Request, scope: str) -> Token | Response:
        token = bearer(request, self._world)
        if isinstance(token, Refusal):
            return unauthorized(request, token)
        return require_scope(request, self._world, token, scope) or token

    def _found(self, request: Request, scope: str) -> AppRecord | Response:
        token = self._allowed(request, scope)
        if isinstance(token, Response):
            return token
        app = self._world.apps.get(request.path_params["app_id"])
        if app is None or app.account_id != token.account_id:
            return _unknown(request)
        return app


def _verdict(found: list[manifests.Fault]) -> dict[str, Any]:
    errors = [{"message": each.message, "setting": each.setting} for each in found]
    return {
        "ok": not found,
        "error": "invalid_manifest" if found else "",
        "errors": errors or None,
    }


def _faulty(request: Request, found: list[manifests.Fault]) -> Response:
    why = "; ".join(f"{each.setting}: {each.message}" for each in found)
    answers.refuse(request, "manifest.faulty", why)
    return answers.json_answer(
        {"code": 300, "message": "Invalid manifest.", **_verdict(found)}, 400
    )


def _unknown(request: Request) -> Response:
    answers.refuse(request, "manifest.app", "the account has no such app, or it is no draft")
    return answers.json_answer({"code": 1500, "message": "The app does not exist."}, 404)


async def _document(request: Request) -> Any:
    """Read the body; what is no JSON is no manifest either, and validation says so."""
    try:
        return lossless.parse(await read_body(request.scope, request.receive))
    except BodyRefused:
        return None


async def _until(request: Request) -> datetime | None:
    try:
        asked = msgspec.convert(await _document(request) or {}, _Rotation).revoke_old_secret_time
    except msgspec.ValidationError:
        return None
    return asked if asked is not None and asked.tzinfo is not None else None
