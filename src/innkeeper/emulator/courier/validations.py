"""How is an endpoint asked to prove itself? One signed question; what came of it is kept."""

from typing import Final

from innkeeper.clock import epoch_ms
from innkeeper.emulator.courier.addresses import check_address
from innkeeper.emulator.courier.challenge import check_answer
from innkeeper.emulator.courier.credentials import Credentials
from innkeeper.emulator.courier.envelope import seal_challenge
from innkeeper.emulator.courier.line import Line, Outcome
from innkeeper.emulator.validation import Validation
from innkeeper.emulator.world import AppRecord, Subscription, World
from innkeeper.errors import EndpointRefused
from innkeeper.net.outbound import Request, Response
from innkeeper.wire import signature

KEPT: Final = 500


class Validations:
    """Asks, judges the answers, and remembers the last ones."""

    def __init__(self, world: World, line: Line, credentials: Credentials) -> None:
        self._world = world
        self._line = line
        self._credentials = credentials

    async def ask(self, app: AppRecord, url: str) -> Validation:
        """Ask an address of an app once, and write down what came of it."""
        world = self._world
        validation = Validation(
            id=f"val_{world.token_bytes(9).hex()}",
            client_id=app.client_id,
            url=url,
            at=world.now(),
            plain_token=world.new_id(),
        )
        passed = 0
        error: EndpointRefused | None = None
        try:
            check_address(url, allow_hosts=self._line.allow_hosts)
            passed += 1
            request = await self._request(app, validation)
            passed += 1
            outcome = await self._line.send(request, client_id=app.client_id)
            for each in _subscribed(app, url):
                self._credentials.heed(request, outcome.response, each.headers)
            response = _noted(validation, outcome)
            passed += 1
            for _ in check_answer(
                response,
                plain_token=validation.plain_token,
                app=app,
                apps=world.apps.values(),
                base64_too=world.rules.challenge_answer == "hex_or_base64",
            ):
                passed += 1
        except EndpointRefused as refused:
            error = refused
        validation.judge(passed, error)
        validation.accepted = error is None or self._forgiven(app, validation)
        self._keep(validation)
        return validation

    async def _request(self, app: AppRecord, validation: Validation) -> Request:
        stamp = epoch_ms(validation.at)
        body = signature.challenge_body(validation.plain_token, event_ts=stamp)
        request = seal_challenge(self._world, app, validation.url, body)
        for each in _subscribed(app, validation.url):
            request = await self._credentials.add(request, each.headers)
        return request

    def _forgiven(self, app: AppRecord, validation: Validation) -> bool:
        """Tell whether a wrong answer is taken: by rule, from the bot's endpoint, if it answers."""
        lenient = self._world.rules.bot_validation != "strict"
        return lenient and validation.url == app.bot_endpoint and validation.status != 0

    def _keep(self, validation: Validation) -> None:
        kept = self._world.validations
        kept.append(validation)
        del kept[:-KEPT]
        self._world.announce("validation", validation)


def _subscribed(app: AppRecord, url: str) -> list[Subscription]:
    return [each for each in app.subscriptions if each.url == url]


def _noted(validation: Validation, outcome: Outcome) -> Response:
    validation.ms, validation.record = outcome.ms, outcome.record
    if outcome.response is None:
        fix = "Start the app, and check the address and its port."
        raise EndpointRefused(outcome.error, fix)
    validation.status = outcome.response.status
    return outcome.response
