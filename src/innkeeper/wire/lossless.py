"""How do we read JSON without losing, inventing or guessing anything?

`parse` refuses what two readers could understand differently. `overlay` writes a
typed value back over the JSON it came from, so keys that we do not know survive.
"""

import json
import math
import re
from typing import Any, cast

from innkeeper.errors import BodyRefused

DEPTH_LIMIT = 32
DIGITS_LIMIT = 19

_LONG_NUMBER = re.compile(rf"[0-9]{{{DIGITS_LIMIT + 1}}}")
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
_SURROGATE = re.compile("[\ud800-\udfff]")


def parse(body: bytes) -> Any:
    """Parse a signed body strictly: UTF-8, no BOM, no duplicate keys, finite numbers.

    Lone surrogates become U+FFFD, so that the text can be encoded again.

    Raises:
        BodyRefused: With the reason `empty`, `bom`, `not_utf8`, `not_json`,
            `non_finite`, `too_deep`, `duplicate_key` or `long_number`.

    Example:
        >>> parse(b'{"cmd": "help"}')
        {'cmd': 'help'}
    """
    if not body.strip(b" \t\r\n"):
        raise BodyRefused("empty")
    if body.startswith(b"\xef\xbb\xbf"):
        raise BodyRefused("bom")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise BodyRefused("not_utf8") from None
    if text.count("[") + text.count("{") > DEPTH_LIMIT and _depth(text) > DEPTH_LIMIT:
        raise BodyRefused("too_deep")
    decoder = _CAREFUL if _LONG_NUMBER.search(text) else _STRICT
    try:
        value = decoder.decode(text)
    except json.JSONDecodeError:
        raise BodyRefused("not_json") from None
    return _mended(value) if "\\ud" in text or "\\uD" in text else value


def overlay(raw: Any, known: Any) -> Any:
    """Lay what we know over the JSON it came from, keeping the keys we do not know.

    Example:
        >>> overlay({"a": 1, "new": 2}, {"a": 3})
        {'a': 3, 'new': 2}
    """
    if isinstance(raw, dict) and isinstance(known, dict):
        old, new = cast("dict[str, Any]", raw), cast("dict[str, Any]", known)
        return old | {key: overlay(old.get(key), value) for key, value in new.items()}
    if isinstance(raw, list) and isinstance(known, list):
        before, after = cast("list[Any]", raw), cast("list[Any]", known)
        if len(before) == len(after):
            return list(map(overlay, before, after))
    return cast("Any", known)


def _depth(text: str) -> int:
    deepest = depth = 0
    for character in _STRINGS.sub("", text):
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BodyRefused("duplicate_key")
    return found


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        raise BodyRefused("non_finite")
    return number


def _no_constant(_literal: str) -> float:
    raise BodyRefused("non_finite")


def _short(literal: str) -> int:
    if len(literal.lstrip("-")) > DIGITS_LIMIT:
        raise BodyRefused("long_number")
    return int(literal)


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_mended(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return {_mended(key): _mended(item) for key, item in pairs}
    return value


_STRICT = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant
)
_CAREFUL = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant, parse_int=_short
)
