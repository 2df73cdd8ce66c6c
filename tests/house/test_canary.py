"""No secret and no person turns up where it must not: a whole life, with much going wrong."""

import base64
import gc
import html
import json
import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import structlog

from innkeeper import App, Card, Command, Jid
from innkeeper.browser import Browser
from innkeeper.errors import (
    ApiRefused,
    CardRefused,
    InnkeeperError,
    NeedsReauth,
    StoreUnavailable,
)
from innkeeper.exposition import expose
from innkeeper.logs import configure
from innkeeper.net.outbound import Request, Response
from innkeeper.store.records import SigningKey
from innkeeper.store.seal import KeyRing, new_key
from innkeeper.store.sqlite import connection
from innkeeper.testing import BOT_URL, Visitor, Zoom
from tests.doors import door_of
from tests.journeys.bots import porter

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

NAME = "Zoë “Q” <b>O'Hara</b> \\ 🛎️\u202e"
OF_ZOOM = ("innkeeper.browser", "innkeeper.emulator", "innkeeper.testing", "innkeeper.wire.")
"""What plays Zoom, or a person, holds secrets as they do."""
SAID = "canary-what-she-said-7c1d"
PAGES = (
    "/",
    "/launch",
    "/receipts/rcp_unknown",
    "/oauth/callback?error=denied&state=x",
    "/oauth/callback?code=a&code=b",
    "/nowhere",
)


class Watched:
    """Everything that came to be while it was looked at: secrets, errors, pages."""

    def __init__(self) -> None:
        self.secret: dict[str, str | bytes] = {}
        self.errors: list[BaseException] = []
        self.seen: list[str] = []

    def add(self, what: str, value: str | bytes) -> None:
        self.secret[f"{what} {len(self.secret)}"] = value


class Wire:
    """Carries what a browser and the app say, and notes the secrets in every address."""

    def __init__(self, carrier: Any, watched: Watched) -> None:
        self._carrier = carrier
        self._watched = watched

    def __getattr__(self, name: str) -> Any:
        return getattr(self._carrier, name)

    async def send(self, request: Request, **how: Any) -> Response:
        self._note(request.url)
        answer: Response = await self._carrier.send(request, **how)
        self._note(answer.headers.get("location", ""))
        for cookie in answer.headers.get("set-cookie", "").split("\n"):
            if cookie.startswith("innkeeper-"):
                self._watched.add("cookie", cookie.partition(";")[0].partition("=")[2])
        if request.url.startswith(BOT_URL):
            self._watched.seen.append(answer.body.decode(errors="replace"))
            self._watched.seen.append(repr(shown_to_all(answer)))
        return answer

    def _note(self, url: str) -> None:
        query = parse_qs(urlsplit(url).query)
        for name in ("code", "state"):
            for value in query.get(name, []):
                if len(value) > 8:
                    self._watched.add(name, value)


