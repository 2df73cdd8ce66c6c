import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from innkeeper.errors import ChallengeMalformed, SignatureRefused
from innkeeper.secret import Secret
from innkeeper.wire.signature import (
    Verified,
    Verifier,
    answer_challenge,
    challenge_body,
    encrypt_token,
    sign,
)
from tests.vectors import cases

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
SECRET = Secret("9kPq-Lamp_oil.x2")
OTHER = Secret("another-apps-secret")
BODY = '{"event":"bot_notification","payload":{"cmd":"größer"}}'.encode()


def mac(timestamp: bytes, body: bytes, key: bytes = SECRET.encode()) -> bytes:
    """Sign by the recipe, apart from the code under test."""
    return hmac.new(key, b"v0:" + timestamp + b":" + body, hashlib.sha256).digest()


def signed(timestamp: bytes, body: bytes = BODY, key: bytes = SECRET.encode()) -> bytes:
    return b"v0=" + mac(timestamp, body, key).hex().encode()


STAMP = str(SECONDS).encode()
GOOD = signed(STAMP)
FULL_WIDTH = "".join(chr(0xFF10 + digit) for digit in (1, 7, 4, 0, 8, 3, 0, 4, 0, 0))


def verify(
    signatures=(GOOD,), timestamps=(STAMP,), body=BODY, *, now=NOW, secrets=(SECRET,)
) -> Verified:
    return Verifier(secrets).verify(body, timestamps=timestamps, signatures=signatures, now=now)


def refusal(*args, **kwargs) -> str:
    with pytest.raises(SignatureRefused) as caught:
        verify(*args, **kwargs)
    return caught.value.reason


# Vectors


@pytest.mark.parametrize("case", cases("zoom_signature"), ids=lambda case: case["timestamp"])
def test_signs_and_verifies_the_vectors(case):
    secret, body = Secret(case["secret"]), case["body"].encode()
    digits = int(case["timestamp"])
    moment = digits / 1000 if len(case["timestamp"]) == 13 else digits
    now = datetime.fromtimestamp(moment, UTC)

    assert sign(body, timestamp=case["timestamp"], secret=secret) == case["signature"]
    found = verify(
        [case["signature"].encode()], [case["timestamp"].encode()], body, now=now, secrets=[secret]
    )
    assert found == Verified(secret, now)


@pytest.mark.parametrize("case", cases("url_validation"), ids=lambda case: case["plain_token"])
def test_answers_the_vectors_of_url_validation(case):
    secret = Secret(case["secret"])
    expected = {"plainToken": case["plain_token"], "encryptedToken": case["encrypted_token"]}

    body = challenge_body(case["plain_token"], event_ts=1_654_503_849_680)

    assert answer_challenge(body, secret=secret) == expected


@pytest.mark.parametrize("case", cases("hmac_sha256"), ids=lambda case: case["data"])
def test_encrypts_the_vectors_of_rfc_4231(case):
    assert encrypt_token(case["data"], Secret(case["key"])) == case["hex"]


# Signature header


