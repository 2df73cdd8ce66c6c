"""How is the emulator steered? By JSON, under /_emulator/: state, apps, the clock, a reset."""

from typing import Any, Final, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers, openapi
from innkeeper.emulator.choices import RuleRefused, choose, described
from innkeeper.emulator.marketplace.harvest import harvest
from innkeeper.emulator.marketplace.listing import ChangeRefused, Listing, read_change
from innkeeper.emulator.marketplace.manifests import export, import_manifest
from innkeeper.emulator.marketplace.removal import InstallationUnknown, Removal
from innkeeper.emulator.orders import OrderRefused, read_json
from innkeeper.emulator.planting import manifest_notes
from innkeeper.emulator.seed import SeedRefused
from innkeeper.emulator.snapshot import SnapshotRefused
from innkeeper.emulator.world import AppRecord, World

PREFIX: Final = "/_emulator"
FURTHEST_SECONDS: Final = 366 * 86_400
"""How far one request may move the clock: over every lifetime that Zoom has."""
SNAPSHOT_LIMIT_BYTES: Final = 256 * 1024 * 1024


class Levers(Protocol):
    """What moves the emulator as a whole."""

    async def advance(self, seconds: float) -> None:
        """Move the clock, and do all that falls due on the way."""
        ...

    async def reset(self) -> None:
        """Begin again from the seed."""
        ...

    async def snapshot(self) -> dict[str, Any]:
        """Write everything down."""
        ...

    async def restore(self, document: Any) -> None:
        """Make everything what a snapshot says.

        Raises:
            SnapshotRefused: If it is none of ours.
        """
        ...


class _Clock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    advance: float


