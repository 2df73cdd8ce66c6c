import time
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from innkeeper.net.inbound import (
    BODY_LIMIT_BYTES,
    JSON_HEADERS,
    PAGE_HEADERS,
    BodyTooLarge,
    ClientGone,
    header_values,
    read_body,
    read_cookies,
    send_answer,
)

pytestmark = pytest.mark.anyio


def scope(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http", "headers": list(headers)}


class Sender:
    """What a server hands over, message by message; it notes how far it was asked."""

    def __init__(self, messages: Iterable[dict[str, Any]]) -> None:
        self._messages = iter(messages)
        self.asked = 0

    async def __call__(self) -> dict[str, Any]:
        self.asked += 1
        return next(self._messages)


def chunks(*bodies: bytes) -> Sender:
    last = len(bodies) - 1
    return Sender(
        {"type": "http.request", "body": body, "more_body": index < last}
        for index, body in enumerate(bodies)
    )


# The body


async def test_reads_a_body_in_one_piece_or_in_many():
    assert await read_body(scope(), chunks(b"whole")) == b"whole"
    assert await read_body(scope(), chunks(b"in", b"", b" pieces")) == b"in pieces"
    assert await read_body(scope(), chunks(b"", b"", b"late", b"")) == b"late"
    assert await read_body(scope(), chunks(b"")) == b""


async def test_a_message_may_leave_out_what_is_empty():
    assert await read_body(scope(), Sender([{"type": "http.request"}])) == b""


async def test_w73_takes_exactly_the_limit_and_not_a_byte_more():
    assert len(await read_body(scope(), chunks(b"x" * BODY_LIMIT_BYTES))) == BODY_LIMIT_BYTES
    with pytest.raises(BodyTooLarge):
        await read_body(scope(), chunks(b"x" * (BODY_LIMIT_BYTES + 1)))


async def test_the_limit_counts_all_pieces_and_stops_the_reading():
    sender = Sender(
        {"type": "http.request", "body": b"x" * 7, "more_body": True} for _ in range(99)
    )

    with pytest.raises(BodyTooLarge):
        await read_body(scope(), sender, limit_bytes=20)

    assert sender.asked == 3


@pytest.mark.parametrize("declared", [b"21", b"10737418240", b"9" * 5000, b"0" * 15 + b"21"])
async def test_w74_what_is_declared_too_large_is_not_read(declared):
    sender = chunks(b"x")

    with pytest.raises(BodyTooLarge):
        await read_body(scope((b"content-length", declared)), sender, limit_bytes=20)

    assert sender.asked == 0


@pytest.mark.parametrize(
    "declared", [b"20", b"0", b"", b"-1", b"+99", b"0x99", b"many", b"\xb2\xb9"]
)
async def test_a_length_that_says_nothing_is_left_to_the_counting(declared):
    headers = scope((b"content-length", declared))

    assert await read_body(headers, chunks(b"x" * 20), limit_bytes=20) == b"x" * 20
    with pytest.raises(BodyTooLarge):
        await read_body(headers, chunks(b"x" * 21), limit_bytes=20)


async def test_a_client_that_hangs_up_is_gone():
    sender = Sender(
        [{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}]
    )

    with pytest.raises(ClientGone):
        await read_body(scope(), sender)


async def test_a_refusal_does_not_repeat_the_body():
    with pytest.raises(BodyTooLarge) as refused:
        await read_body(scope(), chunks(b"canary" * 9), limit_bytes=5)

    assert "canary" not in str(refused.value)


# Headers


def test_lists_every_value_of_a_header():
    headers = scope((b"x-zm-signature", b"a"), (b"accept", b"*/*"), (b"x-zm-signature", b""))

    assert header_values(headers, b"x-zm-signature") == [b"a", b""]
    assert header_values(headers, b"host") == []


def test_w22_a_name_with_underscores_is_another_name():
    assert header_values(scope((b"x_zm_signature", b"good")), b"x-zm-signature") == []


# The answer


async def test_sends_a_whole_answer():
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await send_answer(send, 401, b'{"error":"unauthorized"}')
    await send_answer(send, 405, b"", [(b"allow", b"POST")])

    assert sent == [
        {
            "type": "http.response.start",
            "status": 401,
            "headers": [*JSON_HEADERS, (b"content-length", b"24")],
        },
        {"type": "http.response.body", "body": b'{"error":"unauthorized"}'},
        {
            "type": "http.response.start",
            "status": 405,
            "headers": [(b"allow", b"POST"), (b"content-length", b"0")],
        },
        {"type": "http.response.body", "body": b""},
    ]


def test_a_page_may_load_nothing_from_elsewhere_and_be_framed_by_nobody():
    policy = PAGE_HEADERS["content-security-policy"]

    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert PAGE_HEADERS["referrer-policy"] == "no-referrer"
    assert PAGE_HEADERS["cache-control"] == "no-store"


# Cookies


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        pytest.param([], {}, id="none"),
        pytest.param([b""], {}, id="empty"),
        pytest.param([b"a=1"], {"a": ["1"]}, id="one"),
        pytest.param([b"a=1; b=2"], {"a": ["1"], "b": ["2"]}, id="two"),
        pytest.param([b"a=1;b=2;;  c=3 ;\td=4\t"],
                     {"a": ["1"], "b": ["2"], "c": ["3"], "d": ["4"]}, id="blanks"),
        pytest.param([b"a=1", b"b=2; a=3"], {"a": ["1", "3"], "b": ["2"]}, id="two-headers"),
        pytest.param([b"a=1; a=1; a="], {"a": ["1", "1", ""]}, id="repeated"),
        pytest.param([b"A=1; a=2"], {"A": ["1"], "a": ["2"]}, id="case"),
        pytest.param([b"a=b=c&d"], {"a": ["b=c&d"]}, id="equals"),
        pytest.param([b"__Host-i.x_9=a-b_c~"], {"__Host-i.x_9": ["a-b_c~"]}, id="host"),
        pytest.param([b"path=/x; expires=never; secure=1"],
                     {"path": ["/x"], "expires": ["never"], "secure": ["1"]}, id="attribute-names"),
        pytest.param([b"=__Host-x=1"], {}, id="O16-nameless"),
        pytest.param([b"=; a=1"], {"a": ["1"]}, id="O16-nothing"),
        pytest.param([b"__Host-x"], {}, id="O16-valueless"),
        pytest.param([b'a="1"'], {}, id="O16-quoted"),
        pytest.param([b'a="1; b=2; c="'], {"b": ["2"]}, id="O16-sandwich"),
        pytest.param([b'a="\\073"; b=2'], {"b": ["2"]}, id="O16-octal"),
        pytest.param([b"a=1,b=2"], {}, id="comma"),
        pytest.param([b"a =1; b= 2; c=3 4"], {}, id="inner-blanks"),
        pytest.param([b"a=1\\2; b=1\x002; c=\x7f; d=\xe9; \xe9=1"], {}, id="odd-octets"),
        pytest.param([b"a=1\n; b=2"], {"b": ["2"]}, id="newline"),
        pytest.param([b"$Version=1; a=1"], {"$Version": ["1"], "a": ["1"]}, id="version"),
        pytest.param([b"a[]=1; (b)=2; c:d=3"], {}, id="odd-names"),
        pytest.param([b"a=" + b"x" * 4094], {"a": ["x" * 4094]}, id="4096"),
        pytest.param([b"a=" + b"x" * 4095 + b"; b=2"], {"b": ["2"]}, id="O16-4KB"),
        pytest.param([b"; ".join(b"a=1" for _ in range(180))], {"a": ["1"] * 180}, id="180"),
        pytest.param([b"; ".join(b"a=1" for _ in range(200))], {}, id="O16-200"),
        pytest.param([b"a=1;" * 100, b"a=1;" * 100], {}, id="O16-200-in-two-headers"),
    ],
)  # fmt: skip
def test_reads_plain_cookies_only_and_keeps_what_repeats(headers, found):
    assert read_cookies(scope(*((b"cookie", header) for header in headers))) == found


