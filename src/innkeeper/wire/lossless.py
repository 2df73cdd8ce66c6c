"""How do we read JSON without losing, inventing or guessing anything?

`parse` refuses what two readers could understand differently. `written` writes a
typed value back over the JSON it came from, so keys that we do not know survive.
"""

import functools
import json
import math
import re
from typing import Any, Final, NamedTuple, cast

import msgspec

from innkeeper.errors import BodyRefused

DEPTH_LIMIT = 32
DIGITS_LIMIT = 19

# Each possessive (`*+`): a string that never ends is passed over once, not once per quote.
_STRING_OR_FILLER: Final = re.compile(r'"(?:[^"\\]*+(?:\\.)?+)*+"?|[^\[\]{}"]++', re.DOTALL)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ZEROS: Final = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER: Final = b"0" * (DIGITS_LIMIT + 1)
_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


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
    # Zoom's bodies are canonical: what reads back to the very same bytes holds no key
    # twice, no odd number and no half character. That proof is eight times faster.
    if _is_shallow(body) and _LONG_NUMBER not in body.translate(_ZEROS):
        try:
            value = _decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _parse_any(body)
        if _encode(value) == body:
            return value
    return _parse_any(body)


def _is_shallow(body: bytes) -> bool:
    return body.count(b"[") + body.count(b"{") <= DEPTH_LIMIT


def _parse_any(body: bytes) -> Any:
    if not body.strip(b" \t\r\n"):
        raise BodyRefused("empty")
    if body.startswith(b"\xef\xbb\xbf"):
        raise BodyRefused("bom")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise BodyRefused("not_utf8") from None
    if not _is_shallow(body):
        _check_depth(text)
    try:
        value = _STRICT.decode(text)
    except json.JSONDecodeError:
        raise BodyRefused("not_json") from None
    return _mended(value) if "\\ud" in text or "\\uD" in text else value


def _check_depth(text: str) -> None:
    depth = 0
    for character in _STRING_OR_FILLER.sub("", text):
        depth += 1 if character in "[{" else -1
        if depth > DEPTH_LIMIT:
            raise BodyRefused("too_deep")


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
        return [_mended(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        # Two keys that differ in a half character only are one key when mended.
        return _unique([(_mended(key), _mended(item)) for key, item in pairs])
    return value


_STRICT: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant, parse_int=_short
)


# Writing


class _Slot(NamedTuple):
    name: str
    key: str
    default: Any


@functools.cache
def _slots(kind: type[msgspec.Struct]) -> tuple[_Slot, ...]:
    return tuple(
        _Slot(
            field.name,
            field.encode_name,
            field.default
            if field.default_factory is msgspec.NODEFAULT
            else field.default_factory(),
        )
        for field in msgspec.structs.fields(kind)
        if field.name != "raw"
    )


def written(value: Any, raw: Any = None) -> Any:
    """Write a typed value as plain JSON over the JSON it came from.

    What the types know is written as they have it now; keys that they do not know,
    and defaults and nulls that were spelt out, stay as they were. A field called
    `raw` is where a value keeps its JSON, so it is not written.

    Example:
        >>> class Lamp(msgspec.Struct, omit_defaults=True):
        ...     colour: str
        ...     lit: bool = False
        >>> written(Lamp("red"), {"colour": "blue", "lit": True, "maker": "Ana"})
        {'colour': 'red', 'lit': False, 'maker': 'Ana'}
    """
    if isinstance(value, msgspec.Struct):
        return _written_struct(value, cast("dict[str, Any]", raw) if isinstance(raw, dict) else {})
    if isinstance(value, list | tuple):
        items = cast("list[Any]", value)
        before = cast("list[object]", raw) if isinstance(raw, list) else []
        if len(before) > len(items):  # which one is gone cannot be told
            before = []
        known = [written(*pair) for pair in zip(items, before, strict=False)]
        return known + [written(item) for item in items[len(before) :]]
    return msgspec.to_builtins(value)


def _written_struct(value: msgspec.Struct, raw: dict[str, Any]) -> dict[str, Any]:
    result = dict(raw)
    config = value.__struct_config__
    if config.tag is not None:
        result[cast("str", config.tag_field)] = config.tag
    for name, key, default in _slots(type(value)):
        current = getattr(value, name)
        before = raw.get(key) if raw else None
        if before is None and current == default:
            continue  # it was not there, or null
        if current is None and default is None:
            del result[key]
        else:
            result[key] = current if isinstance(current, str) else written(current, before)
    return result
