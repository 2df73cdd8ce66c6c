"""Bodies that readers of JSON have disagreed about, or fallen over: each with what it is to us.

Made here and not taken over: the categories are those of the known suites for JSON parsers
(numbers, texts, escapes, structure, encodings, depth, keys that stand there twice, size).
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from tests.journeys.house import notification

GOOD: Final = ""
"""It is JSON, and no two readers understand it differently."""


class Odd(NamedTuple):
    """A body, and the reason for which it is refused, or `GOOD`."""

    name: str
    body: bytes
    reading: str


def _numbers() -> Iterator[tuple[bytes, str]]:
    for good in (
        b"0", b"-0", b"-0.0", b"0e0", b"0E+1", b"1e-999", b"1E308", b"1e22", b"1.5e300",
        b"4.9e-324", b"9007199254740993", b"9223372036854775808", b"9999999999999999999",
        b"-9223372036854775809", b"0.1e1", b"123.456e78", b"0." + b"3" * 400, b"1." + b"0" * 400,
    ):  # fmt: skip
        yield good, GOOD
    for huge in (b"1e309", b"-1e309", b"1e9999999", b"9" * 400 + b".5", b"NaN", b"-Infinity"):
        yield huge, "non_finite"
    for long in (b"1" + b"0" * 19, b"-" + b"9" * 20, b"8" * 4_301, b"7" * 20_000):
        yield long, "long_number"
    for bad in (
        b"+1", b"++1", b"--1", b"- 1", b"-", b".5", b"-.5", b"5.", b"-5.", b"1.e1", b"1e", b"1e+",
        b"1E-", b"1e1.5", b"1ee1", b"01", b"-01", b"00", b"0x1f", b"0b1", b"0o7", b"1_000",
        b"1'000", b"1f", b"1L", b"1n", b"-NaN", b"nan", b"inf", b"+Infinity", b"-Inf",
        "\u00bd".encode(), "\uff11".encode(), "\u0663".encode(), "\u22121".encode(), b"1/2", b"#1",
        b"$1", b"1\x00",
    ):  # fmt: skip
        yield bad, "not_json"


def _texts() -> Iterator[tuple[bytes, str]]:
    for good in (
        b'""', b'"\\u0000"', b'"\x7f"', '"\u2028\u2029"'.encode(), '"\ufeff"'.encode(),
        '"\uffff"'.encode(), '"\U0010ffff"'.encode(), '"e\u0301\u202e"'.encode(),
        b'"\\ud83c\\udfee"', b'"\\ud800"', b'"\\uDFFF"', b'"\\udfee\\ud83c"', b'"\\ud83c\\n"',
        b'"\\"\\\\\\/\\b\\f\\n\\r\\t"', b'"\\\\u0000"', b'"\\u005C"', b'"[{[{"', b'"%s%n\\u0025"',
        b'"' + b"a" * 60_000 + b'"', b'"' + b"\\\\" * 5_000 + b'"',
    ):  # fmt: skip
        yield good, GOOD
    for bad in (
        b"'a'", b"`a`", b'"a', b'a"', b'"', b'"\\"', b'"\\x41"', b'"\\0"', b'"\\v"', b'"\\a"',
        b'"\\u"', b'"\\u00"', b'"\\u00e"', b'"\\u00zz"', b'"\\u+041"', b'"\\u 041"',
        b'"\\U00000041"', b'"\\u{41}"', b'"\\ud83c\\u"', b'"\\', b'"a\nb"', b'"a\tb"', b'"\x00"',
        b'"\x1f"', b'"\r"', b'u"a"', b'b"a"', b'"a" + "b"', "\u201ca\u201d".encode(), b'"""a"""',
        b'"\\\n"',
    ):  # fmt: skip
        yield bad, "not_json"
    for coded in (
        b'"\xff"', b'"\x80"', b'"\xc3"', b'"\xe2\x82"', b'"\xf0\x9f\x8f"', b'"\xc0\xaf"',
        b'"\xe0\x80\xaf"', b'"\xed\xa0\x80"', b'"\xed\xa0\xbc\xed\xbf\xae"', b'"\xf4\x90\x80\x80"',
        b'"\xf8\x88\x80\x80\x80"', b'"\xfe\xff"', b"\xff", b'"\\u00\xe9"', b'"\\\xe5"',
    ):  # fmt: skip
        yield coded, "not_utf8"


def _structures() -> Iterator[tuple[bytes, str]]:
    for good in (
        b"null", b"true", b"[]", b"{}", b"[[]   ]", b'{"":0}', b'{"\\u0000":{}}',
        b'[{"a":1},{"a":2}]', b'{"__proto__":{"a":1},"constructor":null}', b'{"a":{"a":{"a":0}}}',
        b"[" + b"[]," * 999 + b"[]]", b"[" + b"0," * 9_999 + b"0]", b" \t\r\n[ 1 , 2 ]\r\n",
    ):  # fmt: skip
        yield good, GOOD
    for bad in (
        b"[1,]", b"[,1]", b"[1,,2]", b"[1", b"[", b"[1}", b'["a":1]', b"[1 2]", b"[1;2]", b"(1)",
        b"[}", b'{"a":1,}', b'{,"a":1}', b'{"a":1,,"b":2}', b'{"a":1', b'{"a":}', b'{"a"}',
        b'{"a" 1}', b'{"a"=1}', b'{"a"::1}', b"{a:1}", b"{1:1}", b"{null:1}", b"{[]:1}",
        b"{'a':1}", b'{"a":1]', b'{"a":1 "b":2}', b'{"a":1;"b":2}', b"{:1}", b'{"a":1}}', b"[1]]",
        b"True", b"None", b"nul", b"nulll", b"undefined", b"TRUE", b"<null>", b"...", b"*", b"&a",
        b"\\u0031", b"/**/1", b"1 // a", b"1 # a", b"<!--1-->", b"\x0c1", b"\x0b1",
        "\u00a01".encode(), "\u20281".encode(), "\u20601".encode(), b"@", b"=1+1",
    ):  # fmt: skip
        yield bad, "not_json"
    for twice in (
        b'{"a":1,"a":1}', b'{"a":1,"b":2,"a":3}', b'{"a":1,"\\u0061":2}', b'{"":1,"":2}',
        b'[[{"a":{"b":1,"b":1}}]]', b'{"\\ud800":1,"\\udbff":2}', b'{"__proto__":1,"__proto__":2}',
    ):  # fmt: skip
        yield twice, "duplicate_key"
    for deep in (31 + 2, 200, 1_000, 20_000):
        yield b"[" * deep + b"]" * deep, "too_deep"
        yield b'{"a":' * deep + b"0" + b"}" * deep, "too_deep"
    yield b"[" * 20_000, "too_deep"
    yield b'[{"":' * 10_000, "too_deep"


VALUES: Final = [*_numbers(), *_texts(), *_structures()]
"""What may stand where JSON has a value, and what that is."""


def values_alone() -> Iterator[Odd]:
    """Give each value as a whole body."""
    for place, (value, reading) in enumerate(VALUES):
        yield Odd(f"value {place}: {value[:24]!r}", value, reading)


def values_within(frame: bytes) -> Iterator[Odd]:
    """Give each value in a frame, at `"odd":0`; what comes after it is well-formed."""
    before, after = frame.split(b'"odd":0')
    for place, (value, reading) in enumerate(VALUES):
        body = before + b'"odd":' + value + after
        yield Odd(f"within {place}: {value[:24]!r}", body, reading)


def events_misread() -> Iterator[Odd]:
    """Give what is odd about a body as a whole: its encoding, its ends, its size."""
    event = notification()
    text = event.decode()
    for coding, reading in (
        ("utf-16", "not_utf8"), ("utf-16-le", "not_json"), ("utf-16-be", "not_json"),
        ("utf-32", "not_utf8"), ("utf-32-le", "not_json"), ("utf-32-be", "not_json"),
        ("utf-8-sig", "bom"), ("cp037", "not_utf8"),
    ):  # fmt: skip
        yield Odd(f"encoded as {coding}", text.encode(coding), reading)
    for name, body, reading in (
        ("nothing", b"", "empty"),
        ("blanks", b" \t\r\n" * 100, "empty"),
        ("blanks around", b"\n\n " + event + b"\r\n\t", GOOD),
        ("two byte order marks", b"\xef\xbb\xbf" * 2 + event, "bom"),
        ("byte order mark at the end", event + b"\xef\xbb\xbf", "not_json"),
        ("NUL in front", b"\x00" + event, "not_json"),
        ("NUL behind", event + b"\x00", "not_json"),
        ("twice", event * 2, "not_json"),
        ("a line each", event + b"\n" + event, "not_json"),
        ("in a list's mouth", event[:-1] + b"]", "not_json"),
        ("an XSSI guard", b")]}',\n" + event, "not_json"),
        ("as JSONP", b"call(" + event + b");", "not_json"),
        ("as a server-sent event", b"data: " + event + b"\n\n", "not_json"),
        ("as a record separator's", b"\x1e" + event + b"\n", "not_json"),
        ("gzip", gzip.compress(event, mtime=0), "not_utf8"),
        ("deflate", zlib.compress(event), "not_utf8"),
        ("as text in text", json.dumps(text).encode(), GOOD),
        ("escaped throughout", b"".join(b"\\u%04x" % each for each in event), "not_json"),
        ("latin-1", notification(userName="Zoë").decode().encode("latin-1"), "not_utf8"),
        ("form", b"payload=" + event, "not_json"),
        ("multipart", b"--x\r\n\r\n" + event + b"\r\n--x--", "not_json"),
        ("yaml", b"event: bot_notification\npayload: {}\n", "not_json"),
        ("xml", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "not_json"),
        ("messagepack", b"\x82\xa5event\xa1e\xa7payload\x80", "not_utf8"),
        ("random", bytes(range(256)), "not_utf8"),
    ):  # fmt: skip
        yield Odd(name, body, reading)
    for cut in range(1, len(event), len(event) // 24):
        yield Odd(f"cut off at {cut}", event[:cut], "not_json")