@pytest.mark.parametrize(
    ("signatures", "reason"),
    [
        pytest.param([], "SignatureMissing", id="W01"),
        pytest.param([b""], "SignatureMalformed", id="W02"),
        pytest.param([GOOD[3:]], "SignatureMalformed", id="W04"),
        pytest.param([b"v1=" + GOOD[3:]], "SignatureMalformed", id="W05"),
        pytest.param([b"V0=" + GOOD[3:]], "SignatureMalformed", id="W07"),
        pytest.param([b"v0=" + GOOD[3:].upper()], "SignatureMalformed", id="W07-upper"),
        pytest.param(
            [GOOD[:-1] + (b"0" if GOOD[-1:] != b"0" else b"1")], "SignatureMismatch", id="W08"
        ),
        pytest.param([GOOD + b"0"], "SignatureMalformed", id="W10"),
        pytest.param([GOOD[:-1]], "SignatureMalformed", id="W10-short"),
        pytest.param([GOOD + b"," + GOOD], "SignatureMalformed", id="W10-list"),
        pytest.param([b"v0=" + base64.b64encode(mac(STAMP, BODY))], "SignatureMalformed", id="W11"),
        pytest.param(
            [b"v0=" + base64.urlsafe_b64encode(mac(STAMP, BODY))],
            "SignatureMalformed",
            id="W11-url",
        ),
        pytest.param([b"v0=" + b"a" * 16_381], "SignatureMalformed", id="W13"),
        pytest.param([b" " + GOOD], "SignatureMalformed", id="W14-leading"),
        pytest.param([GOOD + b"\t"], "SignatureMalformed", id="W14-trailing"),
        pytest.param([GOOD + b"\n"], "SignatureMalformed", id="W14-newline"),
        pytest.param([GOOD[:20] + b" " + GOOD[21:]], "SignatureMalformed", id="W14-inner"),
        pytest.param([signed(STAMP, key=OTHER.encode())], "SignatureMismatch", id="W16"),
        pytest.param([signed(STAMP, key=b"")], "SignatureMismatch", id="W17"),
        pytest.param([signed(STAMP, BODY.replace(b":{", b": {"))], "SignatureMismatch", id="W19"),
        pytest.param([GOOD, GOOD], "AmbiguousHeader", id="W20"),
        pytest.param([GOOD, b""], "AmbiguousHeader", id="W20-empty"),
        pytest.param([b"v0=" + "é".encode() * 32], "SignatureMalformed", id="non-ascii"),
        pytest.param([b"v0=" + b"\xff" * 64], "SignatureMalformed", id="not-utf8"),
    ],
)
def test_refuses_a_signature_that_is_not_exactly_zooms(signatures, reason):
    assert refusal(signatures) == reason


def test_w25_a_secret_that_was_rotated_out_no_longer_verifies():
    old = signed(STAMP, key=OTHER.encode())

    assert verify([old], secrets=[SECRET, OTHER]).secret == OTHER
    assert refusal([old], secrets=[SECRET]) == "SignatureMismatch"


# Timestamp header


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        pytest.param(b"", "TimestampMalformed", id="empty"),
        pytest.param(b"abc", "TimestampMalformed", id="W28-word"),
        pytest.param(b"NaN", "TimestampMalformed", id="W28-nan"),
        pytest.param(b"Infinity", "TimestampMalformed", id="W28-infinity"),
        pytest.param(b"1e9", "TimestampMalformed", id="W28-exponent"),
        pytest.param(b"0x65", "TimestampMalformed", id="W28-hex"),
        pytest.param(b"0x65d0a1b2", "TimestampMalformed", id="W28-hex-of-ten"),
        pytest.param(b" " + STAMP + b" ", "TimestampMalformed", id="W29"),
        pytest.param(STAMP + b"\n", "TimestampMalformed", id="W29-newline"),
        pytest.param(STAMP[:5] + b" " + STAMP[6:], "TimestampMalformed", id="W29-inner"),
        pytest.param(b"+" + STAMP, "TimestampMalformed", id="W31-plus"),
        pytest.param(b"+" + STAMP[1:], "TimestampMalformed", id="W31-plus-of-ten"),
        pytest.param(b"-1", "TimestampMalformed", id="W31-minus"),
        pytest.param(b"-174083040", "TimestampMalformed", id="W31-minus-of-ten"),
        pytest.param(b"1_740_8304", "TimestampMalformed", id="underscores"),
        pytest.param("١٧٤٠٨٣٠٤٠٠".encode(), "TimestampMalformed", id="W32-arabic"),
        pytest.param("١٧٤٠٨".encode(), "TimestampMalformed", id="W32-arabic-of-ten-bytes"),
        pytest.param(FULL_WIDTH.encode(), "TimestampMalformed", id="W32-full-width"),
        pytest.param("१".encode() + b"7408304", "TimestampMalformed", id="W32-mixed"),
        pytest.param(b"1" * 5000, "TimestampMalformed", id="W34"),
        pytest.param(STAMP + b"0", "TimestampMalformed", id="W35-eleven"),
        pytest.param(STAMP + b"00", "TimestampMalformed", id="W35-twelve"),
        pytest.param(STAMP + b"0000", "TimestampMalformed", id="W35-fourteen"),
        pytest.param(STAMP[:9], "TimestampMalformed", id="W35-nine"),
        pytest.param(b"000" + STAMP, "TimestampOutOfWindow", id="W37"),
        pytest.param(b"0" * 10, "TimestampOutOfWindow", id="zero"),
        pytest.param(b"9" * 10, "TimestampOutOfWindow", id="year-2286"),
        pytest.param(b"9" * 13, "TimestampOutOfWindow", id="year-2286-ms"),
        pytest.param(str(SECONDS - 7201).encode(), "TimestampOutOfWindow", id="W38"),
        pytest.param(str(SECONDS + 301).encode(), "TimestampOutOfWindow", id="W40"),
        pytest.param(str(SECONDS * 1000 - 7_200_001).encode(), "TimestampOutOfWindow", id="W38-ms"),
        pytest.param(str(SECONDS * 1000 + 300_001).encode(), "TimestampOutOfWindow", id="W40-ms"),
    ],
)
def test_refuses_a_timestamp_that_is_no_recent_moment(stamp, reason):  # F48
    assert refusal([signed(stamp)], [stamp]) == reason


