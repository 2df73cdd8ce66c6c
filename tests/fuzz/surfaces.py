"""What is reached from outside, each with what it is given and what may come of it.

Each is played by Hypothesis, a little in `make test` and for long in `make soak`, and by
whatever else drives a function of bytes: `fuzz_one_input` gives one.
"""

import asyncio
import json
import re
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import uvicorn
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from innkeeper.app import App
from innkeeper.errors import (
    ApiRefused,
    BodyRefused,
    CardRefused,
    GrantRefused,
    SignatureRefused,
    TokenResponseInvalid,
)
from innkeeper.net.exchange import Response
from innkeeper.net.inbound import read_cookies
from innkeeper.net.protocol import IntakeProtocol, Lobby
from innkeeper.secret import Secret
from innkeeper.ui import markdown
from innkeeper.wire.events import decode, encode, glimpse
from innkeeper.wire.lossless import parse
from innkeeper.wire.messages import Card
from innkeeper.wire.oauth import read_tokens
from innkeeper.wire.signature import Verifier
from innkeeper.zoom import answers
from tests.doors import LOCAL, NOW, Door, opened
from tests.fuzz.answers import ODD, WHOLE, odd_answers, whole_ones
from tests.fuzz.inputs import (
    ANY_TEXT,
    BODIES,
    CARDS,
    CUTS,
    HEADER_VALUES,
    JSON,
    REQUESTS,
    SIGNED_WITH,
    damaged,
)

Play = Callable[[Any], None]
"""Puts one thing in. What it raises has gone wrong."""

FORESEEN: Final = frozenset({100, 200, 202, 303, 400, 401, 404, 405, 413, 415, 431, 503})


@dataclass(frozen=True, slots=True)
class Surface:
    """Something that is reached from outside."""

    name: str
    inputs: st.SearchStrategy[Any]
    open: Callable[[], AbstractContextManager[Play]]


def patiently(examples: int, *, remembers: bool = True) -> settings:
    """Say how long to play: so many inputs, however long they take to think of.

    Args:
        remembers: Whether what went wrong is kept, and tried first the next time.
    """
    database = {} if remembers else {"database": None}
    calm = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=calm, **database)


def _plain(play: Play) -> Callable[[], AbstractContextManager[Play]]:
    @contextmanager
    def ready() -> Generator[Play]:
        yield play

    return ready


# pure ones


def _read_an_event(body: bytes) -> None:
    glimpse(body)
    try:
        event = decode(body)
    except BodyRefused:
        return
    assert decode(encode(event)) == event


def _read_json(body: bytes) -> None:
    try:
        parse(body)
    except BodyRefused:
        return


def _read_a_card(content: Any) -> None:
    for stored in (False, True):
        try:
            card = Card.parse(content, stored=stored)
        except CardRefused:
            continue
        assert Card.parse(card.content(), stored=stored) == card
        str(card)


def _draw(text: str) -> None:
    for html in (markdown.to_html(text), markdown.plain(text)):
        assert "<script" not in html.lower()
    str(Card(text or "x").text(text or "x"))


def _read_tokens(answer: tuple[int, str, bytes, bool]) -> None:
    status, content_type, body, refreshable = answer
    try:
        tokens = read_tokens(status, content_type, body, refreshable=refreshable)
    except (GrantRefused, TokenResponseInvalid):
        return
    assert tokens.access_token


def _read_a_refusal(answer: tuple[int, dict[str, str], bytes]) -> None:
    refusal = answers.refusal(Response(*answer))
    assert isinstance(refusal, ApiRefused)
    assert str(refusal).isprintable()
    answers.retry_after(Response(*answer))


def _verify(signed: tuple[list[bytes], list[bytes], bytes]) -> None:
    timestamps, signatures, body = signed
    verifier = Verifier([Secret(SIGNED_WITH)])
    try:
        verifier.verify(body, timestamps=timestamps, signatures=signatures, now=NOW)
    except SignatureRefused:
        return
    raise AssertionError(signed)


def _read_cookies(headers: list[bytes]) -> None:
    found = read_cookies({"headers": [(b"cookie", header) for header in headers]})
    assert all(name and values for name, values in found.items())


# a running app


@contextmanager
def _running() -> Generator[tuple[asyncio.Runner, Door, Any]]:
    with TemporaryDirectory() as directory, asyncio.Runner() as runner:
        app = App("Porter")
        running = opened(Path(directory), LOCAL, app)
        door, parts = runner.run(running.__aenter__())
        try:
            yield runner, door, parts
        finally:
            runner.run(running.__aexit__(None, None, None))


