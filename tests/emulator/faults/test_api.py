"""Each fault of Zoom's side, over a real connection and in process."""

import asyncio
import json
from typing import Any

import pytest

from innkeeper.errors import AnswerLost
from innkeeper.net.outbound import Response
from tests.emulator.faults.ordering import TOKEN_PATH, connected, order
from tests.emulator.visit import Visit, read

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    return Visit()


def tokens(visit: Visit) -> int:
    return len(visit.world.tokens)


BUSY = {"status": 503, "body": "{}", "headers": {"Retry-After": "7"}}
ANSWERS = [
    ("status", BUSY, (503, b"{}")),
    ("status", {"status": 204, "body": "dropped"}, (204, b"")),
    ("html", {}, (502, b"<html>")),
    ("bad_json", {}, (200, b"{")),
    ("redirect", {"location": "http://elsewhere.test/"}, (302, b"")),
]


@pytest.mark.parametrize("over_sockets", [True, False])
@pytest.mark.parametrize(("kind", "rest", "expected"), ANSWERS)
async def test_answers_something_else_and_does_nothing(
    visit: Visit, kind: str, rest: dict[str, object], expected: Any, *, over_sockets: bool
) -> None:
    order(visit, kind, **rest)
    async with connected(visit) as line:
        answer = await (line.post() if over_sockets else visit.chatbot_token())
        status, body = expected
        assert (answer.status, tokens(visit)) == (status, 0)
        assert answer.body.startswith(body)
        assert bool(answer.body) is bool(body)
        if status == 503:
            assert answer.headers["retry-after"] == "7"
        if kind == "html":
            assert answer.content_type == "text/html"
        if kind == "bad_json":
            with pytest.raises(ValueError, match="Unterminated"):
                json.loads(answer.body)
        if kind == "redirect":
            assert answer.headers["location"] == "http://elsewhere.test/"
        assert (await visit.chatbot_token()).status == 200


@pytest.mark.parametrize(
    ("kind", "acts"),
    [("reset", 0), ("empty", 0), ("garbage", 0), ("lost_answer", 1), ("truncate", 1)],
)
async def test_breaks_off_as_the_same_error_over_sockets_and_in_process(
    visit: Visit, kind: str, acts: int
) -> None:
    order(visit, kind, times=2)
    async with connected(visit) as line:
        with pytest.raises(AnswerLost):
            await line.post()
        assert tokens(visit) == acts
        with pytest.raises(AnswerLost):
            await visit.chatbot_token()
        assert tokens(visit) == 2 * acts
        assert (await line.post()).status == 200


@pytest.mark.parametrize("kind", ["reset", "lost_answer"])
async def test_a_reset_is_a_reset_on_the_wire(visit: Visit, kind: str) -> None:
    order(visit, kind)
    async with connected(visit) as line:
        with pytest.raises(ConnectionResetError):
            await line.raw()


async def test_an_empty_answer_is_an_end_before_a_byte(visit: Visit) -> None:
    order(visit, "empty")
    async with connected(visit) as line:
        assert await line.raw() == b""


async def test_garbage_is_no_http(visit: Visit) -> None:
    order(visit, "garbage")
    async with connected(visit) as line:
        heard = await line.raw()
    assert heard
    assert not heard.startswith(b"HTTP/")


async def test_a_truncated_answer_is_shorter_than_it_says(visit: Visit) -> None:
    order(visit, "truncate")
    async with connected(visit) as line:
        head, _, body = (await line.raw()).partition(b"\r\n\r\n")
    length = next(
        int(each.partition(b":")[2])
        for each in head.split(b"\r\n")
        if each.lower().startswith(b"content-length")
    )
    assert 0 < len(body) < length
    assert b"access_token" in body


async def test_a_lost_answer_has_burnt_the_refresh_token(visit: Visit) -> None:
    first = (await visit.tokens())["refresh_token"]
    order(visit, "lost_answer", on={"path": TOKEN_PATH, "grant_type": "refresh_token"})
    async with connected(visit) as line:
        with pytest.raises(AnswerLost):
            await line.post(f"grant_type=refresh_token&refresh_token={first}".encode())
    assert any(token.refresh == first and token.refreshed for token in visit.world.tokens)
    assert (await visit.refresh(first)).status == 400


async def test_a_lost_answer_leaves_a_message_that_stands_there(visit: Visit) -> None:
    await visit.code()
    await visit.zoom.settle()
    access = read(await visit.chatbot_token())["access_token"]
    order(visit, "lost_answer", on={"path": "/v2/im/*", "method": "POST"})
    body = {
        "robot_jid": visit.app.bot_jid,
        "to_jid": visit.ana.jid,
        "account_id": visit.ana.account_id,
        "content": {"head": {"text": "Only once"}},
    }
    before = len(visit.world.messages)
    with pytest.raises(AnswerLost):
        await visit.ask(
            "POST",
            "/v2/im/chat/messages",
            body=json.dumps(body).encode(),
            headers={"authorization": f"Bearer {access}", "content-type": "application/json"},
        )
    assert len(visit.world.messages) == before + 1