def shown_to_all(answer: Response) -> dict[str, str]:
    """Leave out the two headers that carry a state or a cookie, to whom it belongs."""
    carrying = {"set-cookie", "location"} if answer.status in (302, 303) else set[str]()
    return {name: value for name, value in answer.headers.items() if name not in carrying}


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Note every key, state, verifier and error as it is made."""
    watched = Watched()
    monkeypatch.setattr(connection, "_WRITER_WAITS_MS", 1)

    def noting(what: str, make: Callable[..., Any], pick: Callable[[Any], str | bytes]) -> Any:
        def made(*args: Any, **named: Any) -> Any:
            value = make(*args, **named)
            watched.add(what, pick(value))
            return value

        return made

    monkeypatch.setattr(
        KeyRing,
        "generate",
        noting("key ring", KeyRing.generate, lambda ring: ring.partition(":")[2]),
    )
    monkeypatch.setattr(
        "innkeeper.store.vault.new_key", noting("data key", new_key, lambda made: made[1])
    )
    monkeypatch.setattr(
        "innkeeper.flows.install.random_token",
        noting("state or verifier", _random_token, lambda token: token),
    )
    raised = InnkeeperError.__init__

    def noticed(error: InnkeeperError, *args: Any, **named: Any) -> None:
        raised(error, *args, **named)
        watched.errors.append(error)

    monkeypatch.setattr(InnkeeperError, "__init__", noticed)
    return watched


def _random_token(bits: int = 256) -> str:
    return secrets.token_urlsafe(bits // 8)


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers = handlers
    root.setLevel(level)


def breakable() -> App:
    """A bot in which much goes wrong."""
    app = porter()

    @app.command("raise")
    async def raises(ctx: Command) -> None:
        raise RuntimeError(f"{ctx.user.name} {ctx.user.id} {ctx.text}")

    @app.command("card")
    async def wrong_card(ctx: Command) -> Card:
        return Card(ctx.user.name).text(ctx.text, link=f"gopher://{ctx.user.id}")

    @app.command("long")
    async def long_card(ctx: Command) -> Card:
        return Card(f"{ctx.user.name} {ctx.text}" * 20_000)

    @app.command("nobody")
    async def to_nobody(ctx: Command) -> None:
        await ctx.client.chat.send(f"{ctx.user.name} {ctx.text}", to=Jid("nobody@xmpp.zoom.us"))

    return app


async def much_goes_wrong(zoom: Zoom, ana: Visitor) -> None:
    """Write what the bot cannot answer, while Zoom and the database fail it."""
    for word in ("raise ", "card ", "long ", "nobody ", "due ", ""):
        await ana.says(f"{word}{SAID}")
    (installation,) = await zoom.parts.store.installations()
    for token in zoom.emulator.world.tokens:
        token.revoked = True
    await zoom.clock.advance(hours=2)
    with pytest.raises(NeedsReauth):
        await zoom.parts.grants.user(installation.id)
    held = connection.connect(str(zoom.directory / "innkeeper.db"))
    held.run("BEGIN IMMEDIATE")
    await ana.says(f"due {SAID} again")
    held.close()


async def a_page_fails(zoom: Zoom, watched: Watched, patch: pytest.MonkeyPatch) -> None:
    """Open a page whose making fails with all in hand that must not be shown."""
    settings = zoom.parts.settings
    secret, token = settings.client_secret.reveal(), zoom.emulator.world.tokens[0].access

    async def fails(*_args: object, **_named: object) -> None:
        held = {"secret": secret, "name": NAME}
        raise RuntimeError(f"{held} {token} {SAID}")

    with patch.context() as patched:
        patched.setattr(zoom.parts.installer, "begin", fails)
        answer = await door_of(zoom.app, BOT_URL).get("/install")
    assert answer.status == 500
    watched.seen.append(f"{answer.headers} {answer.body.decode()}")


def hide(zoom: Zoom, watched: Watched, signing: Sequence[SigningKey]) -> None:
    """Add what the emulator made up, and who she is."""
    record, world = zoom.record, zoom.emulator.world
    watched.add("client secret", record.client_secret)
    watched.add("secret token", record.secret_token)
    for token in world.tokens:
        watched.add("access token", token.access)
        watched.add("refresh token", token.refresh or token.access)
    for key in signing:
        watched.add("signing key", bytes.fromhex(key.private.reveal()))
    for code in world.codes:
        watched.add("code", code)
    user = world.users()[0]
    for what in ("id", "name", "jid", "email", "member_id"):
        watched.add(what, getattr(user, what))
    watched.add("what she said", SAID)
    watched.add("part of her name", "O'Hara")


def spellings(value: str | bytes) -> set[bytes]:
    """Spell a value in every way in which it may have been written down."""
    raw = value if isinstance(value, bytes) else value.encode()
    found = {raw, raw.hex().encode(), base64.b64encode(raw), base64.urlsafe_b64encode(raw)}
    if isinstance(value, str):
        quoted = (quote(value), quote(value, safe=""))
        ways = (json.dumps(value)[1:-1], repr(value)[1:-1], *quoted)
        found |= {way.encode() for way in (*ways, html.escape(value))}
    return {each.rstrip(b"=").lower() for each in found}


def places_of(watched: Watched, content: bytes) -> list[str]:
    """Name what is found in some content that must not stand there."""
    lowered = content.lower()
    return [
        what
        for what, value in watched.secret.items()
        if any(spelling in lowered for spelling in spellings(value))
    ]


def everything_in(directory: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(directory.iterdir()))


def every_object_of_ours() -> dict[str, bytes]:
    """Print every object there is whose class is the framework's, as a debugger would."""
    texts: dict[str, list[str]] = {}
    for each in gc.get_objects():
        module = str(type(each).__module__)
        if module.startswith("innkeeper.") and not module.startswith(OF_ZOOM):
            texts.setdefault(type(each).__qualname__, []).append(repr(each))
    return {kind: "\n".join(printed).encode() for kind, printed in texts.items()}


