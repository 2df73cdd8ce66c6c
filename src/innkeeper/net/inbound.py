"""How do we read a request? Straight from ASGI, with limits, before any framework."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from innkeeper.errors import InnkeeperError
from innkeeper.net.outbound import Receive, Scope, Send

BODY_LIMIT_BYTES = 262_144

Headers = Sequence[tuple[bytes, bytes]]
"""A request's headers, in the order in which they came, with names in lower case."""

# RFC 6265: a token, then octets without quotes, commas, backslashes or blanks. What
# readers understand differently, a quoted value above all, is no cookie of ours.
_COOKIE: Final = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+)=([\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*)"
)
_COOKIE_LIMIT_BYTES: Final = 4096
_COOKIES_LIMIT: Final = 180  # browsers keep no more for one site

JSON_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-type", b"application/json; charset=utf-8"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)

ALSO: Mapping[int, tuple[tuple[bytes, bytes], ...]] = {
    405: ((b"allow", b"POST"),),
    503: ((b"retry-after", b"5"),),
}
"""What an answer to a delivery says besides, by its status."""

PAGE_HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
"""What every HTML page is sent with."""


class BodyTooLarge(InnkeeperError):
    """The body is larger than the limit."""

    code = "body_too_large"
    fix = "Zoom's events are far smaller; check who is sending."


class ClientGone(InnkeeperError):
    """The client hung up before its request was whole."""

    code = "client_gone"


async def read_body(
    scope: Scope, receive: Receive, *, limit_bytes: int = BODY_LIMIT_BYTES
) -> bytes:
    """Read a request's body, refusing early what is declared or grows too large.

    Raises:
        BodyTooLarge: Before reading, if the declared length is over the limit.
        ClientGone: If the client hung up.
    """
    if declared_bytes(scope["headers"]) > limit_bytes:
        raise BodyTooLarge("body refused", f"over {limit_bytes} bytes")
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone("request broken off")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit_bytes:
            raise BodyTooLarge("body refused", f"over {limit_bytes} bytes")
        if chunk:
            chunks.append(chunk)
        more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def declared_bytes(headers: Headers) -> int:
    """Read how long a body is said to be; 0 where nothing is said."""
    value = dict(headers).get(b"content-length", b"")
    return int(value[:20]) if value.isdigit() else 0


def header_values(scope: Scope, name: bytes) -> list[bytes]:
    """List every value of a header, without blanks around it; `name` in lower case."""
    return [value.strip(b" \t") for key, value in scope["headers"] if key == name]


async def send_answer(
    send: Send,
    status: int,
    body: bytes,
    headers: Iterable[tuple[bytes, bytes]] = JSON_HEADERS,
) -> None:
    """Send a whole answer."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def send_reply(send: Send, status: int, body: bytes) -> None:
    """Answer a delivery: JSON, and what its status says besides."""
    await send_answer(send, status, body, (*JSON_HEADERS, *ALSO.get(status, ())))


def read_cookies(scope: Scope) -> dict[str, list[str]]:
    """Read the cookies, keeping every value of a repeated name.

    What is no plain cookie (nameless, quoted, over 4 KiB) counts as absent, and so
    does a list longer than a browser would send.
    """
    pairs = b";".join(header_values(scope, b"cookie")).split(b";")
    found: dict[str, list[str]] = {}
    for pair in pairs if len(pairs) <= _COOKIES_LIMIT else ():
        cookie = _COOKIE.fullmatch(pair.strip(b" \t"))
        if cookie is not None and len(cookie[0]) <= _COOKIE_LIMIT_BYTES:
            found.setdefault(cookie[1].decode(), []).append(cookie[2].decode())
    return found
