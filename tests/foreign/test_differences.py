"""Where does the emulator's OAuth server differ from Authlib's? Where the table says, only."""

import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from innkeeper.emulator.web import AuthorizationRefused
from tests.emulator.visit import CALLBACK, S256, VERIFIER, Visit, read
from tests.foreign.authlib_server import Answer, Peer

pytestmark = pytest.mark.anyio

TABLE: Final = Path(__file__).parents[2] / "docs/reference/oauth-differences.md"


class Subject(Protocol):
    """A server that the checks can ask."""

    client_id: str

    async def authorize(self, query: str) -> str | None: ...
    async def post(self, path: str, form: Mapping[str, str], header: str) -> Answer: ...
    def header(self, which: str = ..., secret: str = ...) -> str: ...
    async def advance(self, seconds: float) -> None: ...


class Ours:
    """The emulator, with the error texts and statuses of the RFC switched on."""

    def __init__(self) -> None:
        self.visit = Visit()
        self.visit.world.rules.error_shape = "rfc"
        self.visit.world.rules.earlier_tokens = "exchange"
        self.second = self.visit.second_app()
        self.client_id = self.visit.app.client_id

    async def authorize(self, query: str) -> str | None:
        try:
            url = f"http://127.0.0.1:8700/oauth/authorize?{query}"
            return await self.visit.zoom.authorize(url, self.visit.ana)
        except AuthorizationRefused:
            return None

    async def post(self, path: str, form: Mapping[str, str], header: str) -> Answer:
        headers = {"authorization": header} if header else {}
        answer = await self.visit.ask("POST", path, form=form, headers=headers)
        return Answer(answer.status, read(answer), dict(answer.headers))

    def header(self, which: str = "first", secret: str = "") -> str:
        app = self.visit.app if which == "first" else self.second
        if secret:
            return Peer().header(app.client_id, secret)
        return self.visit.basic(app)["authorization"]

    async def advance(self, seconds: float) -> None:
        await self.visit.zoom.advance(seconds)


def _query(subject: Subject, **changes: str | None) -> str:
    asked: dict[str, str | None] = {
        "response_type": "code",
        "client_id": subject.client_id,
        "redirect_uri": CALLBACK,
    }
    return urlencode({key: value for key, value in (asked | changes).items() if value is not None})


async def _asked(subject: Subject, extra: str = "", **changes: str | None) -> str:
    """Authorize, and say in a few words where that led."""
    location = await subject.authorize(_query(subject, **changes) + extra)
    if location is None:
        return "no redirect"
    back = parse_qs(urlsplit(location).query)
    return back["error"][0] if "error" in back else "a code"


async def _code(subject: Subject, **changes: str | None) -> str:
    location = await subject.authorize(_query(subject, **changes))
    return parse_qs(urlsplit(location or "").query)["code"][0]


async def _exchange(subject: Subject, code: str, *, by: str = "first", **more: str) -> Answer:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK} | more
    return await subject.post("/oauth/token", form, subject.header(by))


async def _refresh(subject: Subject, token: str, *, by: str = "first", **more: str) -> Answer:
    form = {"grant_type": "refresh_token", "refresh_token": token} | more
    return await subject.post("/oauth/token", form, subject.header(by))


async def _tokens(subject: Subject) -> dict[str, Any]:
    return dict((await _exchange(subject, await _code(subject))).body)


def _said(answer: Answer) -> str:
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    return f"{answer.status} {error}" if error else str(answer.status)


Check = Callable[[Subject], Awaitable[str]]


def _page(extra: str = "", **changes: str | None) -> Check:
    return lambda subject: _asked(subject, extra, **changes)


def _posted(**form: str) -> Check:
    async def check(subject: Subject) -> str:
        return _said(await subject.post("/oauth/token", form, subject.header()))

    return check


async def code_once(subject: Subject) -> str:
    code = await _code(subject)
    first = await _exchange(subject, code)
    return f"{_said(first)}, then {_said(await _exchange(subject, code))}"


async def code_twice_ends_refresh(subject: Subject) -> str:
    code = await _code(subject)
    tokens = (await _exchange(subject, code)).body
    await _exchange(subject, code)
    return _said(await _refresh(subject, tokens["refresh_token"]))


async def code_at_295(subject: Subject) -> str:
    code = await _code(subject)
    await subject.advance(295)
    return _said(await _exchange(subject, code))


async def code_at_300(subject: Subject) -> str:
    code = await _code(subject)
    await subject.advance(300)
    return _said(await _exchange(subject, code))


async def foreign_code(subject: Subject) -> str:
    code = await _code(subject)
    stolen = await _exchange(subject, code, by="second")
    return f"{_said(stolen)}, then {_said(await _exchange(subject, code))}"


async def without_redirect_uri(subject: Subject) -> str:
    return _said(await _exchange(subject, await _code(subject), redirect_uri=""))


async def wrong_secret(subject: Subject) -> str:
    form = {"grant_type": "client_credentials"}
    return _said(await subject.post("/oauth/token", form, subject.header(secret="wrong")))


