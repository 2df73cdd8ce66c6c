import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.errors import GrantRefused, NeedsReauth, TokenResponseInvalid
from innkeeper.secret import Secret
from innkeeper.wire.device import (
    ACCESS_DENIED,
    AUTHORIZATION_PENDING,
    EXPIRED_TOKEN,
    KEEP_ASKING,
    SLOW_DOWN,
    DeviceCode,
    poll_request,
)
from innkeeper.wire.oauth import parse_form, read_tokens

CODES = st.text(min_size=1, max_size=60)


@given(CODES, CODES, st.integers(1, 10_000), st.integers(1, 60))
def test_reads_back_what_it_writes(device: str, user: str, lifetime: int, interval: int) -> None:
    code = DeviceCode(
        device_code=device,
        user_code=user,
        verification_uri="https://zoom.us/oauth_device",
        verification_uri_complete=f"https://zoom.us/oauth/device/complete/{user}",
        expires_in=lifetime,
        interval=interval,
    )
    assert DeviceCode.parse(code.json()) == code


@given(st.binary(max_size=200))
def test_refuses_garbage_in_one_way(body: bytes) -> None:
    with pytest.raises(TokenResponseInvalid):
        DeviceCode.parse(body)


@pytest.mark.parametrize("change", [("expires_in", 0), ("interval", 0), ("device_code", "")])
def test_refuses_a_code_that_cannot_be_used(change: tuple[str, object]) -> None:
    fields: dict[str, object] = {
        "device_code": "d",
        "user_code": "u",
        "verification_uri": "https://zoom.us/oauth_device",
    }
    code = DeviceCode(**{**fields, change[0]: change[1]})  # type: ignore[arg-type]
    with pytest.raises(TokenResponseInvalid):
        DeviceCode.parse(code.json())


def test_prints_neither_code() -> None:
    code = DeviceCode(device_code="d3v1ce", user_code="us3r", verification_uri="https://zoom.us/x")
    assert "d3v1ce" not in f"{code} {code!r} {code.secret}"
    assert "us3r" not in f"{code}"


def test_asks_with_the_device_grant() -> None:
    form = parse_form(poll_request(Secret("d 1")).form().decode())
    assert form == {
        "grant_type": ["urn:ietf:params:oauth:grant-type:device_code"],
        "device_code": ["d 1"],
    }


@pytest.mark.parametrize("fault", [AUTHORIZATION_PENDING, SLOW_DOWN, EXPIRED_TOKEN, ACCESS_DENIED])
def test_tells_not_yet_from_no(fault: object) -> None:
    assert (fault in {AUTHORIZATION_PENDING, SLOW_DOWN}) == (fault.error in KEEP_ASKING)  # type: ignore[attr-defined]


def test_the_token_endpoints_reader_names_the_error_of_a_poll() -> None:
    with pytest.raises(GrantRefused) as refused:
        read_tokens(400, "application/json", b'{"error":"authorization_pending"}', refreshable=True)
    assert refused.value.reason in KEEP_ASKING
    assert not isinstance(refused.value, NeedsReauth)
