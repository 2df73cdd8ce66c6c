"""What would a reviewer of Zoom's find? The running app is asked as they and Zoom ask it.

Sources: https://developers.zoom.us/docs/distribute/security/ and
https://developers.zoom.us/docs/build-flow/security/owasp/
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qs, urlsplit

import click
import msgspec

from innkeeper.cli.codes import DONE, FOUND_A_FAULT
from innkeeper.cli.printing import print_columns, print_json
from innkeeper.cli.showing import Shown, basic, bearer, lasting, strangers
from innkeeper.clock import Clock, SystemClock
from innkeeper.environment import load_demands, load_signing_secrets
from innkeeper.errors import AnswerLost, SettingsRefused, Unreachable
from innkeeper.net.outbound import HttpTransport, Request, Response, Transport
from innkeeper.secret import Secret
from innkeeper.settings import is_loopback
from innkeeper.webhooktoken import PATH as TOKEN_PATH
from innkeeper.wire import signature
from innkeeper.wire.credentials import Credential, Demands

_HEADERS: Final = (
    "strict-transport-security",
    "x-content-type-options",
    "content-security-policy",
    "referrer-policy",
)
_PROXY: Final = "Have your proxy hand it to the app as it is, and the answer back."
_DEMAND: Final = (
    "The app there requires another custom header, or none. Set INNKEEPER_WEBHOOK_BASIC,"
    " _BEARER, _HEADER and _HEADERS_ON as here, and start it again."
)
_UP: Final = "Bring the app up, and have your proxy lead to it."
_ANSWER_LIMIT_BYTES: Final = 1024 * 1024
_LONG_AGO: Final = timedelta(days=1)
_NOTHING: Final = Demands()
_EVENT: Final = b'{"event":"innkeeper.review","payload":{}}'
"""One that no bot knows: it is ignored where it is let through."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was asked, and whether the answer is right."""

    asked: str
    answered: str
    right: bool
    fix: str = ""


def review(url: str, *, as_json: bool) -> int:
    """Print what a running app answers to whoever reviews it; the exit code is 3 if it is wrong."""
    found = asyncio.run(_reviewed(url.rstrip("/")))
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        print_columns(
            [("ok" if each.right else "WRONG", each.asked, each.answered) for each in found]
        )
        for each in found:
            if each.fix and not each.right:
                click.echo(f"{each.asked}: {each.fix}", err=True)
    return DONE if all(each.right for each in found) else FOUND_A_FAULT


async def _reviewed(url: str) -> list[Found]:
    try:
        tokens, _ = load_signing_secrets()
    except SettingsRefused:
        tokens = ()
    demands, clock = load_demands(), SystemClock()
    transport = HttpTransport()
    try:
        found = findings(url, transport, tokens=tokens, demands=demands, clock=clock)
        return [each async for each in found]
    finally:
        await transport.aclose()


async def findings(
    url: str,
    transport: Transport,
    *,
    tokens: Sequence[Secret],
    clock: Clock,
    demands: Demands = _NOTHING,
) -> AsyncIterator[Found]:
    """Ask a running app for all that a reviewer looks at.

    Args:
        url: Its public address, without a slash at the end.
        tokens: Its secret tokens: with them it is asked what Zoom asks as well.
        demands: What it must require beside the signature; shown to it over https only, or on
            this machine.
    """
    fix = "Zoom wants https, with TLS 1.2 or newer."
    safe = url.startswith("https://") or is_loopback(url)
    yield Found("the address", url, safe, fix)
    asking, now = _Asking(url, transport), clock.now()
    nobodys = Secret(secrets.token_urlsafe())
    for path in ("/events", "/deauthorize"):
        yield await asking.status("GET", path, wanted=405)
        yield await asking.status("POST", path, "unsigned", wanted=401)
        wrong = _signed(b"{}", nobodys, now)
        yield await asking.status("POST", path, "signed by a stranger", wanted=401, headers=wrong)
        if tokens:
            old = _signed(b"{}", tokens[0], now - _LONG_AGO)
            yield await asking.status("POST", path, "signed a day ago", wanted=401, headers=old)
            if not demands.everywhere:
                yield await asking.challenge(path, tokens[0], now)
    if tokens and demands and safe:
        async for each in _demanded(asking, demands, tokens[0], now):
            yield each
    yield await asking.install()
    callback = "/oauth/callback?code=stray&state=stray"
    yield await asking.status("GET", callback, "a stranger's", wanted=400, fix=_PROXY)
    yield await asking.headers()
    for path in ("/healthz", "/readyz"):
        yield await asking.status("GET", path, wanted=200, fix=_UP)


async def _demanded(
    asking: "_Asking", demands: Demands, token: Secret, now: datetime
) -> AsyncIterator[Found]:
    """Ask whether it takes what a subscription shows, and nothing less."""
    shown = list(lasting(demands))
    for client in demands.bearer:
        found, given = await asking.token(client)
        yield found
        shown += [bearer(given)] if given else []
    bare = _signed(_EVENT, token, now)
    for path in ("/events", "/deauthorize"):
        how = "signed, without a custom header"
        yield await asking.status("POST", path, how, 401, headers=bare, body=_EVENT, fix=_DEMAND)
        for each in strangers(demands):
            yield await asking.challenge(path, token, now, shown=each, is_right=False)
        for each in shown:
            yield await asking.challenge(path, token, now, shown=each)


