"""What is put in: garbage, and what is nearly right, which goes deeper."""

import json
from typing import Any, Final

from hypothesis import strategies as st

from innkeeper.wire.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER
from tests.journeys.house import mac, stamp
from tests.wire.odd_bodies import VALUES
from tests.wire.samples import CARD, EVENTS

ODD_VALUES: Final = [value for value, _ in VALUES if len(value) < 99]
ANY_TEXT: Final = st.text(st.characters(exclude_categories=[]), max_size=60)
PLAIN: Final = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
)
JSON: Final = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def damaged(whole: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Put something else in some places of what would be right."""
    pieces = st.binary(max_size=6) | st.sampled_from(ODD_VALUES)
    places = st.tuples(st.integers(0, 2_000), st.integers(0, 40), pieces)

    def damage(good: bytes, harm: list[tuple[int, int, bytes]]) -> bytes:
        for at, less, piece in harm:
            start = at % (len(good) + 1)
            good = good[:start] + piece + good[start + less :]
        return good

    return st.builds(damage, whole, st.lists(places, max_size=3))


BODIES: Final = st.binary(max_size=80) | damaged(
    st.sampled_from([json.dumps(event).encode() for event in EVENTS.values()])
)


def damaged_json(whole: Any) -> st.SearchStrategy[Any]:
    """Put something else for some of the values of a JSON object, at any depth."""

    @st.composite
    def draw_it(draw: st.DrawFn) -> Any:
        value = json.loads(json.dumps(whole))
        for _ in range(draw(st.integers(1, 3))):
            place = value
            while True:
                keys = list(place) if isinstance(place, dict) else list(range(len(place)))
                if not keys:
                    break
                key = draw(st.sampled_from(keys))
                if isinstance(place[key], dict | list) and draw(st.booleans()):
                    place = place[key]
                else:
                    place[key] = draw(JSON)
                    break
        return value

    return draw_it()


CARDS: Final = JSON | damaged_json(CARD)

# HTTP, down to its bytes

METHODS: Final = st.sampled_from(
    [b"POST"] * 12 + [b"GET"] * 6 + [b"HEAD", b"PUT", b"FOO", b"post", b"CONNECT", b""]
)
TARGETS: Final = st.sampled_from(
    [b"/events"] * 12
    + [b"/deauthorize", b"/events?a=b", b"/install", b"/oauth/callback?code=c&state=s", b"/launch"]
    + [b"/", b"*", b"http://a/events", b"//events", b"/%65vents", b"/receipts/%00", b"/static/../x"]
    + [b"/\xff", b"/a b", b""]
)
NAMES: Final = (
    st.sampled_from([b"content-length", b"transfer-encoding", b"expect", b"connection", b"te"])
    | st.sampled_from([b"content-encoding", b"host", b"upgrade", b"cookie", b"trailer", b"x"])
    | st.sampled_from([TIMESTAMP_HEADER.encode(), SIGNATURE_HEADER.encode()])
    | st.binary(max_size=8)
)
HEADER_VALUES: Final = (
    st.sampled_from([b"0", b"1", b"-1", b"00", b"1e1", b"99999999999999999999", b"", b" "])
    | st.sampled_from([b"chunked", b"chunked, chunked", b"100-continue", b"close", b"keep-alive"])
    | st.sampled_from([b"gzip", b"identity", b"h2c", stamp().encode(), b"v0=" + b"a" * 64])
    | st.binary(max_size=12)
)
ENDS: Final = st.sampled_from([b"\r\n"] * 20 + [b"\n", b"\r", b"\r\n ", b""])


@st.composite
def _request(draw: st.DrawFn) -> bytes:
    body = draw(BODIES)
    line = b"%b %b %b" % (
        draw(METHODS),
        draw(TARGETS),
        draw(st.sampled_from([b"HTTP/1.1"] * 20 + [b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.", b""])),
    )
    fields = draw(st.lists(st.tuples(NAMES, HEADER_VALUES), max_size=4))
    if draw(st.booleans()):
        fields += [
            (TIMESTAMP_HEADER.encode(), stamp().encode()),
            (SIGNATURE_HEADER.encode(), mac(body, stamp(), SIGNED_WITH).encode()),
        ]
    framing = draw(st.sampled_from(["length", "length", "chunks", "none"]))
    if framing == "length":
        fields.append((b"content-length", b"%d" % len(body)))
    elif framing == "chunks":
        fields.append((b"transfer-encoding", b"chunked"))
        body = b"%x\r\n%b\r\n0\r\n" % (len(body), body) + draw(ENDS)
    end = draw(ENDS)
    return end.join([line, *(b"%b: %b" % field for field in fields), b"", b""]) + body


SIGNED_WITH: Final = "a-secret-token-at-the-door"
"""What `tests.doors` verifies with."""
REQUESTS: Final = st.lists(_request() | damaged(_request()), min_size=1, max_size=3)
"""What one connection says, one request after the other."""
CUTS: Final = st.lists(st.integers(0, 1_500), max_size=4)
"""Where what is said arrives in parts."""
