"""Where Zoom fetches its token: for the clients that are configured, and for nobody else."""

import base64
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest
from structlog.testing import capture_logs

from innkeeper.clock import MovableClock
from innkeeper.secret import Secret
from innkeeper.wire.credentials import Credential, Demands
from innkeeper.work import Parts
from tests.doors import Answer, Door, Header, opened

pytestmark = pytest.mark.anyio

SECRET = "a-client-secret:with a colon+"
CLIENT = Credential("zoom", Secret(SECRET))
OLDER = Credential("zoom", Secret("the-secret-before-that"))
GRANT = b"grant_type=client_credentials"
BODY = GRANT + b"&client_id=zoom&client_secret=" + quote(SECRET, "").encode()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[tuple[Door, Parts]]:
    async with opened(tmp_path, demands=Demands(bearer=(CLIENT, OLDER))) as house:
        yield house


@pytest.fixture
def door(house: tuple[Door, Parts]) -> Door:
    return house[0]


def basic(pair: str | bytes) -> Header:
    raw = pair if isinstance(pair, bytes) else pair.encode()
    return b"authorization", b"Basic " + base64.b64encode(raw)


RIGHT = basic(f"zoom:{SECRET}")


async def ask(door: Door, *headers: Header, body: bytes = GRANT, query: str = "") -> Answer:
    return await door.ask("POST", f"/events/token{query}", headers, body=[body])


@pytest.mark.parametrize(
    ("headers", "body", "query"),
    [
        ([RIGHT], GRANT, ""),
        ([RIGHT], b"", "?grant_type=client_credentials"),
        ([basic("zoom:" + quote(SECRET, ""))], GRANT, ""),
        ([basic("zoom:the-secret-before-that")], GRANT, ""),
        ([], BODY, ""),
        ([RIGHT], GRANT + b"&client_id=zoom&scope=all", ""),
    ],
    ids=["Basic", "in the query", "E08-escaped", "older secret", "in the body", "named twice"],
)
async def test_gives_a_token(
    door: Door, headers: Sequence[Header], body: bytes, query: str
) -> None:
    answer = await ask(door, *headers, body=body, query=query)
    given = json.loads(answer.body)
    assert answer.status == 200
    assert given.keys() == {"access_token", "token_type", "expires_in"}
    assert (given["token_type"], given["expires_in"]) == ("bearer", "3600")
    assert answer["cache-control"] == "no-store"


REFUSED: list[tuple[tuple[list[Header], bytes, str], int, str]] = [
    (([], GRANT, ""), 401, "invalid_client"),
    (([basic("zoom:wrong")], GRANT, ""), 401, "invalid_client"),
    (([basic(f"other:{SECRET}")], GRANT, ""), 401, "invalid_client"),
    (([basic("zoom")], GRANT, ""), 401, "invalid_client"),
    (([basic("")], GRANT, ""), 401, "invalid_client"),
    (([basic(b"zoom:\xff\xfe")], GRANT, ""), 401, "invalid_client"),
    (([(b"authorization", b"Basic \xff\xfe")], GRANT, ""), 401, "invalid_client"),
    (([(b"authorization", b"Bearer abc")], GRANT, ""), 401, "invalid_client"),
    (([(b"authorization", b"Basic " + b"A" * 65_536)], GRANT, ""), 401, "invalid_client"),
    (([RIGHT, RIGHT], GRANT, ""), 400, "invalid_request"),
    (([RIGHT], BODY, ""), 400, "invalid_request"),
    (([], BODY + b"&client_secret=other", ""), 400, "invalid_request"),
    (([RIGHT], b"", ""), 400, "invalid_request"),
    (([RIGHT], b"\xff\x00=%ff", ""), 400, "invalid_request"),
    (([RIGHT], GRANT, "?grant_type=client_credentials"), 400, "invalid_request"),
    (([RIGHT], b"grant_type=authorization_code", ""), 400, "unsupported_grant_type"),
    (([RIGHT], b"grant_type=", ""), 400, "unsupported_grant_type"),
    (([], GRANT, "?" + BODY.decode()), 400, "invalid_request"),
    (([], b"", "?" + BODY.decode()), 401, "invalid_client"),
    (([RIGHT], GRANT + b"&a=" + b"x" * 4_096, ""), 413, "invalid_request"),
    (([RIGHT], GRANT, "?a=" + "x" * 4_096), 414, "invalid_request"),
]