class Control:
    """Answers whoever steers: a test, the command line, or a curious person."""

    def __init__(self, world: World, listing: Listing, removal: Removal, levers: Levers) -> None:
        self._world = world
        self._listing = listing
        self._removal = removal
        self._levers = levers

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route(f"{PREFIX}/state", self.state, methods=["GET"]),
            Route(f"{PREFIX}/apps", self.import_app, methods=["POST"]),
            Route(f"{PREFIX}/apps/{{client_id}}/manifest", self.export_app, methods=["GET"]),
            Route(f"{PREFIX}/apps/{{client_id}}", self.change_app, methods=["PATCH"]),
            Route(f"{PREFIX}/rules", self.show_rules, methods=["GET"]),
            Route(f"{PREFIX}/rules", self.change_rules, methods=["PATCH"]),
            Route(f"{PREFIX}/clock", self.show_clock, methods=["GET"]),
            Route(f"{PREFIX}/clock", self.move_clock, methods=["POST"]),
            Route(f"{PREFIX}/reset", self.reset, methods=["POST"]),
            Route(f"{PREFIX}/seed", self.seed, methods=["GET"]),
            Route(f"{PREFIX}/snapshot", self.snapshot, methods=["GET"]),
            Route(f"{PREFIX}/restore", self.restore, methods=["POST"]),
            Route(f"{PREFIX}/health", self.health, methods=["GET"]),
            Route(f"{PREFIX}/openapi.json", self.describe, methods=["GET"]),
            Route(f"{PREFIX}/installations/{{installation_id}}", self.remove, methods=["DELETE"]),
        ]

    async def state(self, _: Request) -> Response:
        """Tell who is here, which apps there are, and what they were allowed."""
        return answers.json_answer(self._described())

    async def import_app(self, request: Request) -> Response:
        """Make an app of a manifest, bare or in a seed's wrapper; a known client id replaces."""
        try:
            document = await read_json(request, dict[str, Any])
            app, new = import_manifest(self._world, document)
        except SeedRefused as error:
            return OrderRefused(error.code, f"{error.path}: {error.why}", error.fix).answer()
        except OrderRefused as refusal:
            return refusal.answer()
        return answers.json_answer(_app(app), 201 if new else 200)

    async def export_app(self, request: Request) -> Response:
        """Give an app's manifest as the app is now."""
        app = self._world.apps.get(request.path_params["client_id"])
        return answers.json_answer(export(app)) if app else self._no_app(request).answer()

    def _no_app(self, request: Request) -> OrderRefused:
        client_id = request.path_params["client_id"]
        known = f"Known are: {', '.join(self._world.apps) or 'none'}."
        return OrderRefused("unknown_app", f"no app is called {client_id}", known, status=404)

    async def change_app(self, request: Request) -> Response:
        """Change an app; a new endpoint is validated first, and if it fails nothing changes."""
        app = self._world.apps.get(request.path_params["client_id"])
        if app is None:
            return self._no_app(request).answer()
        try:
            change = read_change(await read_json(request, dict[str, Any]))
            await self._listing.change(app, change, revalidate=True)
        except ChangeRefused as error:
            message = f"{error.key}: {error.why}"
            return OrderRefused("change_refused", message, error.fix).answer()
        except OrderRefused as refusal:
            return refusal.answer()
        return answers.json_answer(_app(app))

    async def show_rules(self, _: Request) -> Response:
        """List every switch: its values, its mark, what it is about, and how it stands."""
        return answers.json_answer(described(self._world.rules))

    async def change_rules(self, request: Request) -> Response:
        """Choose a preset, or some of the switches, or both; all of it or nothing."""
        try:
            document = await read_json(request, dict[str, Any])
            self._world.rules = choose(document, now=self._world.rules)
        except RuleRefused as error:
            return OrderRefused(error.code, f"{error.what}: {error.why}", error.fix).answer()
        except OrderRefused as refusal:
            return refusal.answer()
        self._world.announce("rules", None)
        return answers.json_answer(self._world.rules)

    async def show_clock(self, _: Request) -> Response:
        """Tell the time."""
        return answers.json_answer(self._time())

    async def move_clock(self, request: Request) -> Response:
        """Move the clock forward; whatever falls due on the way is done before the answer."""
        try:
            seconds = (await read_json(request, _Clock)).advance
        except OrderRefused as refusal:
            return refusal.answer()
        if not 0 <= seconds <= FURTHEST_SECONDS:
            fix = f"Give `advance` in seconds, from 0 to {FURTHEST_SECONDS}: time never goes back."
            return OrderRefused("clock_refused", f"cannot move by {seconds:g} s", fix).answer()
        await self._levers.advance(seconds)
        return answers.json_answer(self._time())

    async def reset(self, _: Request) -> Response:
        """Begin again from the seed; only the clock stays where it is."""
        await self._levers.reset()
        return answers.json_answer(self._described())

    async def seed(self, _: Request) -> Response:
        """Write a seed file of what is here now, secrets included."""
        return answers.json_answer(harvest(self._world))

    async def snapshot(self, _: Request) -> Response:
        """Write everything down, secrets included, for `restore`."""
        return answers.json_answer(await self._levers.snapshot())

    async def restore(self, request: Request) -> Response:
        """Make everything what a snapshot says; all of it, or nothing."""
        try:
            document = await read_json(request, dict[str, Any], limit_bytes=SNAPSHOT_LIMIT_BYTES)
            await self._levers.restore(document)
        except SnapshotRefused as error:
            return OrderRefused(error.code, f"{error.what}: {error.why}", error.fix).answer()
        except OrderRefused as refusal:
            return refusal.answer()
        return answers.json_answer(self._described())

    async def describe(self, _: Request) -> Response:
        """Give the control API as an OpenAPI document."""
        return answers.json_answer(openapi.document())

    async def health(self, _: Request) -> Response:
        """Tell that the emulator is up."""
        return answers.json_answer({"status": "ok", "now": self._time()["now"]})

    async def remove(self, request: Request) -> Response:
        """Remove an installation as Remove App does."""
        installation_id = request.path_params["installation_id"]
        try:
            removed = await self._removal.remove(installation_id)
        except InstallationUnknown as error:
            message = f"no installation has the id {installation_id}"
            return OrderRefused(error.code, message, error.fix, status=404).answer()
        body = {"id": installation_id, "told": removed.told, "why": removed.why}
        return answers.json_answer(body)

    def _described(self) -> dict[str, Any]:
        world = self._world
        return {
            "clock": self._time(),
            "seed": world.seed,
            "rules": world.rules,
            "accounts": [
                {
                    "id": each.id,
                    "name": each.name,
                    "plan": each.plan,
                    "channels": each.channels,
                    "approval_required": each.approval_required,
                    "approved_apps": each.approved_apps,
                }
                for each in world.accounts
            ],
            "users": world.users(),
            "apps": [_app(app) for app in world.apps.values()],
            "installations": list(world.installations.values()),
            "approvals": list(world.approvals.values()),
        }

    def _time(self) -> dict[str, Any]:
        clock = self._world.clock
        return {
            "now": clock.now().isoformat(),
            "offset_seconds": round(clock.offset.total_seconds()),
            "frozen": clock.frozen,
        }


def _app(app: AppRecord) -> dict[str, Any]:
    return {
        "name": app.name,
        "description": app.description,
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "public_client_id": app.public_client_id,
        "secret_token": app.secret_token,
        "bot_jid": app.bot_jid,
        "account_id": app.account_id,
        "redirect_uris": app.redirect_uris,
        "bot_endpoint": app.bot_endpoint,
        "deauthorization_endpoint": app.deauthorization_endpoint,
        "environment": app.environment,
        "management": app.management,
        "scopes": app.scopes,
        "use_on_device": app.use_on_device,
        "disabled": app.disabled,
        "welcome": app.welcome,
        "command": app.command,
        "subscriptions": [
            {
                "id": each.id,
                "name": each.name,
                "url": each.url,
                "event_types": each.event_types,
                "usage": each.usage,
                "headers": each.headers.kind,
            }
            for each in app.subscriptions
        ],
        "consent_version": app.consent_version,
        "notes": manifest_notes(app),
    }