@pytest.mark.parametrize(
    ("timestamps", "reason"),
    [
        pytest.param([], "TimestampMissing", id="W26"),
        pytest.param([STAMP, STAMP], "AmbiguousHeader", id="W43-same"),
        pytest.param([STAMP, str(SECONDS + 1).encode()], "AmbiguousHeader", id="W43-different"),
    ],
)
def test_refuses_anything_but_one_timestamp(timestamps, reason):
    assert refusal([GOOD], timestamps) == reason


@pytest.mark.parametrize(
    "offset",
    [
        pytest.param(299, id="W41"),
        pytest.param(300, id="W40-edge"),
        pytest.param(0, id="now"),
        pytest.param(-7200, id="W38-edge"),
        pytest.param(-85 * 60, id="last-retry"),
    ],
)
def test_accepts_every_moment_within_the_window(offset):
    seconds = str(SECONDS + offset).encode()
    milliseconds = str((SECONDS + offset) * 1000).encode()
    expected = Verified(SECRET, NOW + timedelta(seconds=offset))

    assert verify([signed(seconds)], [seconds]) == expected
    assert verify([signed(milliseconds)], [milliseconds]) == expected


def test_tells_when_it_was_signed_to_the_millisecond():
    stamp = str(SECONDS * 1000 + 123).encode()

    assert verify([signed(stamp)], [stamp]).signed_at == NOW + timedelta(milliseconds=123)


def test_the_window_can_be_chosen():
    verifier = Verifier([SECRET], past=timedelta(seconds=10), future=timedelta(0))
    stamp = str(SECONDS - 10).encode()

    verifier.verify(BODY, timestamps=[stamp], signatures=[signed(stamp)], now=NOW)
    for outside in (SECONDS - 11, SECONDS + 1):
        stamp = str(outside).encode()
        with pytest.raises(SignatureRefused):
            verifier.verify(BODY, timestamps=[stamp], signatures=[signed(stamp)], now=NOW)


def test_w44_refuses_when_the_delimiter_is_shifted_into_the_body():
    body = b'{"event":"app_deauthorized","payload":{}}'
    signature = signed(STAMP, body)
    head, _, rest = body.partition(b":")

    assert verify([signature], body=body).secret == SECRET
    assert refusal([signature], [STAMP + b":" + head], rest) == "TimestampMalformed"


def test_the_body_counts_byte_for_byte():
    assert refusal(body=BODY + b" ") == "SignatureMismatch"
    assert refusal(body=b"") == "SignatureMismatch"
    assert verify([signed(STAMP, b"")], body=b"").secret == SECRET


def test_the_shape_is_judged_before_the_mac_and_the_mac_before_the_window():
    old = str(SECONDS - 90_000).encode()

    assert refusal([signed(old, key=OTHER.encode())], [old]) == "SignatureMismatch"
    assert refusal([b"v0=x"], [old]) == "SignatureMalformed"


