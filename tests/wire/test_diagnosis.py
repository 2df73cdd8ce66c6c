"""A refused delivery that was saved says what was done to it, and never a secret."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from innkeeper.errors import SignatureRefused
from innkeeper.secret import Secret
from innkeeper.wire.diagnosis import Diagnosis, diagnose
from innkeeper.wire.signature import Verifier, sign

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SECRET, OLDER, CLIENT = (Secret(f"{each}-secret-of-a-test") for each in ("new", "old", "client"))
BODY = '{"event":"bot_notification","payload":{"cmd":"größer 🦊"}}'.encode()


def refused(body: bytes, secrets: list[Secret], **claimed: list[bytes]) -> str:
    """Say why the app itself refuses it; nothing if it does not."""
    try:
        Verifier(secrets).verify(body, **claimed, now=NOW)
    except SignatureRefused as refusal:
        return refusal.reason
    return ""


def told(
    body: bytes = BODY,
    *,
    sent: bytes = BODY,
    secret: Secret = SECRET,
    at: datetime = NOW,
    milliseconds: bool = False,
    **heads: list[bytes],
) -> Diagnosis:
    """Sign what was sent, and look at what came."""
    stamp = str(round(at.timestamp()) * (1000 if milliseconds else 1))
    signature = sign(sent, timestamp=stamp, secret=secret).encode()
    claimed = {"timestamps": [stamp.encode()], "signatures": [signature], **heads}
    secrets = [SECRET, OLDER]
    found = diagnose(
        body, **claimed, secrets=secrets, others={"ZOOM_CLIENT_SECRET": CLIENT}, now=NOW
    )
    assert found.reason == refused(body, secrets, **claimed)
    assert not any(each.reveal() in str(found) for each in (SECRET, OLDER, CLIENT))
    return found


@pytest.mark.parametrize("milliseconds", [False, True])
def test_says_which_secret_fits(milliseconds: bool) -> None:
    assert "secret token 1 of 2" in told(milliseconds=milliseconds).why
    assert "secret token 2 of 2" in told(secret=OLDER, milliseconds=milliseconds).why


@pytest.mark.parametrize(
    ("came", "why"),
    [
        (BODY + b"\n", "without the line's end"),
        (BODY + b"\r\n", "without the line's end"),
        (b"\xef\xbb\xbf" + BODY, "without the byte order mark"),
        (json.dumps(json.loads(BODY)).encode(), "no spaces between, and what is not ASCII as it"),
        (json.dumps(json.loads(BODY), indent=2).encode(), "no spaces between"),
    ],
    ids=["line end", "CRLF", "byte order mark", "python", "pretty"],
)
def test_says_what_was_done_to_the_body(came: bytes, why: str) -> None:
    found = told(came)
    assert found.reason == "SignatureMismatch"
    assert why in found.why


def test_says_that_the_line_end_is_missing() -> None:
    assert "with a line's end" in told(sent=BODY + b"\n").why


def test_says_where_two_secrets_are_swapped() -> None:
    found = told(secret=CLIENT)
    assert "ZOOM_CLIENT_SECRET" in found.why


@pytest.mark.parametrize("came", [b"", b"[" * 100_000, b"\xff", b"{}", b'{"a":"\\ud800"}'])
def test_says_that_no_secret_fits(came: bytes) -> None:
    found = told(came)
    assert found.why == "none of 2 secret tokens signed these bytes"
    assert "Features > Access" in found.fix


@pytest.mark.parametrize(
    ("off", "why"),
    [
        (timedelta(minutes=-121), "signed 2:01:00 before"),
        (timedelta(days=-400), "signed 400 days, 0:00:00 before"),
        (timedelta(minutes=6), "signed 0:06:00 after it came"),
    ],
)
def test_says_how_far_the_clock_is_off(off: timedelta, why: str) -> None:
    found = told(at=NOW + off)
    assert found.reason == "TimestampOutOfWindow"
    assert why in found.why


@pytest.mark.parametrize(
    ("heads", "why"),
    [
        ({"timestamps": []}, "there is no x-zm-request-timestamp"),
        ({"signatures": []}, "there is no x-zm-signature"),
        ({"signatures": [b"v0=" + b"0" * 64] * 2}, "twice"),
        ({"timestamps": [b"yesterday"]}, "10 or 13 digits"),
        ({"signatures": [b"v0=short"]}, "64 lower-case hex digits"),
    ],
)
def test_says_what_is_wrong_with_the_head(heads: dict[str, list[bytes]], why: str) -> None:
    assert why in told(**heads).why
