"""What does a client ask of a proxy? A tunnel to a host, or a page by its full address."""

import re
from dataclasses import dataclass
from typing import Final

HEAD_LIMIT_BYTES: Final = 16_384
_LINE: Final = re.compile(rb"([A-Z]{1,32}) ([\x21-\x7e]+) HTTP/1\.[01]")
_HOST_PORT: Final = re.compile(r"([A-Za-z0-9.-]{1,253}):([0-9]{1,5})")
_FULL: Final = re.compile(
    r"https://([A-Za-z0-9.-]{1,253})(?::([0-9]{1,5}))?([/?][^#]*)?", re.IGNORECASE
)
_OUR_BUSINESS: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-authorization", b"proxy-connection"}
)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a client wants led where."""

    host: str
    """In lower case."""
    port: int
    forward: bytes = b""
    """The head to send on, where the client asks in plain words; empty for a tunnel."""


def read_head(head: bytes) -> Ask | None:
    r"""Read the head of a request, its blank line included; None if it asks nothing of a proxy.

    A request by its full address is written anew for the host itself, to be the only one
    of its connection.

    Example:
        >>> read_head(b"CONNECT API.zoom.us:443 HTTP/1.1\r\n\r\n")
        Ask(host='api.zoom.us', port=443, forward=b'')
    """
    first, *rest = head.split(b"\r\n")
    line = _LINE.fullmatch(first)
    if line is None:
        return None
    method, target = line[1], line[2].decode("ascii")
    if method == b"CONNECT":
        place = _HOST_PORT.fullmatch(target)
        return Ask(place[1].lower(), int(place[2])) if place else None
    full = _FULL.fullmatch(target)
    if full is None:
        return None
    path = full[3] or "/"
    asked = f"{method.decode()} {path if path[0] == '/' else f'/{path}'} HTTP/1.1".encode()
    kept = [header for header in rest if header and _name(header) not in _OUR_BUSINESS]
    forward = b"\r\n".join([asked, *kept, b"connection: close", b"", b""])
    return Ask(full[1].lower(), int(full[2] or 443), forward)


def _name(header: bytes) -> bytes:
    return header.partition(b":")[0].strip().lower()