# Secrets


@pytest.mark.parametrize(
    "secrets", [[], [Secret("")], [SECRET, Secret("")], [Secret(" ")], [Secret("\n"), SECRET]]
)
def test_refuses_to_verify_without_a_secret(secrets):
    with pytest.raises(ValueError, match="at least one secret"):
        Verifier(secrets)


def test_any_of_the_secrets_may_have_signed():
    secrets = [Secret("oldest"), SECRET, OTHER]

    for secret in secrets:
        good = [signed(STAMP, key=secret.encode())]
        assert verify(good, secrets=secrets).secret == secret
    assert refusal([signed(STAMP, key=b"none of them")], secrets=secrets) == "SignatureMismatch"


def test_every_secret_is_tried_whichever_matches(monkeypatch):
    compared: list[bytes] = []
    real = hmac.compare_digest
    monkeypatch.setattr(
        hmac, "compare_digest", lambda one, other: compared.append(one) or real(one, other)
    )
    verifier = Verifier([SECRET, OTHER, Secret("third")])

    verifier.verify(BODY, timestamps=[STAMP], signatures=[GOOD], now=NOW)

    assert len(compared) == 3


def test_the_first_of_two_equal_secrets_is_the_one_that_matched():
    twin = Secret(SECRET.reveal())

    assert verify(secrets=[SECRET, twin]).secret is SECRET


def test_one_verifier_serves_many_deliveries():
    verifier = Verifier([SECRET])

    for number in range(3):
        body = str(number).encode()
        verifier.verify(body, timestamps=[STAMP], signatures=[signed(STAMP, body)], now=NOW)


def test_neither_a_verifier_nor_what_it_found_shows_the_secret():
    assert SECRET.reveal() not in repr(Verifier([SECRET])) + repr(verify())


# Whatever comes


HEADERS = st.lists(st.binary(max_size=90) | st.sampled_from([STAMP, GOOD, b""]), max_size=3)


@given(signatures=HEADERS, timestamps=HEADERS, body=st.binary(max_size=200))
@example(signatures=[GOOD], timestamps=[STAMP], body=BODY + b"\x00")
def test_garbage_is_refused_and_nothing_else_happens(signatures, timestamps, body):
    if (signatures, timestamps, body) == ([GOOD], [STAMP], BODY):
        return
    assert refusal(signatures, timestamps, body)


@given(stamp=st.text(min_size=1, max_size=20).map(lambda text: text.encode("utf-8", "replace")))
def test_only_ten_or_thirteen_digits_are_a_timestamp(stamp):
    assert refusal([signed(stamp)], [stamp])


@given(
    body=st.binary(max_size=300),
    offset=st.integers(-7200, 300),
    key=st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip),
)
def test_what_was_signed_verifies(body, offset, key):
    secret, stamp = Secret(key), str(SECONDS + offset)
    signature = sign(body, timestamp=stamp, secret=secret).encode()

    found = verify([signature], [stamp.encode()], body, secrets=[OTHER, secret])

    assert found.signed_at == NOW + timedelta(seconds=offset)


# URL validation