def secrets_only(watched: Watched) -> None:
    """Forget who she is: what is in memory for her may say so."""
    persons = ("id", "name", "jid", "email", "member_id", "what she", "part of her")
    watched.secret = {k: v for k, v in watched.secret.items() if not k.startswith(persons)}


async def test_finds_what_is_there(watched: Watched) -> None:
    watched.add("name", NAME)
    for written in (json.dumps([NAME]), repr([NAME]), html.escape(NAME), quote(NAME), NAME):
        assert places_of(watched, f"before {written} after".encode()) == ["name 0"], written


async def test_no_secret_and_nobody_turns_up_anywhere(
    tmp_path: Path,
    watched: Watched,
    *,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    zoom = Zoom(breakable(), directory=tmp_path)
    zoom.transport = Wire(zoom.transport, watched)  # type: ignore[assignment]  # as well
    async with zoom:
        configure(level=logging.DEBUG)
        zoom.emulator.world.users()[0].name = NAME
        ana = await zoom.user(NAME)
        await ana.installs()
        await much_goes_wrong(zoom, ana)
        page = await ana.installs()
        [receipt] = [link for link in page.links.values() if "/receipts/" in link]
        again = [address for address in page.visited if "/oauth/callback?" in address]
        for address in (receipt, *again, *(BOT_URL + path for path in PAGES)):
            await ana.browser.open(address)
            await Browser(zoom.transport).open(address)
        await a_page_fails(zoom, watched, monkeypatch)
        watched.seen.append((await expose(zoom.parts)).decode())
        assert "innkeeper_deliveries_total" in watched.seen[-1]
        hide(zoom, watched, [await zoom.parts.vault.signing_key()])
        kept = everything_in(tmp_path)
        store = zoom.parts.store
        shown = [
            *await store.installations(),
            await zoom.parts.grants.chatbot(),
            zoom.parts.settings,
            zoom.parts,
        ]
        printable = every_object_of_ours()
        await ana.removes_app()
        proof = await ana.browser.open(receipt)
        await ana.browser.open(f"{receipt}?download=1")
        receipts = await store.receipts()
        left = everything_in(tmp_path)
    printed = "".join(capfd.readouterr()) + caplog.text
    raised = [f"{error} {error!r} {error.args}" for error in watched.errors]
    kinds = {type(error) for error in watched.errors}
    assert {CardRefused, ApiRefused, NeedsReauth, StoreUnavailable} <= kinds
    assert "dispatch.handler_failed" in printed
    assert again
    assert "receipt verify" in proof.text
    assert len(watched.secret) > 30
    assert places_of(watched, printed.encode()) == []
    assert places_of(watched, "\n".join(raised).encode()) == []
    assert places_of(watched, "\n".join(watched.seen).encode()) == []
    assert places_of(watched, repr(shown).encode()) == []
    secrets_only(watched)
    assert {"Settings", "KeyRing", "Secret", "Grant"} <= set(printable)
    assert {
        kind: found for kind, texts in printable.items() if (found := places_of(watched, texts))
    } == {}
    assert places_of(watched, kept) == []
    assert places_of(watched, left) == []
    assert places_of(watched, repr(receipts).encode()) == []