async def test_a_slow_answer_comes_when_the_worlds_clock_says_so(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    order(visit, "slow", seconds=30)
    acted = asyncio.Event()
    slept = visit.clock.sleep

    async def told(seconds: float) -> None:
        acted.set()
        await slept(seconds)

    monkeypatch.setattr(visit.clock, "sleep", told)
    async with connected(visit) as line:
        asked = asyncio.ensure_future(line.post())
        await acted.wait()
        assert not asked.done()
        await visit.zoom.advance(29)
        assert not asked.done()
        await visit.zoom.advance(1)
        assert (await asked).status == 200


async def test_a_slow_answer_is_too_late_for_a_client_with_less_patience(visit: Visit) -> None:
    order(visit, "slow", times=2, seconds=30)
    async with connected(visit) as line:
        with pytest.raises(AnswerLost, match="no answer in time"):
            await line.post(deadline=0.1)
    with pytest.raises(AnswerLost, match="no answer in time"):
        await visit.chatbot_token()
    assert tokens(visit) == 2


async def test_a_slow_answer_in_process_comes_at_once_for_whoever_would_have_waited(
    visit: Visit,
) -> None:
    order(visit, "slow", seconds=9)
    assert (await visit.chatbot_token()).status == 200


async def test_a_dribbled_answer_comes_whole_in_the_end(visit: Visit) -> None:
    order(visit, "dribble", times=2, seconds=0)
    async with connected(visit) as line:
        answers: list[Response] = [await line.post(), await visit.chatbot_token()]
    assert [(each.status, "access_token" in read(each)) for each in answers] == [(200, True)] * 2


async def test_a_dribble_beyond_the_clients_patience_is_lost(visit: Visit) -> None:
    order(visit, "dribble", seconds=1)
    with pytest.raises(AnswerLost, match="no answer in time"):
        await visit.chatbot_token()


@pytest.mark.parametrize(
    ("limit", "header", "words"),
    [
        ("per_second", "x-ratelimit-reset", "per-second"),
        ("daily", "retry-after", "daily"),
    ],
)
async def test_says_too_many_as_zoom_does(
    visit: Visit, limit: str, header: str, words: str
) -> None:
    order(visit, "status", status=429, limit=limit, wait=60)
    answer = await visit.chatbot_token()
    assert (answer.status, read(answer)["code"]) == (429, 429)
    assert words in read(answer)["message"]
    expected = {"x-ratelimit-reset": "1772442060", "retry-after": "2026-03-02T09:01:00Z"}
    assert answer.headers[header] == expected[header]
    assert not (set(expected) - {header}) & set(answer.headers)


@pytest.mark.parametrize("limit", ["per_second", "daily"])
async def test_notes_whether_the_client_waited(visit: Visit, limit: str) -> None:
    order(visit, "status", status=429, limit=limit, wait=60, times=2)
    await visit.chatbot_token()
    await visit.zoom.advance(0.25)
    await visit.chatbot_token()
    await visit.zoom.advance(61)
    await visit.chatbot_token()
    await visit.chatbot_token()
    notes = [record.notes for record in visit.zoom.traffic.records()]
    assert notes == [
        (),
        ("after a 429, asked again after 0.25 s, should have waited 60 s",),
        ("after a 429, asked again after 61 s, as told",),
        (),
    ]


async def test_writes_each_application_to_the_traffic(visit: Visit) -> None:
    order(visit, "lost_answer")
    order(visit, "html")
    with pytest.raises(AnswerLost):
        await visit.chatbot_token()
    await visit.chatbot_token()
    await visit.chatbot_token()
    shown = [record.json()["fault"] for record in visit.zoom.traffic.records()]
    assert shown == [{"kind": "lost_answer", "rule": 1}, {"kind": "html", "rule": 2}, None]


async def test_leaves_pages_and_the_control_api_alone(visit: Visit) -> None:
    order(visit, "reset", times=None, on={"path": "*"})
    assert (await visit.ask("GET", "/marketplace")).status == 200
    assert (await visit.ask("GET", "/_emulator/state")).status == 200
    with pytest.raises(AnswerLost):
        await visit.me("nobody's")


@pytest.mark.parametrize(
    ("on", "falls"),
    [
        ({}, True),
        ({"path": "/oauth/*"}, True),
        ({"path": "/v2/*"}, False),
        ({"method": "POST"}, True),
        ({"method": "GET"}, False),
        ({"grant_type": "client_credentials"}, True),
        ({"grant_type": "refresh_token"}, False),
        ({"client_id": "nobody"}, False),
    ],
)
async def test_falls_only_on_what_it_looks_at(
    visit: Visit, on: dict[str, str], *, falls: bool
) -> None:
    visit.zoom.faults.add("html", on=on)
    assert (await visit.chatbot_token()).status == (502 if falls else 200)


async def test_knows_a_client_by_its_token(visit: Visit) -> None:
    access = (await visit.tokens())["access_token"]
    visit.zoom.faults.add("html", on={"client_id": visit.app.client_id, "path": "/v2/users/*"})
    assert (await visit.me(access)).status == 502
    assert (await visit.me("somebody_elses")).status == 401
