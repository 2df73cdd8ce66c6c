"""Rows W of the catalogue of bad inputs, through the whole app: bytes in, rows out."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from innkeeper.store.records import EventState
from tests.journeys.house import (
    OLD_SECRET,
    ROBOT,
    Header,
    House,
    mac,
    notification,
    running,
    signed,
    stamp,
)

pytestmark = pytest.mark.anyio

BODY = notification()
GOOD = mac(BODY, stamp())
HEX = GOOD.removeprefix("v0=")
RAW = bytes.fromhex(HEX)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running(tmp_path) as house:
        yield house


def headers(signature: str | bytes | None, timestamp: str | bytes | None = None) -> list[Header]:
    found: list[Header] = [(b"content-type", b"application/json")]
    stamped = stamp() if timestamp is None else timestamp
    found.append(
        (b"x-zm-request-timestamp", stamped if isinstance(stamped, bytes) else stamped.encode())
    )
    if signature is not None:
        found.append(
            (b"x-zm-signature", signature if isinstance(signature, bytes) else signature.encode())
        )
    return found


def timed(timestamp: str | bytes) -> list[Header]:
    return headers(mac(BODY, timestamp), timestamp)


SIGNATURES = {
    "W01": headers(None),
    "W02": headers(""),
    "W04": headers(HEX),
    "W05": headers("v1=" + HEX),
    "W07": headers("V0=" + HEX),
    "W08": headers(GOOD[:-1] + ("0" if GOOD[-1] != "0" else "1")),
    "W10 one digit more": headers(GOOD + "0"),
    "W10 a list": headers(GOOD + "," + GOOD),
    "W11 base64": headers("v0=" + base64.b64encode(RAW).decode()),
    "W11 base64url": headers("v0=" + base64.urlsafe_b64encode(RAW).decode()),
    "W13": headers("v0=" + "a" * 16_384),
    "W14 inner space": headers("v0= " + HEX),
    "W16": headers(mac(BODY, stamp(), "the-token-of-another-app")),
    "W17": headers(mac(BODY, stamp(), "")),
    "W19": headers(mac(BODY.replace(b",", b", ", 1), stamp())),
    "W20": [*headers(GOOD), (b"x-zm-signature", GOOD.encode())],
    "W22": [*headers(None), (b"x_zm_signature", GOOD.encode())],
    "not text": headers(b"v0=\xff\xfe"),
}
TIMESTAMPS = {
    "W26": [(b"x-zm-signature", GOOD.encode())],
    **{f"W28 {odd}": timed(odd) for odd in ("abc", "NaN", "Infinity", "1e9", "0x65")},
    "W29": timed(" 1700000000 "),
    "W31 plus": timed("+1700000000"),
    "W31 minus": timed("-1"),
    "W32": timed("١٧٦٣٨٩٩٢٠٠".encode()),
    "W34": timed("1" * 5_000),
    "W35 eleven": timed("17000000000"),
    "W35 twelve": timed("170000000000"),
    "W37": timed("0001700000000"),
    "W38": timed(stamp(-7_201)),
    "W40": timed(stamp(301)),
    "W43 same": [*timed(stamp()), (b"x-zm-request-timestamp", stamp().encode())],
    "W43 different": [*timed(stamp()), (b"x-zm-request-timestamp", stamp(1).encode())],
}


@pytest.mark.parametrize(
    "sent", [pytest.param(row, id=name) for name, row in (SIGNATURES | TIMESTAMPS).items()]
)
async def test_refuses_what_zoom_did_not_sign(house: House, sent: list[Header]) -> None:
    status, answer = await house.deliver(BODY, sent)
    assert (status, answer) == (401, b'{"error":"unauthorized"}')
    assert not await house.rows()
    assert not house.heard
    assert not house.zoom.tried


async def test_w44_refuses_a_shifted_delimiter(house: House) -> None:
    shifted = stamp() + ":" + BODY[:9].decode()
    status, _ = await house.deliver(BODY[10:], headers(GOOD, shifted))
    assert status == 401


@pytest.mark.parametrize("seconds", [299, -7_199, 0], ids=["W41", "W38 within", "now"])
async def test_accepts_what_is_signed_within_the_window(
    house: House, seconds: int
) -> None:  # F48 F50
    assert (await house.deliver(BODY, timed(stamp(seconds))))[0] == 200
    assert [row.state for row in await house.rows()] == [EventState.DONE]
    assert house.heard == ["help"]


async def test_w25_accepts_every_secret_that_is_still_valid(house: House) -> None:
    assert (await house.deliver(BODY, signed(BODY, secret=OLD_SECRET)))[0] == 200


# the challenge


def challenge(token: object = "qgg8vlvZRS6UYooatFL8Aw") -> bytes:
    payload = {} if token is ... else {"plainToken": token}
    return json.dumps({"event": "endpoint.url_validation", "payload": payload}).encode()


async def test_w46_answers_a_signed_challenge_and_keeps_no_row(house: House) -> None:
    for _ in range(3):  # W52
        status, answer = await house.deliver(challenge())
        assert status == 200
        assert len(json.loads(answer)["encryptedToken"]) == 64
    assert not await house.rows()
    assert house.parts.receiver.challenged_at == house.clock.now()


async def test_w47_does_not_answer_an_unsigned_challenge(house: House) -> None:
    status, answer = await house.deliver(challenge(), [])
    assert (status, answer) == (401, b'{"error":"unauthorized"}')


@pytest.mark.parametrize(
    "token",
    [..., None, 123, [], {}, "", "a" * 129, "a" * 200_000, "a\x00b", "schlüssel", "v0:1:{}"],
    ids=lambda token: repr(token)[:12],
)
async def test_w49_w50_refuses_a_challenge_no_zoom_sends(house: House, token: object) -> None:
    assert (await house.deliver(challenge(token)))[0] == 400
    assert not await house.rows()
    assert house.parts.receiver.challenged_at is None


async def test_w53_answers_with_the_secret_that_verified(house: House) -> None:
    body = challenge()
    new = json.loads((await house.deliver(body))[1])["encryptedToken"]
    old = json.loads((await house.deliver(body, signed(body, secret=OLD_SECRET)))[1])
    assert old["encryptedToken"] != new


async def test_answers_a_challenge_while_the_store_is_down(house: House) -> None:
    await house.parts.store.close()
    assert (await house.deliver(challenge()))[0] == 200
    assert (await house.deliver(BODY))[0] == 503


# How it is sent.


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "FOO"])
async def test_w55_takes_posts_only(house: House, method: str) -> None:
    status, found, _ = await house.request(method, "/events")
    assert status == 405
    assert found["allow"] == ["POST"]


@pytest.mark.parametrize("path", ["/events/", "//events", "/events\x00", "/events;x=1", "/Events"])
async def test_w56_redirects_no_post(house: House, path: str) -> None:
    status, _, _ = await house.request("POST", path, signed(BODY), BODY)
    assert status == 404
    assert not await house.rows()


async def test_w58_ignores_the_query(house: House) -> None:
    status, _, _ = await house.request(
        "POST", "/events", signed(BODY), BODY, query=b"event=app_deauthorized&plainToken=x"
    )
    await house.parts.dispatcher.settled()
    assert status == 200
    assert house.heard == ["help"]


async def test_w73_caps_the_body(house: House) -> None:
    room = 262_144 - len(notification(cmd=""))
    assert (await house.deliver(notification(cmd="x" * room)))[0] == 200
    assert (await house.deliver(notification(cmd="x" * (room + 1))))[0] == 413
    assert len(await house.rows()) == 1


async def test_w74_refuses_a_declared_giant_before_reading(house: House) -> None:
    status, _, _ = await house.request(
        "POST", "/events", [*signed(BODY), (b"content-length", b"10737418240")]
    )
    assert status == 413


async def test_w86_never_inflates(house: House) -> None:
    sent = [*signed(BODY), (b"content-encoding", b"gzip")]
    assert (await house.deliver(BODY, sent))[0] == 415


async def test_serves_under_a_mount(house: House) -> None:
    status, _, _ = await house.request("POST", "/events", signed(BODY), BODY, root_path="/zoom")
    assert status == 200


# Whatever is signed is kept.

QUARANTINED = {
    "W88": (b"", "empty"),
    "W89 word": (b"nope", "not_json"),
    "W89 comma": (b'{"a":1,}', "not_json"),
    "W89 two": (b"{} {}", "not_json"),
    "W91": (b"\xef\xbb\xbf" + BODY, "bom"),
    "W92": (b'{"event":"\xff"}', "not_utf8"),
    "W83": ('{"event":"x"}'.encode("utf-16"), "not_utf8"),
    "W95": (b'{"event":"a","x":NaN}', "non_finite"),
    "W95 big": (b'{"event":"a","x":1e999}', "non_finite"),
    "W98": (b"[" * 100_000, "too_deep"),
    "W98 objects": (b'{"a":' * 1_000, "too_deep"),
    "W100": (
        b'{"event":"bot_notification","event":"app_deauthorized","payload":{}}',
        "duplicate_key",
    ),
    "W101": (BODY.replace(b'"cmd"', b'"accountId":"Victim","cmd"'), "duplicate_key"),
    "W110": (b'{"event":"../../x","payload":{}}', "event_type"),
    "W112 missing": (notification(userId=...), "field:userId"),
    "W112 null": (notification(accountId=None), "field:accountId"),
    "W112 number": (notification(toJid=1), "field:toJid"),
    "W112 long": (notification(robotJid="x" * 10_000), "field:robotJid"),
    "W113": (notification(robotJid="v1other@xmpp.zoom.us"), "wrong_robot"),
}


@pytest.mark.parametrize(
    ("body", "reason"), [pytest.param(*row, id=name) for name, row in QUARANTINED.items()]
)
async def test_keeps_aside_what_cannot_be_understood(
    house: House, body: bytes, reason: str
) -> None:
    assert (await house.deliver(body))[0] == 200
    (row,) = await house.rows()
    assert (row.state, row.reason) == (EventState.QUARANTINED, reason)
    assert not house.heard


TEXTS = [
    "",
    "'; DROP TABLE inbox;--",
    "<script>",
    "{{7*7}}",
    "=cmd|x",
    "%s%n",
    "👩‍👩‍👧 \u202eabc",
    "e\u0301" * 1000,
    "a\x00b",
    "x" * 65_536,
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
async def test_w115_w116_gives_the_handler_the_exact_text(house: House, text: str) -> None:
    assert (await house.deliver(notification(cmd=text)))[0] == 200
    assert house.heard == [text]


async def test_w94_mends_a_lone_surrogate(house: House) -> None:
    body = notification(cmd="SURROGATE").replace(b"SURROGATE", b"\\ud800!")
    assert (await house.deliver(body))[0] == 200
    assert house.heard == ["\ufffd!"]


@pytest.mark.parametrize("stamped", [1e18, -1, 0, 1740439732278.5, "1740439732278", None, "soon"])
async def test_w97_takes_any_stamp(house: House, stamped: object) -> None:
    assert (await house.deliver(notification(timestamp=stamped)))[0] == 200
    assert house.heard == ["help"]


async def test_w109_ignores_an_unknown_event(house: House) -> None:
    assert (await house.deliver(b'{"event":"meeting.started","payload":{}}'))[0] == 200
    (row,) = await house.rows()
    assert (row.state, row.reason) == (EventState.IGNORED, "unknown_event")


# once


async def test_w124_handles_a_repeated_delivery_once(house: House) -> None:  # F57
    assert (await house.deliver(BODY))[0] == 200
    assert (await house.deliver(BODY))[0] == 200
    assert (await house.deliver(BODY, timed(stamp(60))))[0] == 200
    assert house.heard == ["help"]
    assert len(await house.rows()) == 1


async def test_w125_handles_a_hundred_at_once_once(house: House) -> None:
    answers = await asyncio.gather(*(house.deliver(BODY) for _ in range(100)))
    assert {status for status, _ in answers} == {200}
    assert house.heard == ["help"]
    assert len(await house.rows()) == 1


async def test_makes_no_call_for_a_handler_that_says_nothing(house: House) -> None:
    await house.deliver(BODY)
    assert not house.zoom.tried


# the welcome


def installed(**changes: object) -> bytes:
    payload = {
        "accountId": "Account-1",
        "robotJid": ROBOT,
        "timestamp": int(stamp()) * 1000,
        "userId": "User-1",
        "userJid": "user-1@xmpp.zoom.us",
        "userName": "Noor Haddad",
    }
    return json.dumps({"event": "bot_installed", "payload": payload | changes}).encode()


async def test_answers_bot_installed_with_the_welcome(house: House) -> None:
    status, answer = await house.deliver(installed())
    assert status == 200
    content = json.loads(answer)["content"]
    assert content == {
        "head": {"text": "Welcome"},
        "body": [{"type": "message", "text": "Hi Noor Haddad"}],
    }


async def test_gives_a_repeated_bot_installed_the_same_answer(house: House) -> None:  # F57
    first = await house.deliver(installed())
    assert await house.deliver(installed()) == first
    assert house.heard == ["installed by Noor Haddad"]


async def test_welcomes_once_in_a_generation(house: House) -> None:
    await house.deliver(installed())
    status, answer = await house.deliver(installed(timestamp=int(stamp(1)) * 1000))
    assert (status, answer) == (200, b"{}")
    assert house.heard == ["installed by Noor Haddad"]
