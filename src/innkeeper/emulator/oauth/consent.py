"""May this app? Asked of a person once, and again when the app asks for something new."""

from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import Final, Protocol
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.backlog import Backlog
from innkeeper.emulator.oauth import scopes, tokens
from innkeeper.emulator.oauth.authorization import Authorization, Denied, SentBack, admit, judge
from innkeeper.emulator.viewer import browser, name_browser, sign_in, viewer
from innkeeper.emulator.world import Code, ConsentRequest, Installation, User, World
from innkeeper.ui.views import ConsentView, OAuthErrorView
from innkeeper.wire.oauth import AUTHORIZE_PATH

KEPT: Final = 1_000
"""How many unanswered consent pages are remembered; the oldest is forgotten first."""

_REPLAYED: Final = Denied(
    "consent.replayed",
    4700,
    "This page was used already, or belongs to another browser.",
    "A consent page can be answered once, in the browser that it was shown in.",
    "Start the authorization again.",
)
_NO_DECISION: Final = Denied(
    "consent.decision",
    4700,
    "The answer was not understood.",
    "`decision` must be allow or decline, and `user` the id of somebody here.",
    "Send the form of the consent page as it is.",
)
_DECLINED: Final = Denied(
    "consent.declined",
    4700,
    "You declined. The app was not added.",
    "The emulator is told to stay here after Decline (rule `decline: stay`).",
    "Close this page, or start the authorization again.",
    200,
)


class Host(Protocol):
    """Says what an app says first to whoever authorized it."""

    def welcome(self, installation: Installation) -> Awaitable[object]:
        """Welcome the person of a new installation."""
        ...