@contextmanager
def _pages() -> Generator[Play]:
    with _running() as (runner, door, _):

        def play(asked: tuple[str, str, list[bytes], str]) -> None:
            path, query, cookies, attempt = asked
            headers = [(b"cookie", cookie) for cookie in cookies]
            headers.append((b"cookie", f"innkeeper-{attempt}={attempt}".encode("utf-8", "replace")))
            answer = runner.run(door.get(f"{path}?{query}", *headers))
            assert answer.status in FORESEEN
            assert answer.error is None

        yield play


class _Line(asyncio.Transport):
    """A connection that keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 8701), "peername": ("127.0.0.1", 1)})
        self.written = bytearray()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.closed:  # as sockets do
            self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@contextmanager
def _connections() -> Generator[Play]:
    with _running() as (runner, door, parts):
        config = uvicorn.Config(door.app, log_config=None, lifespan="off", interface="asgi3")
        config.load()
        assert door.app.intake is not None
        intake = door.app.intake

        async def talk(said: tuple[list[bytes], list[int]]) -> bytes:
            requests, cuts = said
            failed: list[Any] = []
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _loop, context: failed.append(context))
            line, lobby, state = _Line(), Lobby(intake), ServerState()
            protocol = IntakeProtocol(
                lobby, config=config, server_state=state, app_state={}, _loop=loop
            )
            protocol.connection_made(line)
            data = b"".join(requests)
            for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), None], strict=True):
                if line.closed:
                    break
                if data[start:end]:
                    protocol.data_received(data[start:end])
                    await asyncio.sleep(0)
            protocol.connection_lost(None)
            while state.tasks:
                await asyncio.gather(*state.tasks)
                await asyncio.sleep(0)
            await parts.dispatcher.settled()
            assert not failed
            assert (lobby.held_bytes, lobby.underway, len(lobby.silent)) == (0, 0, 0)
            return bytes(line.written)

        def play(said: tuple[list[bytes], list[int]]) -> None:
            written = runner.run(talk(said))
            statuses = {int(status) for status in _STATUS.findall(written)}
            assert statuses <= FORESEEN, statuses

        yield play


_ANSWER_KEYS = ["access_token", "token_type", "refresh_token", "expires_in", "scope", "api_url"]
_REFUSAL_KEYS = ["error", "reason", "code", "errorCode", "message", "errorMessage"]
_ANSWERS = BODIES | st.dictionaries(
    st.sampled_from(_ANSWER_KEYS + _REFUSAL_KEYS), st.sampled_from(["bearer", "a.b-c", 3599]) | JSON
).map(lambda value: json.dumps(value).encode())
_RATE_HEADERS = st.dictionaries(
    st.sampled_from(
        ["retry-after", "date", "x-ratelimit-reset", "x-ratelimit-type", "x-ratelimit-limit"]
    ),
    st.integers().map(str)
    | st.datetimes().map(lambda at: at.isoformat() + "Z")
    | st.datetimes().map(lambda at: f"{at:%a, %d %b %Y %H:%M:%S} GMT")
    | ANY_TEXT,
)
_STATUSES = st.integers(100, 599)
_PAGES = st.sampled_from(
    ["/", "/install", "/oauth/callback", "/launch", "/receipts/x", "/static/x", "/nowhere"]
)
_QUERIES = ANY_TEXT | st.lists(
    st.tuples(
        st.sampled_from(["code", "state", "error", "receipt", "invitation", "stay", "moved"]),
        ANY_TEXT,
    )
).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs))

SURFACES: Final = (
    Surface("JSON", BODIES, _plain(_read_json)),
    Surface("events", BODIES, _plain(_read_an_event)),
    Surface("cards", CARDS, _plain(_read_a_card)),
    Surface("markdown", ANY_TEXT, _plain(_draw)),
    Surface(
        "token answers",
        st.tuples(
            _STATUSES,
            st.sampled_from(["application/json", "text/html", ""]),
            _ANSWERS,
            st.booleans(),
        ),
        _plain(_read_tokens),
    ),
    Surface("API refusals", st.tuples(_STATUSES, _RATE_HEADERS, _ANSWERS), _plain(_read_a_refusal)),
    Surface(
        "signatures",
        st.tuples(st.lists(HEADER_VALUES, max_size=2), st.lists(HEADER_VALUES, max_size=2), BODIES),
        _plain(_verify),
    ),
    Surface(
        "cookies",
        st.lists(damaged(st.just(b"innkeeper-a=b; __Host-c=d")), max_size=3),
        _plain(_read_cookies),
    ),
    Surface(
        "pages",
        st.tuples(
            _PAGES,
            _QUERIES,
            st.lists(damaged(st.just(b"innkeeper-a=b; c=d")), max_size=2),
            ANY_TEXT,
        ),
        _pages,
    ),
    Surface("connections", st.tuples(REQUESTS, CUTS), _connections),
    Surface("odd answers", ODD, odd_answers),
    Surface("whole answers", WHOLE, whole_ones),
)
