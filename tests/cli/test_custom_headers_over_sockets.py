"""What `innkeeper run` makes of custom headers, byte for byte as they come in."""

import base64
import hmac
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from innkeeper.clock import MovableClock, SystemClock
from innkeeper.flows.bearers import LIFETIME, Bearers
from innkeeper.secret import Secret
from innkeeper.store.seal import KeyRing
from innkeeper.wire.credentials import Credential
from tests.cli.commands import BOT, CONFIGURED, Running, free_ports, started

BODY = b'{"event":"team_chat.channel_message_posted","payload":{}}'
PASSWORD, SECRET, VALUE = "canary-password-0001", "canary-client-0001", "canary-value-0001"
APP = CONFIGURED["ZOOM_CLIENT_ID"]
CLIENT = Credential("zoom", Secret(SECRET))
RING, OLDER = KeyRing.generate(), KeyRing.generate()
BASIC = base64.b64encode(f"zoom:{PASSWORD}".encode()).decode()


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("bot")
    (directory / "bot.py").write_text(BOT)
    (port,) = free_ports(1)
    env = {
        **CONFIGURED,
        "INNKEEPER_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "INNKEEPER_KEYS": f"{RING},{OLDER}",
        "INNKEEPER_WEBHOOK_BASIC": f"zoom:{PASSWORD}",
        "INNKEEPER_WEBHOOK_BEARER": f"zoom:{SECRET}",
        "INNKEEPER_WEBHOOK_HEADER": f"X-Door: {VALUE}",
    }
    with started("run", "--port", str(port), port=port, cwd=directory, env=env) as server:
        server.wait_until_it_answers()
        yield server


def spoken(bot: Running, *lines: str, path: str = "/events", body: bytes = BODY) -> int:
    """Send a request as it stands, signed, and give the status."""
    return answered(bot, *lines, path=path, body=body)[0]


def answered(bot: Running, *lines: str, path: str, body: bytes) -> tuple[int, bytes]:
    at = str(int(time.time()))
    key = CONFIGURED["ZOOM_WEBHOOK_SECRET_TOKEN"].encode()
    mac = hmac.digest(key, f"v0:{at}:".encode() + body, "sha256").hex()
    head = [
        f"POST {path} HTTP/1.1",
        f"Host: 127.0.0.1:{bot.port}",
        "Connection: close",
        f"Content-Length: {len(body)}",
        f"x-zm-request-timestamp: {at}",
        f"x-zm-signature: v0={mac}",
        *lines,
    ]
    with socket.create_connection(("127.0.0.1", bot.port), timeout=10) as line:
        line.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        with line.makefile("rb") as stream:
            top, _, rest = stream.read().partition(b"\r\n\r\n")
    return int(top.split()[1]), rest


def token(ring: str = RING, *, app: str = APP, client: Credential = CLIENT, age: float = 0) -> str:
    """Make a token as another process would, so many seconds ago."""
    clock = MovableClock(SystemClock().now(), frozen=True)
    clock.stand_at(clock.now() - age * SECOND)
    return Bearers([client], KeyRing.parse(ring), app=app, clock=clock).give(client)


SECOND = LIFETIME / 3600
Heads = dict[str, tuple[str, ...]]


def right() -> Heads:
    """Give heads that are taken; their tokens are made now."""
    return {
        "Basic": (f"Authorization: Basic {BASIC}",),
        "name in capitals": (f"AUTHORIZATION: Basic {BASIC}",),
        "scheme in small letters": (f"authorization: basic {BASIC}",),
        "header": (f"X-Door: {VALUE}",),
        "header, name in capitals": (f"X-DOOR: {VALUE}",),
        "header, blanks around": (f"X-Door: \t {VALUE} \t",),
        "a wrong Basic beside": (f"X-Door: {VALUE}", "Authorization: Basic d3Jvbmc="),
        "token": (f"Authorization: Bearer {token()}",),
        "token, scheme in capitals": (f"Authorization: BEARER {token()}",),
        "token of before a rotation": (f"Authorization: Bearer {token(OLDER)}",),
        "token, nearly over": (f"Authorization: Bearer {token(age=3_800)}",),
    }


