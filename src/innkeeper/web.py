"""How does the app answer HTTP? Webhooks on bare ASGI; pages by Starlette."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qs, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from innkeeper import words
from innkeeper.access import told
from innkeeper.clock import MovableClock
from innkeeper.errors import (
    CallbackMalformed,
    InnkeeperError,
    InstallRefused,
    InvitationExpired,
    InvitationRefused,
)
from innkeeper.flows.install import (
    ATTEMPT_LIFETIME,
    MARKER_LIFETIME,
    Begun,
    Cancelled,
    Installed,
    Launch,
    Outcome,
    Working,
)
from innkeeper.flows.invitations import PARAMETER
from innkeeper.flows.receipts import hand_out
from innkeeper.flows.receive import Answer, Take
from innkeeper.follow import OFFSET_HEADER, follow
from innkeeper.health import look
from innkeeper.ids import ReceiptId
from innkeeper.net.cover import covered
from innkeeper.net.inbound import (
    BODY_LIMIT_BYTES,
    PAGE_HEADERS,
    BodyTooLarge,
    ClientGone,
    Headers,
    declared_bytes,
    read_body,
    read_cookies,
    send_reply,
)
from innkeeper.net.intake import Intake
from innkeeper.net.outbound import AsgiApp, Receive, Scope, Send
from innkeeper.store.records import InstallationStatus, Receipt
from innkeeper.ui import pages
from innkeeper.ui.texts import Texts
from innkeeper.ui.theme import STYLE_NAME, Pages, Theme
from innkeeper.ui.views import (
    CancelledView,
    Frame,
    IndexView,
    LaunchAppView,
    ReceiptView,
    View,
    WorkingView,
)
from innkeeper.webhooktoken import WebhookToken
from innkeeper.wire.links import chat_link, with_query
from innkeeper.wire.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER
from innkeeper.work import Parts

WEBHOOKS = frozenset({"/events", "/deauthorize"})
_TOO_LARGE = Answer(413, b'{"error":"body_too_large"}')
_NOT_POST = b'{"error":"method_not_allowed"}'
_ENCODED = Answer(415, b'{"error":"encoding_unsupported"}')
_TIMESTAMP = TIMESTAMP_HEADER.encode()
_SIGNATURE = SIGNATURE_HEADER.encode()
_OFFSET = OFFSET_HEADER.encode()
_ENCODING = b"content-encoding"
_LOOKED_AT = frozenset({_TIMESTAMP, _SIGNATURE, _OFFSET, _ENCODING})
_QUERY_LIMIT_BYTES = 16_384
_HSTS = {"strict-transport-security": "max-age=31536000"}
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def relative_path(scope: Scope) -> str:
    """Find the path below where the app is mounted.

    A server in front may or may not have cut the mount's own path off.
    """
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    below = path.removeprefix(root)
    return path if below and not below.startswith("/") else below


@dataclass(frozen=True, slots=True)
class Web:
    """The app's addresses, relative to where it is mounted."""

    parts: Parts
    app_name: str
    description: str = ""
    theme: Theme = field(default_factory=lambda: Theme(Pages()))

    def site(self) -> AsgiApp:
        """Build the whole: webhooks past any framework, and pages."""
        pages = self.pages()

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            path = relative_path(scope)
            if path in WEBHOOKS and _is_plain(scope, path):
                await self.webhook(scope, receive, send)
            else:
                scope = scope if path else {**scope, "path": scope["path"] + "/"}
                await pages(scope, receive, send)

        return serve

    def intake(self) -> Intake:
        """Say where webhooks go that come in past ASGI."""
        return Intake(frozenset(path.encode() for path in WEBHOOKS), self.look)

    async def webhook(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one delivery: verified, durable, and only then answered."""
        if scope["method"] != "POST":
            await send_reply(send, 405, _NOT_POST)
            return
        headers: Headers = scope["headers"]
        large = declared_bytes(headers) > BODY_LIMIT_BYTES
        found = _TOO_LARGE if large else self.look(headers)
        if isinstance(found, Answer):
            await send_reply(send, found.status, found.body)
            return
        try:
            body = await read_body(scope, receive)
        except BodyTooLarge:
            await send_reply(send, _TOO_LARGE.status, _TOO_LARGE.body)
            return
        except ClientGone:
            return
        answer = await found(body)
        await send_reply(send, answer.status, answer.body)

    def look(self, headers: Headers) -> Answer | Take:
        """Look at a delivery's head: turn it away, or say what takes its body."""
        timestamps: list[bytes] = []
        signatures: list[bytes] = []
        for name, value in headers:
            if name not in _LOOKED_AT:
                continue
            if name == _TIMESTAMP:
                timestamps.append(value.strip(b" \t"))
            elif name == _SIGNATURE:
                signatures.append(value.strip(b" \t"))
            elif name == _ENCODING:
                return _ENCODED
            elif self.parts.follows:
                self._follow(value)
        return self.parts.receiver.look(timestamps, signatures, headers)

    def _follow(self, offset: bytes) -> None:
        clock = self.parts.clock
        if isinstance(clock, MovableClock):
            follow(clock, offset.decode("latin-1"))

    def pages(self) -> AsgiApp:
        """Build the rest: pages, redirects, health."""
        acting = [Route("/install", self.install), Route("/oauth/callback", self.callback)]
        for route in acting:
            (route.methods or set()).discard("HEAD")  # whoever looks ahead must not act
        routes = [
            *acting,
            *self._token_routes(),
            Route("/", self.index),
            Route("/launch", self.launch),
            Route("/receipts/{receipt_id}", self.receipt),
            Route("/static/{name:path}", self.static),
            Route("/healthz", self.health),
            Route("/readyz", self.readiness),
        ]
        handlers = {
            InstallRefused: self.refused,
            InnkeeperError: self.failed,
            HTTPException: self.lost,
            Exception: self.failed,
        }
        app = Starlette(routes=routes, exception_handlers=handlers)
        app.router.redirect_slashes = False
        secure = self.parts.settings.secure
        guarded = covered(app, {**PAGE_HEADERS, **_HSTS} if secure else PAGE_HEADERS)
        each = self.parts.settings.log == "requests"
        return told(guarded, log=self.parts.log, clock=self.parts.clock, each=each)

    def _token_routes(self) -> list[Route]:
        parts = self.parts
        if parts.bearers is None:
            return []
        return [WebhookToken(parts.bearers, parts.clock, parts.log, parts.metrics).route()]

    async def index(self, request: Request) -> Response:
        """Show what this is, and how to install it."""
        view = IndexView(self.app_name, self.description, self._url("/install"))
        return self._page(request, view)

    async def install(self, request: Request) -> Response:
        """Begin an installation."""
        if _looks_ahead(request):
            return Response(status_code=503)
        query = _query(request)
        invitation = _one(query, PARAMETER)
        if invitation is None and PARAMETER in query:
            raise InvitationRefused("install refused", "two invitations")
        if not self._is_here(request) and "moved" not in query:
            here = with_query(self._url("/install"), moved="1", **{PARAMETER: invitation})
            return RedirectResponse(here, 303)
        await self.parts.catch_up()
        begun = await self.parts.installer.begin(read_cookies(request.scope), invitation)
        response = RedirectResponse(begun.url, 303)
        self._remember(response, begun)
        return response

    async def callback(self, request: Request) -> Response:
        """Finish an installation."""
        if _looks_ahead(request):
            return Response(status_code=503)
        query_string: bytes = request.scope["query_string"]
        if b";" in query_string or len(query_string) > _QUERY_LIMIT_BYTES:
            raise CallbackMalformed("callback refused", "a semicolon in the query, or too long")
        await self.parts.catch_up()
        query = _query(request)
        outcome = await self.parts.installer.finish(query, read_cookies(request.scope))
        return self._after(request, outcome)

    def _after(self, request: Request, outcome: Outcome) -> Response:
        response: Response
        if isinstance(outcome, Installed):
            launch = with_query(self._url("/launch"), receipt=outcome.receipt_id)
            response = RedirectResponse(outcome.return_to or launch, 303)
            self._set(response, outcome.cookie, outcome.cookie_value, ATTEMPT_LIFETIME.seconds)
            self._drop(response, self.parts.installer.marker)
        elif isinstance(outcome, Cancelled):
            self.parts.log.info("install.cancelled")
            restart = self._url(_begin_again(outcome.invitation))
            view = CancelledView(self.app_name, restart, outcome.return_to)
            response = self._page(request, view)
            if outcome.cookie:
                self._drop(response, outcome.cookie)
        elif isinstance(outcome, Working):
            working = WorkingView(self.app_name)
            response = self._page(request, working, 202, {"refresh": str(working.refresh_seconds)})
        elif isinstance(outcome, Launch):
            response = RedirectResponse(self._url("/launch"), 303)
        else:
            response = RedirectResponse(self._url("/install"), 303)
            self._set(response, self.parts.installer.marker, "1", MARKER_LIFETIME.seconds)
        return response

    async def launch(self, request: Request) -> Response:
        """Show the way into the chat; a `code` is of no use here and is ignored."""
        settings = self.parts.settings
        link = chat_link(settings.bot_jid, zoom_url=settings.oauth_url)
        asked = _one(_query(request), "receipt")
        known = asked and await self.parts.store.find_by_receipt(ReceiptId(asked))
        receipt = known.receipt_id if known else None
        stay = "stay" in request.query_params
        view = LaunchAppView(
            self.app_name,
            link,
            receipt_url=self._url(f"/receipts/{receipt}") if receipt else "",
            stay_url="" if stay else with_query(self._url("/launch"), stay="1", receipt=receipt),
        )
        return self._page(request, view, headers=None if stay else {"refresh": view.refresh})

    async def receipt(self, request: Request) -> Response:
        """Show what was deleted, or that nothing has been deleted yet."""
        receipt_id = ReceiptId(request.path_params["receipt_id"])
        receipt = await self.parts.store.get_receipt(receipt_id)
        if receipt is not None:
            return await self._proof(request, receipt)
        purge = await self.parts.store.find_purge(receipt_id)
        if purge is not None:
            done = words.steps(purge.done, self._texts(request))
            view = ReceiptView(receipt_id, "purging", self.app_name, purge.removed_at, steps=done)
            return self._page(request, view)
        installation = await self.parts.store.find_by_receipt(receipt_id)
        if installation is None:
            return self._problem(request, "receipt_unknown", 404, "/install")
        purging = installation.status is InstallationStatus.PURGING
        view = ReceiptView(receipt_id, "purging" if purging else "active", self.app_name)
        return self._page(request, view)

    async def _proof(self, request: Request, receipt: Receipt) -> Response:
        signing = await self.parts.vault.signing_keys()
        keys = {key.id: key.public for key in signing}
        file = hand_out(receipt, public=keys[receipt.key_id], keys=signing)
        wants_json = "application/json" in request.headers.get("accept", "")
        if wants_json or "download" in request.query_params:
            name = f'attachment; filename="{receipt.id}.json"'
            headers = {"content-disposition": name}
            return Response(file, media_type="application/json", headers=headers)
        public_key = keys[receipt.key_id].hex()
        texts = self._texts(request)
        view = words.proof(receipt, texts, app_name=self.app_name, public_key=public_key)
        return self._page(request, view)

    async def static(self, request: Request) -> Response:
        """Serve a style sheet or a script."""
        name = request.path_params["name"]
        own = (self.theme.style, "text/css; charset=utf-8") if name == STYLE_NAME else None
        found = own if own and own[0] else pages.static_file(name)
        if found is None:
            raise HTTPException(404)
        return Response(found[0], 200, {"cache-control": "public, max-age=86400"}, found[1])

    async def health(self, _request: Request) -> Response:
        """Say that the process answers, and nothing else."""
        return JSONResponse({"status": "ok"})

    async def readiness(self, _request: Request) -> Response:
        """Say whether a delivery would be taken now, and how each part is."""
        readiness = await look(self.parts)
        return JSONResponse(readiness.report(), 200 if readiness.takes_deliveries else 503)

    async def refused(self, request: Request, error: Exception) -> Response:
        """Explain an installation that did not come about. Nothing of the query is echoed."""
        refusal = cast("InstallRefused", error)
        tell = self.parts.log.error if refusal.status >= 500 else self.parts.log.info
        tell("install.refused", code=refusal.code, why=refusal.why)
        lost = isinstance(refusal, InvitationRefused | InvitationExpired)
        restart = "/" if lost else _begin_again(refusal.invitation)
        return self._problem(request, refusal.code, refusal.status, restart)

    async def lost(self, request: Request, error: Exception) -> Response:
        """Show the way to whoever asks for what is not there."""
        found = cast("HTTPException", error)
        code = "method_not_allowed" if found.status_code == 405 else "page_unknown"
        page = self._problem(request, code, found.status_code)
        page.headers.update(found.headers or {})
        return page

    async def failed(self, request: Request, error: Exception) -> Response:
        """Say that it is our fault; what it is stands in the log."""
        code = error.code if isinstance(error, InnkeeperError) else type(error).__name__
        self.parts.log.error("page.failed", error=code)
        status = 503 if isinstance(error, InnkeeperError) else 500
        return self._problem(request, "page_failed", status)

    def _problem(self, request: Request, code: str, status: int, restart: str = "/") -> Response:
        view = words.problem(code, self._texts(request), restart_url=self._url(restart))
        return self._page(request, view, status)

    def _page(
        self,
        request: Request,
        view: View,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        texts = self._texts(request)
        frame = Frame(prefix=self._url(""), style=self.theme.style_url)
        html = pages.render(view, frame=frame, texts=texts)
        spoken = {"content-language": texts.language, **(headers or {})}
        return Response(html, status, spoken, media_type="text/html")

    def _texts(self, request: Request) -> Texts:
        return self.theme.speak(request.headers.get("accept-language", ""))

    def _is_here(self, request: Request) -> bool:
        ours = urlsplit(self.parts.settings.public_url)
        default = _DEFAULT_PORTS[ours.scheme]
        asked = request.headers.get("host", "").lower()
        return asked.removesuffix(default) == ours.netloc.removesuffix(default)

    def _url(self, path: str) -> str:
        return self.parts.settings.public_url + path

    def _remember(self, response: Response, begun: Begun) -> None:
        self._set(response, begun.cookie, begun.cookie_value, ATTEMPT_LIFETIME.seconds)
        for stale in begun.stale_cookies:
            self._drop(response, stale)

    def _set(self, response: Response, name: str, value: str, max_age: int) -> None:
        secure = self.parts.settings.secure
        response.set_cookie(name, value, max_age, secure=secure, httponly=True, samesite="lax")

    def _drop(self, response: Response, name: str) -> None:
        self._set(response, name, "", 0)


def _is_plain(scope: Scope, path: str) -> bool:
    """Tell whether a path was sent as it stands: one behind escapes is another's."""
    raw: bytes | None = scope.get("raw_path")
    return raw is None or raw.endswith(path.encode())


def _looks_ahead(request: Request) -> bool:
    """Tell whether a browser only fetches what somebody might want to see next."""
    said = [request.headers.get(name, "") for name in ("sec-purpose", "purpose", "x-moz")]
    return any("prefetch" in each or "prerender" in each for each in said)


def _begin_again(invitation: str) -> str:
    return with_query("/install", **{PARAMETER: invitation or None})


def _query(request: Request) -> dict[str, list[str]]:
    raw = request.scope["query_string"][:_QUERY_LIMIT_BYTES].decode("latin-1")
    return parse_qs(raw, keep_blank_values=True, encoding="utf-8", errors="replace")


def _one(query: dict[str, list[str]], name: str) -> str | None:
    values = query.get(name, [])
    return values[0] if len(values) == 1 else None