@given(st.lists(st.binary(max_size=60), max_size=3))
@example([b"\xff=\xff"])
def test_any_header_gives_cookies_or_none(headers):
    found = read_cookies(scope(*((b"cookie", header) for header in headers)))

    assert all(name and values for name, values in found.items())


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[A-Za-z0-9_-]{1,9}", fullmatch=True),
            st.from_regex(r"[A-Za-z0-9_.~-]{0,9}", fullmatch=True),
        ),
        max_size=9,
    )
)
def test_every_plain_cookie_is_read(pairs):
    header = "; ".join(f"{name}={value}" for name, value in pairs).encode()

    found = read_cookies(scope((b"cookie", header)))

    assert [(name, value) for name in found for value in found[name]] == sorted(
        pairs, key=lambda pair: list(found).index(pair[0])
    )


@pytest.mark.parametrize(
    "header",
    [
        b'a="' + b'\\"' * 40_000 + b'"',
        b"a=" + b"\\073" * 20_000,
        b";" * 80_000,
        b"a" * 80_000,
        b"=" * 80_000,
    ],
    ids=["quotes", "octal", "semicolons", "name", "equals"],
)
def test_no_cookie_header_takes_long(header):
    began = time.process_time()

    read_cookies(scope((b"cookie", header)))

    assert time.process_time() - began < 0.5