class Consent:
    """Answers /oauth/authorize.

    Args:
        backlog: Where a new installation's welcome is put: the redirect does not wait for it.
    """

    def __init__(self, world: World, backlog: Backlog, host: Host) -> None:
        self._world = world
        self._backlog = backlog
        self._host = host

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route(AUTHORIZE_PATH, self.ask, methods=["GET"]),
            Route(AUTHORIZE_PATH, self.answer, methods=["POST"]),
        ]

    async def ask(self, request: Request) -> Response:
        """Ask the person, unless she said yes to just this before: then go straight through."""
        query = request.scope["query_string"].decode("latin-1")
        asked = judge(self._world, query)
        if not isinstance(asked, Authorization):
            return self._refused(request, asked)
        person = viewer(request)
        if person is not None and self._stands(asked, person):
            return answers.redirect(self.grant(asked, person), 302)
        return self._question(request, asked, query, person)

    async def answer(self, request: Request) -> Response:
        """Take the answer of a consent page: once, and not from another browser.

        The page's request id is a secret of its own; a client without cookies has no more.
        """
        form = await answers.read_form(request)
        pending = self._world.consent_requests.get(form["request"])
        name = browser(request)
        if pending is None or (
            name and not compare_digest(pending.browser.encode(), name.encode())
        ):
            return self._refused(request, _REPLAYED)
        person = self._world.user(form["user"]) if form["decision"] == "allow" else None
        outcome = _NO_DECISION if form.repeated() else self._decided(pending, form, person)
        if not isinstance(outcome, Denied) or outcome is _DECLINED:
            del self._world.consent_requests[pending.id]
        if not isinstance(outcome, str):
            return self._refused(request, outcome)
        gone = answers.redirect(outcome)
        return gone if person is None else sign_in(gone, person)

    def _decided(
        self, pending: ConsentRequest, form: answers.Form, person: User | None
    ) -> str | Denied | SentBack:
        if form["decision"] == "decline":
            return self.decline(pending.query)
        return _NO_DECISION if person is None else self.allow(pending.query, person)

    def allow(self, query: str, person: User) -> str | Denied | SentBack:
        """Say yes to an authorization request; a text is where the browser goes next."""
        asked = judge(self._world, query)
        if not isinstance(asked, Authorization):
            return asked
        return admit(asked.app, person) or self.grant(asked, person)

    def decline(self, query: str) -> str | Denied | SentBack:
        """Say no to an authorization request; a text is where the browser goes next."""
        asked = judge(self._world, query)
        if not isinstance(asked, Authorization):
            return asked
        if self._world.rules.decline == "stay":
            return _DECLINED
        return asked.back(error="access_denied")

    def grant(self, asked: Authorization, person: User) -> str:
        """Authorize an app for a person and write where the browser takes the code."""
        world, app = self._world, asked.app
        new = world.installation_for(app, person) is None
        granted = list(asked.scopes if world.rules.granted_scopes == "asked" else app.scopes)
        installation = world.install(app, person)
        installation.scopes = granted
        if world.rules.earlier_tokens == "authorize":
            tokens.revoke_earlier(world, app, person.id)
        code = Code(
            value=world.new_id(24),
            client_id=app.client_id,
            user_id=person.id,
            redirect_uri=asked.redirect_uri,
            redirect_uri_given=asked.redirect_uri_given,
            challenge=asked.challenge,
            method=asked.method,
            issued_at=world.now(),
            scopes=granted,
            public=asked.public,
        )
        world.codes[code.value] = code
        world.announce("installed", installation)
        if new:
            self._backlog.add(self._welcoming(installation))
        return asked.back(code=code.value)

    def _welcoming(self, installation: Installation) -> Callable[[], Awaitable[object]]:
        async def welcome() -> None:
            if installation.id in self._world.installations:
                await self._host.welcome(installation)

        return welcome

    def _stands(self, asked: Authorization, person: User) -> bool:
        installation = self._world.installation_for(asked.app, person)
        return (
            self._world.rules.standing_consent == "redirect"
            and installation is not None
            and installation.consent_version == asked.app.consent_version
            and admit(asked.app, person) is None
        )

    def _question(
        self, request: Request, asked: Authorization, query: str, person: User | None
    ) -> Response:
        name = browser(request) or self._world.new_id()
        pending = ConsentRequest(self._world.new_id(), query, name)
        waiting = self._world.consent_requests
        waiting[pending.id] = pending
        if len(waiting) > KEPT:
            del waiting[next(iter(waiting))]
        view = self._view(asked, pending, person)
        shown = answers.page(request, view, viewer=person, leads_to=[asked.redirect_uri])
        return name_browser(shown, name)

    def _view(
        self, asked: Authorization, pending: ConsentRequest, person: User | None
    ) -> ConsentView:
        world, app = self._world, asked.app
        able = [user for user in world.users() if admit(app, user) is None]
        denied = admit(app, person) if person else None
        selected = person if person and denied is None else next(iter(able), None)
        account = world.account(app.account_id)
        return ConsentView(
            app_name=app.name,
            app_description=app.description,
            developer=account.name if account else "",
            scopes=tuple(scopes.view(scope) for scope in asked.scopes),
            people=tuple(answers.person(world, user) for user in world.users()),
            selected=selected.id if selected else "",
            redirect_host=urlsplit(asked.redirect_uri).netloc,
            request={"request": pending.id},
            management=app.management,
            environment=app.environment,
            warning=denied.message if denied else "",
        )

    def _refused(self, request: Request, refusal: Denied | SentBack) -> Response:
        if isinstance(refusal, SentBack):
            answers.refuse(request, refusal.rule, refusal.why)
            return answers.redirect(refusal.location, 302 if request.method == "GET" else 303)
        if refusal is not _DECLINED:
            answers.refuse(request, refusal.rule, refusal.what)
        if _prefers_json(request) or self._world.rules.authorize_errors == "json":
            zoom = {"status": False, "errorCode": refusal.code, "errorMessage": refusal.message}
            return answers.json_answer({**zoom, "result": None}, refusal.status)
        view = OAuthErrorView(str(refusal.code), refusal.message, refusal.what, refusal.fix)
        return answers.page(request, view, status=refusal.status, viewer=viewer(request))


def _prefers_json(request: Request) -> bool:
    """Tell a program from a browser: browsers name text/html before anything else."""
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/html" not in accepted
