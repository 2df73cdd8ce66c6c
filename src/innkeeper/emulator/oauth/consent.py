"""May this app? Asked of a person once, and again when the app asks for something new."""

from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.oauth import pending
from innkeeper.emulator.oauth.admission import Admission, question
from innkeeper.emulator.oauth.authorization import Authorization, Denied, SentBack, admit, judge
from innkeeper.emulator.tunnels import zoom_url
from innkeeper.emulator.viewer import name_browser, sign_in, viewer
from innkeeper.emulator.world import Code, User, World
from innkeeper.ui.views import OAuthErrorView
from innkeeper.wire.oauth import AUTHORIZE_PATH

_DECLINED: Final = Denied(
    "consent.declined",
    4700,
    "You declined. The app was not added.",
    "The emulator is told to stay here after Decline (rule `decline: stay`).",
    "Close this page, or start the authorization again.",
    200,
)


class Consent:
    """Answers /oauth/authorize."""

    def __init__(self, world: World, admission: Admission) -> None:
        self._world = world
        self._admission = admission

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route(AUTHORIZE_PATH, self.ask, methods=["GET"]),
            Route(AUTHORIZE_PATH, self.answer, methods=["POST"]),
        ]

    async def ask(self, request: Request) -> Response:
        """Ask the person, unless she said yes to just this before: then go straight through."""
        query = request.scope["query_string"].decode("latin-1")
        answers.comes_from(request, request.query_params.get("client_id", ""))
        asked = judge(self._world, query, origin=zoom_url(request))
        if not isinstance(asked, Authorization):
            return self._refused(request, asked)
        person = viewer(request)
        if person is not None and self._stands(asked, person):
            leads_to = self.grant(asked, person)
            await self._admission.order()
            return answers.redirect(leads_to, 302)
        return self._question(request, asked, query, person)

    async def answer(self, request: Request) -> Response:
        """Take the answer of a consent page: once, and not from another browser."""
        form = await answers.read_form(request)
        put = pending.asked(request, self._world, form)
        if put is None:
            return self._refused(request, pending.REPLAYED)
        person = self._world.user(form["user"]) if form["decision"] == "allow" else None
        asked = judge(self._world, put.query, origin=zoom_url(request))
        outcome = pending.NO_DECISION if form.repeated() else self._decided(asked, form, person)
        if not isinstance(outcome, Denied) or outcome is _DECLINED:
            del self._world.consent_requests[put.id]
        if not isinstance(outcome, str):
            return self._refused(request, outcome)
        if person is not None:
            await self._admission.order()
        gone = answers.redirect(outcome)
        return gone if person is None else sign_in(gone, person)

    def _decided(
        self, asked: Authorization | Denied | SentBack, form: answers.Form, person: User | None
    ) -> str | Denied | SentBack:
        if not isinstance(asked, Authorization):
            return asked
        if form["decision"] == "decline":
            stays = self._world.rules.decline == "stay"
            return _DECLINED if stays else asked.back(error="access_denied")
        if person is None:
            return pending.NO_DECISION
        return self._allowed(asked, person)

    def allow(self, query: str, person: User, *, origin: str) -> str | Denied | SentBack:
        """Say yes to an authorization request; a text is where the browser goes next."""
        asked = judge(self._world, query, origin=origin)
        return self._allowed(asked, person) if isinstance(asked, Authorization) else asked

    def _allowed(self, asked: Authorization, person: User) -> str | Denied | SentBack:
        return admit(self._world, asked.app, person) or self.grant(asked, person)

    def grant(self, asked: Authorization, person: User) -> str:
        """Authorize an app for a person and write where the browser takes the code."""
        world, app = self._world, asked.app
        granted = list(asked.scopes if world.rules.granted_scopes == "asked" else app.scopes)
        self._admission.install(app, person, granted)
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
        return asked.back(code=code.value)

    def _stands(self, asked: Authorization, person: User) -> bool:
        installation = self._world.installation_for(asked.app, person)
        return (
            self._world.rules.standing_consent == "redirect"
            and installation is not None
            and installation.consent_version == asked.app.consent_version
            and admit(self._world, asked.app, person) is None
        )

    def _question(
        self, request: Request, asked: Authorization, query: str, person: User | None
    ) -> Response:
        put = pending.put(request, self._world, query)
        view = question(
            self._world,
            asked.app,
            person,
            asked_for=asked.scopes,
            fields={"request": put.id},
            leads_to=urlsplit(asked.redirect_uri).netloc,
        )
        shown = answers.page(request, view, viewer=person, leads_to=[asked.redirect_uri])
        return name_browser(shown, put.browser)

    def _refused(self, request: Request, refusal: Denied | SentBack) -> Response:
        if isinstance(refusal, SentBack):
            answers.refuse(request, refusal.rule, refusal.why)
            return answers.redirect(refusal.location, 302 if request.method == "GET" else 303)
        if refusal is not _DECLINED:
            answers.refuse(request, refusal.rule, refusal.what)
        if _prefers_json(request) or self._world.rules.authorize_errors == "json":
            zoom = {"status": False, "errorCode": refusal.code, "errorMessage": refusal.message}
            return answers.json_answer({**zoom, "result": None}, refusal.status)
        view = OAuthErrorView(
            str(refusal.code), refusal.message, refusal.what, refusal.fix, refusal.ask
        )
        return answers.page(request, view, status=refusal.status, viewer=viewer(request))


def _prefers_json(request: Request) -> bool:
    """Tell a program from a browser: browsers name text/html before anything else."""
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/html" not in accepted