@pytest.mark.parametrize(
    ("sent", "status", "error"),
    REFUSED,
    ids=[
        "nobody",
        "E08-wrong secret",
        "another client",
        "E08-no colon",
        "E08-empty",
        "E08-not UTF-8",
        "E08-no base64",
        "Bearer",
        "64 KB",
        "Basic twice",
        "E08-both",
        "two secrets",
        "no grant",
        "garbage",
        "grant twice",
        "another grant",
        "empty grant",
        "secret in the query, too",
        "secret in the query",
        "large body",
        "large query",
    ],
)
async def test_gives_nobody_else_one(
    door: Door, sent: tuple[Sequence[Header], bytes, str], status: int, error: str
) -> None:
    headers, body, query = sent
    answer = await ask(door, *headers, body=body, query=query)
    assert (answer.status, json.loads(answer.body)) == (status, {"error": error})
    assert answer["www-authenticate"] == ('Basic realm="events"' if status == 401 else "")


async def test_is_not_there_where_no_token_is_demanded(tmp_path: Path) -> None:
    demands = Demands(basic=(CLIENT,), header=(CLIENT,))
    async with opened(tmp_path, demands=demands) as (door, _):
        assert (await ask(door, RIGHT)).status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_takes_posts_alone(door: Door, method: str) -> None:
    answer = await door.ask(method, "/events/token", [RIGHT])
    assert (answer.status, answer["allow"]) == (405, "POST")


async def test_a_refusal_is_told_without_what_was_sent(door: Door) -> None:
    with capture_logs() as lines:
        await ask(door, basic("zoom:canary-of-a-secret"))
    assert [(line["event"], line["reason"], line["limited"]) for line in lines] == [
        ("webhook.token_refused", "invalid_client", 0)
    ]
    assert "canary" not in repr(lines)


async def test_who_hangs_up_gets_none(door: Door) -> None:
    answer = await door.ask("POST", "/events/token", [RIGHT], body=[])
    assert answer.status == 400


# who tries often

WRONG = basic("zoom:canary-of-a-guess")


async def test_a_thousand_guesses_lock_nobody_out(house: tuple[Door, Parts]) -> None:
    door, parts = house
    with capture_logs() as lines:
        seen = [(await ask(door, WRONG)).status for _ in range(1_000)]
        given = [(await ask(door, RIGHT)).status for _ in range(20)]
        given += [(await ask(door, body=BODY)).status for _ in range(20)]
    assert seen == [401] * 10 + [429] * 990
    assert given == [200] * 40
    assert parts.metrics.webhook_tokens.counts == {
        ("refused",): 10,
        ("limited",): 990,
        ("given",): 40,
    }
    assert len(lines) == 10


async def test_says_when_to_come_back(house: tuple[Door, Parts]) -> None:
    door, parts = house
    clock = parts.clock
    assert isinstance(clock, MovableClock)
    for _ in range(10):
        await ask(door, WRONG)
    refused = await ask(door, WRONG)
    assert (refused.status, refused["retry-after"]) == (429, "6")
    assert json.loads(refused.body) == {"error": "too_many_requests"}
    assert (refused["www-authenticate"], refused["cache-control"]) == ("", "no-store")
    clock.advance(5.5)
    assert (await ask(door, WRONG))["retry-after"] == "1"
    clock.advance(0.5)
    with capture_logs() as lines:
        assert [(await ask(door, WRONG)).status for _ in range(2)] == [401, 429]
    assert [line["limited"] for line in lines] == [2]
    assert "canary" not in repr(lines)
    clock.advance(60)
    assert [(await ask(door, WRONG)).status for _ in range(11)] == [401] * 10 + [429]


async def test_who_is_right_uses_nothing_up(door: Door) -> None:
    assert [(await ask(door, RIGHT)).status for _ in range(50)] == [200] * 50
    assert [(await ask(door, WRONG)).status for _ in range(11)] == [401] * 10 + [429]


async def test_whatever_is_refused_uses_it_up(door: Door) -> None:
    wrongs: list[tuple[list[Header], bytes, str]] = [
        ([], GRANT, ""),
        ([RIGHT, RIGHT], GRANT, ""),
        ([RIGHT], b"grant_type=other", ""),
        ([RIGHT], b"x" * 5_000, ""),
        ([RIGHT], GRANT, "?a=" + "x" * 4_096),
    ]
    seen = [
        (await ask(door, *headers, body=body, query=query)).status
        for headers, body, query in wrongs * 3
    ]
    assert seen == [401, 400, 400, 413, 414] * 2 + [429] * 5


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip"])
async def test_another_address_each_time_changes_nothing(door: Door, name: str) -> None:
    names = [(name.encode(), f"203.0.113.{number}".encode()) for number in range(30)]
    seen = [(await ask(door, WRONG, address)).status for address in names]
    assert seen == [401] * 10 + [429] * 20


async def test_a_guess_takes_the_same_however_much_of_it_is_right(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(shown: bytes, known: bytes) -> bool:
        compared.append((shown, known))
        return shown == known

    monkeypatch.setattr("innkeeper.flows.bearers.hmac.compare_digest", compare)
    for guess in (SECRET, SECRET[:-1], "a", ""):
        compared.clear()
        await ask(door, basic(f"zoom:{guess}"))
        assert len({known for _, known in compared}) == 2, "each client is compared with"
