"""What does Atheris begin with? Our own fixtures, as they are said.

An input that begins with `=` is what comes from outside, byte for byte, and changing it
changes what is said. Any other lets Hypothesis think of one, as in the other tests.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from hypothesis import given

from innkeeper.net.exchange import ANSWER_LIMIT_BYTES
from innkeeper.wire.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER
from tests.fuzz.inputs import ODD_VALUES, SIGNED_WITH
from tests.fuzz.surfaces import Play, Surface, patiently
from tests.journeys.house import mac, stamp
from tests.vectors import cases
from tests.wire.samples import CARD, EVENTS

AS_IT_IS: Final = b"="
_DRAWN: Final = 24
"""How many inputs there are for Hypothesis; the longer, the more it can think of."""


@dataclass(frozen=True, slots=True)
class Said:
    """How bytes are put into a surface, and which are right."""

    read: Callable[[bytes], Any]
    examples: Sequence[bytes]


def _value(said: bytes) -> Any:
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return None


def _text(said: bytes) -> str:
    try:
        return said.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return said.decode("latin-1")


def _page(said: bytes) -> tuple[str, str, list[bytes], str]:
    query, _, cookie = said.partition(b"\n")
    return "/oauth/callback", query.decode("latin-1"), [cookie], ""


def _request(body: bytes) -> bytes:
    at = stamp()
    head = {
        "host": "127.0.0.1:8701",
        TIMESTAMP_HEADER: at,
        SIGNATURE_HEADER: mac(body, at, SIGNED_WITH),
        "content-length": str(len(body)),
    }
    lines = ["POST /events HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


_EVENTS: Final = [json.dumps(event).encode() for event in EVENTS.values()]
_TOKENS: Final = [case["body"].encode() for case in cases("token_answers")]
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_MARKED: Final = (b"*bold* ~gone~ `code` <https://a.test|a> <!U1|Ana>", b"> quoted\n- one\n- two")
_CHUNKS: Final = b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nx: y\r\n\r\n"

SAID: Final = {
    "JSON": Said(bytes, [*_EVENTS, *ODD_VALUES]),
    "events": Said(bytes, _EVENTS),
    "cards": Said(_value, [json.dumps(CARD).encode()]),
    "markdown": Said(_text, _MARKED),
    "token answers": Said(lambda said: (200, "application/json", said, True), _TOKENS),
    "API refusals": Said(lambda said: (429, {}, said), _TOKENS),
    "cookies": Said(lambda said: [said], [b"innkeeper-a=b; __Host-c=d"]),
    "pages": Said(_page, [b"code=c&state=s\ninnkeeper-a=b", b"error=access_denied&state=s\n"]),
    "connections": Said(lambda said: ([said], []), [_request(event) for event in _EVENTS]),
    "odd answers": Said(
        lambda said: (said, [], ANSWER_LIMIT_BYTES, None),
        [_ANSWER + b"Content-Length: 2\r\n\r\n{}", _ANSWER + _CHUNKS, _ANSWER + b"\r\n{}"],
    ),
}
"""By the name of the surface. A signature cannot be guessed, nor what an answer means: what
is not here is left to Hypothesis alone."""


def corpus(surface: Surface) -> list[bytes]:
    """Give what is put in first."""
    chance = Random(surface.name)  # noqa: S311  # no secret: it is to repeat itself
    drawn = [bytes(1) + chance.randbytes(64 << each % 6) for each in range(_DRAWN)]
    said = SAID.get(surface.name)
    return drawn + [AS_IT_IS + each for each in (said.examples if said else ())]


def by_bytes(surface: Surface, play: Play) -> Callable[[bytes], object]:
    """Make what plays one input of bytes."""
    think = patiently(1)(given(surface.inputs)(play)).hypothesis.fuzz_one_input
    said = SAID.get(surface.name)

    def one(data: bytes) -> object:
        if said and data.startswith(AS_IT_IS):
            return play(said.read(data[1:]))
        return think(data[1:])

    return one