async def no_client(subject: Subject) -> str:
    return _said(await subject.post("/oauth/token", {"grant_type": "client_credentials"}, ""))


async def broken_basic(subject: Subject) -> str:
    form = {"grant_type": "client_credentials"}
    return _said(await subject.post("/oauth/token", form, "Basic !"))


def _verifier(verifier: str, challenge: str | None = S256, method: str | None = "S256") -> Check:
    async def check(subject: Subject) -> str:
        changes = {"code_challenge": challenge, "code_challenge_method": method}
        more = {"code_verifier": verifier} if verifier else {}
        return _said(await _exchange(subject, await _code(subject, **changes), **more))

    return check


async def refresh_rotates(subject: Subject) -> str:
    first = await _tokens(subject)
    second = (await _refresh(subject, first["refresh_token"])).body
    again = await _refresh(subject, first["refresh_token"])
    return f"new: {second['refresh_token'] != first['refresh_token']}, old: {_said(again)}"


async def foreign_refresh(subject: Subject) -> str:
    tokens = await _tokens(subject)
    stolen = await _refresh(subject, tokens["refresh_token"], by="second")
    return f"{_said(stolen)}, then {_said(await _refresh(subject, tokens['refresh_token']))}"


async def access_as_refresh(subject: Subject) -> str:
    return _said(await _refresh(subject, (await _tokens(subject))["access_token"]))


async def narrower(subject: Subject) -> str:
    tokens = await _tokens(subject)
    answer = await _refresh(subject, tokens["refresh_token"], scope="imchat:bot")
    return f"{_said(answer)} {answer.body.get('scope')}"


async def wider(subject: Subject) -> str:
    tokens = await _tokens(subject)
    return _said(await _refresh(subject, tokens["refresh_token"], scope="user:write"))


async def revoke(subject: Subject) -> str:
    tokens = await _tokens(subject)
    form = {"token": tokens["refresh_token"]}
    done = await subject.post("/oauth/revoke", form, subject.header())
    return f"{_said(done)}, then {_said(await _refresh(subject, tokens['refresh_token']))}"


async def revoke_unknown(subject: Subject) -> str:
    return _said(await subject.post("/oauth/revoke", {"token": "unknown"}, subject.header()))


async def revoke_nothing(subject: Subject) -> str:
    return _said(await subject.post("/oauth/revoke", {}, subject.header()))


async def revoke_foreign(subject: Subject) -> str:
    form = {"token": (await _tokens(subject))["access_token"]}
    return _said(await subject.post("/oauth/revoke", form, subject.header("second")))


CHECKS: Final[Mapping[str, Check]] = {
    "A02": _page(client_id="unknown"),
    "A04": _page(redirect_uri="https://evil.test/"),
    "A05": _page(redirect_uri=f"{CALLBACK}/"),
    "A07": _page(redirect_uri=None),
    "A08": _page(response_type=None),
    "E02": _page(response_type="token"),
    "A13": _page(scope="user:write"),
    "A14": _page("&client_id=again"),
    "A16": _page(prompt="none"),
    "P05": _page(code_challenge=S256, code_challenge_method="S512"),
    "P08": _page(code_challenge="+" * 43, code_challenge_method="S256"),
    "C03": code_once,
    "C04": code_twice_ends_refresh,
    "C06": code_at_295,
    "E06": code_at_300,
    "C07": foreign_code,
    "C09": without_redirect_uri,
    "C10": _posted(grant_type="authorization_code"),
    "C13": _posted(),
    "C13-unknown": _posted(grant_type="nothing"),
    "C15": wrong_secret,
    "C15-nobody": no_client,
    "C21": broken_basic,
    "P01": _verifier(VERIFIER),
    "P01-plain": _verifier(VERIFIER, VERIFIER, "plain"),
    "P02": _verifier("w" * 43),
    "P03": _verifier(""),
    "P06": _verifier("v" * 42),
    "P09": _verifier(S256),
    "E04": _verifier(VERIFIER, None, None),
    "R01": refresh_rotates,
    "R04": foreign_refresh,
    "R07": access_as_refresh,
    "R08": narrower,
    "R08-wider": wider,
    "M01": _posted(grant_type="client_credentials"),
    "M07": _posted(grant_type="client_credentials", scope="user:write"),
    "V05": revoke,
    "V06": revoke_unknown,
    "V08": revoke_foreign,
    "V09": revoke_nothing,
}


def _explained() -> dict[str, tuple[str, str]]:
    rows = re.findall(r"^\| (\S+) \| (.+?) \| (.+?) \| .+ \|$", TABLE.read_text("utf-8"), re.M)
    return {check: (ours, theirs) for check, ours, theirs in rows if check in CHECKS}


@pytest.mark.parametrize("name", CHECKS)
async def test_differs_from_authlib_only_as_the_table_says(name: str) -> None:
    ours, theirs = await CHECKS[name](Ours()), await CHECKS[name](Peer())

    assert (ours, theirs) == _explained().get(name, (ours, ours))
    assert (ours != theirs) == (name in _explained())