def wrong() -> Heads:
    """Give heads that are refused; what is right of their tokens is made now."""
    return {
        "none": (),
        "another password": (f"Authorization: Basic {base64.b64encode(b'zoom:other').decode()}",),
        "pair in the open": (f"Authorization: Basic zoom:{PASSWORD}",),
        "no scheme": (f"Authorization: {BASIC}",),
        "another scheme": (f"Authorization: Digest {BASIC}",),
        "password as a token": (f"Authorization: Bearer {BASIC}",),
        "client as Basic": (
            f"Authorization: Basic {base64.b64encode(f'zoom:{SECRET}'.encode()).decode()}",
        ),
        "two blanks": (f"Authorization: Basic  {BASIC}",),
        "a tab for the blank": (f"Authorization: Basic\t{BASIC}",),
        "Basic, padded": (f"Authorization: Basic {BASIC}=",),
        "Basic in capitals": (f"Authorization: Basic {BASIC.upper()}",),
        "Basic twice": (f"Authorization: Basic {BASIC}",) * 2,
        "Basic and a token": (f"Authorization: Basic {BASIC}", f"Authorization: Bearer {token()}"),
        "Basic merged": (f"Authorization: Basic {BASIC}, Basic {BASIC}",),
        "Basic merged with a token": (f"Authorization: Basic {BASIC}, Bearer {token()}",),
        "proxy's own": (f"Proxy-Authorization: Basic {BASIC}",),
        "header twice": (f"X-Door: {VALUE}",) * 2,
        "header twice, in two cases": (f"X-Door: {VALUE}", f"x-door: {VALUE}"),
        "header and an empty one": (f"X-Door: {VALUE}", "X-Door:"),
        "header merged": (f"X-Door: {VALUE}, {VALUE}",),
        "header merged with nothing": (f"X-Door: {VALUE},",),
        "header in quotes": (f'X-Door: "{VALUE}"',),
        "header in capitals": (f"X-Door: {VALUE.upper()}",),
        "header by another name": (f"X_Door: {VALUE}",),
        "token over": (f"Authorization: Bearer {token(age=3_901)}",),
        "token of another app": (f"Authorization: Bearer {token(app='another')}",),
        "token of another ring": (f"Authorization: Bearer {token(KeyRing.generate())}",),
        "token of another client": (
            f"Authorization: Bearer {token(client=replace(CLIENT, name='other'))}",
        ),
        "token of another secret": (
            f"Authorization: Bearer {token(client=replace(CLIENT, secret=Secret('of before')))}",
        ),
        "token merged": (f"Authorization: Bearer {token()}, Bearer {token()}",),
        "token, padded": (f"Authorization: Bearer {token()}==",),
        "token as Basic": (f"Authorization: Basic {token()}",),
        "token in its own header": (f"X-Door: {token()}",),
    }


@pytest.mark.parametrize("head", right())
def test_takes(bot: Running, head: str) -> None:
    assert spoken(bot, *right()[head]) == 200


@pytest.mark.parametrize("head", wrong())
def test_refuses(bot: Running, head: str) -> None:
    told = answered(bot, *wrong()[head], path="/events", body=BODY)
    assert told == (401, b'{"error":"unauthorized"}')


@pytest.mark.parametrize(
    "lines",
    [
        (f"X-Door : {VALUE}",),
        (f"X-Door: {VALUE}\x00",),
        ("X-Door:", f" {VALUE}"),
        (f"Authorization: Basic\r {BASIC}",),
    ],
    ids=["a blank before the colon", "a null byte", "folded", "a bare return"],
)
def test_what_is_no_header_is_no_request(bot: Running, lines: tuple[str, ...]) -> None:
    assert spoken(bot, *lines) == 400


def test_a_token_that_it_gives_is_taken_whoever_guesses(bot: Running) -> None:
    client = base64.b64encode(f"zoom:{SECRET}".encode()).decode()

    def fetched(pair: str) -> tuple[int, bytes]:
        line = f"Authorization: Basic {pair}"
        grant = b"grant_type=client_credentials"
        return answered(bot, line, path="/events/token", body=grant)

    guesses = [fetched(BASIC)[0] for _ in range(14)]
    assert guesses[:10] == [401] * 10
    assert guesses[-1] == 429
    status, answer = fetched(client)
    assert status == 200
    given = json.loads(answer)["access_token"]
    assert spoken(bot, f"Authorization: Bearer {given}") == 200
    assert spoken(bot, f"Authorization: Bearer {given[:-1]}") == 401