@dataclass(frozen=True, slots=True)
class _Asking:
    """Asks one app."""

    url: str
    transport: Transport

    async def status(  # a request, and what is wanted of its answer
        self,
        method: str,
        path: str,
        how: str = "",
        wanted: int = 401,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"{}",
        fix: str = _PROXY,
    ) -> Found:
        """Ask for a status."""
        answer = await self._send(method, path, body if method == "POST" else b"", headers)
        asked = " ".join(filter(None, (method, path.partition("?")[0], how)))
        if isinstance(answer, str):
            return Found(asked, answer, right=False, fix=_UP)
        said = f"{answer.status}" if answer.status == wanted else f"{answer.status}, not {wanted}"
        return Found(asked, said, answer.status == wanted, fix)

    async def challenge(
        self,
        path: str,
        token: Secret,
        now: datetime,
        *,
        shown: Shown | None = None,
        is_right: bool = True,
    ) -> Found:
        """Validate the address, as Zoom does when it is saved.

        Args:
            shown: A custom header; a subscription's address is validated with it.
            is_right: Whether it must be answered; else it must be refused.
        """
        plain = secrets.token_urlsafe(16)
        body = signature.challenge_body(plain, event_ts=round(now.timestamp() * 1000))
        headers = {**_signed(body, token, now), **(shown.headers if shown else {})}
        how = f"URL validation with {shown.kind}" if shown else "URL validation"
        if not is_right:
            how = f"{how} of a stranger"
            return await self.status("POST", path, how, headers=headers, body=body, fix=_DEMAND)
        asked = f"POST {path} {how}"
        answer = await self._send("POST", path, body, headers)
        if isinstance(answer, str):
            return Found(asked, answer, right=False, fix=_UP)
        proof = _member(answer, "encryptedToken")
        right = answer.status == 200 and proof == signature.encrypt_token(plain, token)
        fix = "Compare ZOOM_WEBHOOK_SECRET_TOKEN here and there."
        return Found(
            asked,
            f"{answer.status}, {'proven' if right else 'no proof'}",
            right,
            f"{fix} {_DEMAND}",
        )

    async def token(self, client: Credential) -> tuple[Found, Secret | None]:
        """Fetch a token as Zoom does, to show it."""
        asked = f"POST {TOKEN_PATH}"
        form = {"content-type": "application/x-www-form-urlencoded", **basic(client).headers}
        answer = await self._send("POST", TOKEN_PATH, b"grant_type=client_credentials", form)
        if isinstance(answer, str):
            return Found(asked, answer, right=False, fix=_UP), None
        given = _member(answer, "access_token") if answer.status == 200 else None
        said = f"{answer.status}, {'a token' if given else 'no token'}"
        return Found(asked, said, bool(given), _DEMAND), Secret(given) if given else None

    async def install(self) -> Found:
        """Begin an installation, which nobody finishes."""
        answer = await self._send("GET", "/install", b"", None)
        if isinstance(answer, str):
            return Found("GET /install", answer, right=False, fix=_UP)
        leads_to = answer.headers.get("location", "")
        query = parse_qs(urlsplit(leads_to).query)
        wrong = [
            what
            for what, is_right in (
                ("leads to no consent page", urlsplit(leads_to).path == "/oauth/authorize"),
                (
                    "leads back to another address",
                    query.get("redirect_uri", [""])[0] in self._ways_back(),
                ),
                ("no state", bool(query.get("state"))),
                ("no PKCE", query.get("code_challenge_method") == ["S256"]),
                ("no cookie that is HttpOnly", "httponly" in self._cookies(answer)),
                (
                    "no cookie that is Secure",
                    is_loopback(self.url) or "secure" in self._cookies(answer),
                ),
            )
            if not is_right
        ]
        said = f"{answer.status}, {', '.join(wrong) or 'state, PKCE and cookie'}"
        fix = "Set INNKEEPER_PUBLIC_URL to this address, and have your proxy hand cookies on."
        return Found("GET /install", said, not wrong, fix)

    async def headers(self) -> Found:
        """Look for the headers that Zoom wants of every page."""
        answer = await self._send("GET", "/", b"", None)
        if isinstance(answer, str):
            return Found("GET /", answer, right=False, fix=_UP)
        wanted = _HEADERS[1:] if is_loopback(self.url) else _HEADERS
        missing = [name for name in wanted if name not in answer.headers]
        said = f"no {', '.join(missing)}" if missing else "security headers"
        return Found("GET /", f"{answer.status}, {said}", not missing, _PROXY)

    def _ways_back(self) -> tuple[str, ...]:
        return tuple(f"{self.url}{path}" for path in ("/oauth/callback", "/launch"))

    def _cookies(self, answer: Response) -> str:
        return answer.headers.get("set-cookie", "").lower()

    async def _send(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None
    ) -> Response | str:
        """Send it; a text says why there is no answer."""
        content = {"content-type": "application/json"} if body else {}
        try:
            return await self.transport.send(
                Request(method, self.url + path, {**content, **(headers or {})}, body),
                limit_bytes=_ANSWER_LIMIT_BYTES,
            )
        except (Unreachable, AnswerLost) as error:
            return f"no answer: {error.why or error.what}"


def _member(answer: Response, name: str) -> str | None:
    """Read one member of an answer in JSON, if it is all texts and that is there."""
    try:
        return msgspec.json.decode(answer.body, type=dict[str, str]).get(name)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _signed(body: bytes, secret: Secret, now: datetime) -> Mapping[str, str]:
    stamp = str(round(now.timestamp()))
    return {
        signature.TIMESTAMP_HEADER: stamp,
        signature.SIGNATURE_HEADER: signature.sign(body, timestamp=stamp, secret=secret),
    }
