"""How is an app's address validated on demand? By a button of its page, or over the control API.

The answer shows each check, where Zoom only says that the validation failed.
"""

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.clock import epoch_ms
from innkeeper.emulator import answers
from innkeeper.emulator.courier.explained import explain
from innkeeper.emulator.courier.rounds import Courier
from innkeeper.emulator.marketplace.appviews import APP_PATH, app_address, find_app, no_such_app
from innkeeper.emulator.orders import OrderRefused, read_json
from innkeeper.emulator.traffic.records import Traffic
from innkeeper.emulator.validation import Validation
from innkeeper.emulator.world import AppRecord, World
from innkeeper.wire import signature

PATH: Final = "/_emulator/validations"


class _Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    app: str | None = None


class Validations:
    """Validates addresses when somebody asks, and shows what came of it."""

    def __init__(self, world: World, courier: Courier, traffic: Traffic) -> None:
        self._world = world
        self._courier = courier
        self._traffic = traffic

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route(PATH, self.list, methods=["GET"]),
            Route(PATH, self.validate, methods=["POST"]),
            Route(f"{PATH}/{{validation_id}}", self.show, methods=["GET"]),
            Route(f"{APP_PATH}/validate", self.press, methods=["POST"]),
        ]

    async def list(self, _: Request) -> Response:
        """List the validations that are remembered, oldest first."""
        found = [each.json() for each in self._world.validations]
        return answers.json_answer({"validations": found})

    async def show(self, request: Request) -> Response:
        """Give one validation, with its exchange and its signature explained."""
        validation_id = request.path_params["validation_id"]
        for each in self._world.validations:
            if each.id == validation_id:
                return answers.json_answer(self._in_full(each))
        return _unknown("no such validation", f"List them at {PATH}.", status=404).answer()

    async def validate(self, request: Request) -> Response:
        """Validate an address of an app now; what failed is told, and changes nothing."""
        try:
            order = await read_json(request, _Order)
            app = self._app(order)
        except OrderRefused as refusal:
            return refusal.answer()
        return answers.json_answer(self._in_full(await self._courier.validate(app, order.url)), 201)

    async def press(self, request: Request) -> Response:
        """Validate an address from the app's page, and show what came of it there."""
        app = find_app(request)
        if app is None:
            return no_such_app(request)
        url = (await answers.read_form(request))["url"]
        if url not in app.addresses:
            return answers.redirect(app_address(app))
        validation = await self._courier.validate(app, url)
        return answers.redirect(f"{app_address(app)}?validation={validation.id}#validations")

    def _app(self, order: _Order) -> AppRecord:
        apps = self._world.apps
        named = [apps[order.app]] if order.app in apps else []
        asked = named if order.app is not None else list(apps.values())
        found = next((app for app in asked if order.url in app.addresses), None)
        if found is not None:
            return found
        if order.app is not None and not named:
            known = ", ".join(apps) or "none"
            raise _unknown(f"no app is called {order.app[:80]}", f"Known are: {known}.")
        known = ", ".join(url for app in asked for url in app.addresses) or "none"
        what = f"{order.url[:200]} is no address of an app"
        raise _unknown(what, f"Known are: {known}.")

    def _in_full(self, validation: Validation) -> dict[str, Any]:
        records = self._traffic.records(after=validation.record - 1)
        record = next((each for each in records if each.number == validation.record), None)
        app = self._world.apps.get(validation.client_id)
        stamp = epoch_ms(validation.at)
        body = signature.challenge_body(validation.plain_token, event_ts=stamp)
        made = explain(record.request.headers, body, app) if record and app else None
        exchange = record.json() if record else None
        return {**validation.json(), "exchange": exchange, "signature": made}


def _unknown(what: str, fix: str, *, status: int = 400) -> OrderRefused:
    return OrderRefused("validation_unknown", what, fix, status=status)