def test_w46_answers_a_challenge():
    body = b'{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event":"endpoint.url_validation"}'

    assert answer_challenge(body, secret=SECRET) == {
        "plainToken": "qgg8vlvZRS6UYooatFL8Aw",
        "encryptedToken": hmac.new(
            SECRET.encode(), b"qgg8vlvZRS6UYooatFL8Aw", hashlib.sha256
        ).hexdigest(),
    }


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"payload":{}}', id="W49-missing"),
        pytest.param(b'{"payload":{"plainToken":null}}', id="W49-null"),
        pytest.param(b'{"payload":{"plainToken":123}}', id="W49-number"),
        pytest.param(b'{"payload":{"plainToken":[]}}', id="W49-list"),
        pytest.param(b'{"payload":{"plainToken":{}}}', id="W49-object"),
        pytest.param(b'{"payload":{"plainToken":""}}', id="W49-empty"),
        pytest.param(b'{"payload":null}', id="W49-no-payload"),
        pytest.param(b"{}", id="W49-nothing"),
        pytest.param(b"[]", id="W49-not-an-object"),
        pytest.param(b"", id="W49-no-body"),
        pytest.param(b"nope", id="W49-not-json"),
        pytest.param(challenge_body("a" * 129, event_ts=1), id="W50-129"),
        pytest.param(challenge_body("a" * 1_000_000, event_ts=1), id="W50-1MB"),
        pytest.param(b'{"payload":{"plainToken":"a\\u0000b"}}', id="W50-nul"),
        pytest.param(challenge_body("grün", event_ts=1), id="W50-non-ascii"),
        pytest.param(challenge_body("١٢٣", event_ts=1), id="W50-arabic-digits"),
        pytest.param(b'{"payload":{"plainToken":"\\ud800"}}', id="W50-half-character"),
        pytest.param(b'{"payload":{"plainToken":"\xff"}}', id="W50-not-utf8"),
        pytest.param(challenge_body("abc\n", event_ts=1), id="newline"),
        pytest.param(challenge_body("a b", event_ts=1), id="space"),
        pytest.param(challenge_body("a=b", event_ts=1), id="equals"),
        pytest.param(challenge_body(f"v0:{SECONDS}:{{}}", event_ts=1), id="oracle"),
        pytest.param(b'{"payload":{"plainToken":"a","x":' + b"[" * 100_000, id="deep"),
        pytest.param(b'{"x":' + b"[" * 100_000, id="deep-beside"),
    ],
)
def test_refuses_a_challenge_whose_token_zoom_would_not_send(body):
    with pytest.raises(ChallengeMalformed):
        answer_challenge(body, secret=SECRET)


@pytest.mark.parametrize("token", ["a", "-", "_", "0" * 128, "aZ9_-"])
def test_answers_every_token_zoom_may_send(token):
    answer = answer_challenge(challenge_body(token, event_ts=1), secret=SECRET)

    assert answer["plainToken"] == token


def test_w52_answers_a_repeated_challenge_alike():
    body = challenge_body("Vn3xQ0-tide_7Zb5YhLw2A", event_ts=1)

    assert len({str(answer_challenge(body, secret=SECRET)) for _ in range(100)}) == 1


def test_w53_a_challenge_signed_with_the_old_secret_is_answered_with_it():
    body = challenge_body("Vn3xQ0-tide_7Zb5YhLw2A", event_ts=1)
    old, new = OTHER, SECRET

    found = verify([signed(STAMP, body, old.encode())], body=body, secrets=[new, old])

    assert answer_challenge(body, secret=found.secret)["encryptedToken"] == encrypt_token(
        "Vn3xQ0-tide_7Zb5YhLw2A", old
    )


@given(st.binary(max_size=100))
@example(b'{"payload":{"plainToken":"\xed\xa0\x80"}}')
def test_no_body_makes_a_challenge_fail_otherwise(body):
    with pytest.raises(ChallengeMalformed):
        answer_challenge(body, secret=SECRET)


@given(st.text("aZ9_-:{", min_size=1, max_size=8))
def test_no_answer_is_the_mac_of_a_delivery(token):
    body = challenge_body(token, event_ts=1)

    try:
        answer = answer_challenge(body, secret=SECRET)
    except ChallengeMalformed:
        return
    assert ":" not in token
    assert answer["encryptedToken"] == encrypt_token(token, SECRET)


@given(st.text(min_size=1, max_size=150).filter(str.strip), st.binary(max_size=300))
@example("k" * 64, b"")
@example("k" * 65, b"")
def test_the_key_that_is_taken_in_once_makes_the_librarys_mac(secret: str, body: bytes):
    made = hmac.new(secret.encode(), b"v0:" + STAMP + b":" + body, "sha256").hexdigest()
    Verifier([Secret(secret)]).verify(
        body, timestamps=[STAMP], signatures=[f"v0={made}".encode()], now=NOW
    )
