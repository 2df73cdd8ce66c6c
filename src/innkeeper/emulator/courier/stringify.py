"""How would JSON.stringify write this? So that bytes survive a parse and a rewrite in JavaScript.

Zoom's own samples and SDK check a webhook's signature over `JSON.stringify(req.body)`. That
works only while the body is exactly what JavaScript would write: compact, UTF-8 unescaped,
integer-like keys first and ascending, numbers as JavaScript prints them.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, cast

_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,9}")
_LARGEST_INDEX: Final = 2**32 - 2
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SAFE: Final = 2**53
_PLAIN_FIGURES: Final = 21
_SMALLEST_PLAIN: Final = -6


def stringify(value: Any) -> bytes:
    """Write JSON as JavaScript writes it; half surrogates become U+FFFD.

    Raises:
        TypeError: For what is no JSON value.

    Example:
        >>> stringify({"b": 1.0, "2": "é", "1": None}).decode()
        '{"1":null,"2":"é","b":1}'
    """
    return "".join(_write(value)).encode()


def _write(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield json.dumps(_SURROGATE.sub("\ufffd", value), ensure_ascii=False)
    elif isinstance(value, dict):
        yield from _write_object(cast("dict[str, Any]", value))
    elif isinstance(value, list | tuple):
        yield "["
        for index, item in enumerate(cast("list[Any]", value)):
            yield "," if index else ""
            yield from _write(item)
        yield "]"
    else:
        yield _scalar(value)


def _write_object(members: Mapping[str, Any]) -> Iterator[str]:
    indices = sorted((key for key in members if _is_index(key)), key=int)
    ordered = [*indices, *(key for key in members if not _is_index(key))]
    yield "{"
    for position, key in enumerate(ordered):
        yield "," if position else ""
        yield from _write(key)
        yield ":"
        yield from _write(members[key])
    yield "}"


def _is_index(key: str) -> bool:
    return _INDEX.fullmatch(key) is not None and int(key) <= _LARGEST_INDEX


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) < _SAFE:
        return str(value)
    if isinstance(value, int | float):
        return _number(value)
    message = f"{type(value).__name__} is no JSON value"
    raise TypeError(message)


def _number(value: float) -> str:
    """Print a number by ECMAScript's `Number::toString`.

    Source: https://tc39.es/ecma262/#sec-numeric-types-number-tostring
    """
    if not abs(value) <= sys.float_info.max:
        return "null"
    number = float(value)
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    _, figures, exponent = Decimal(repr(abs(number))).as_tuple()
    digits = "".join(map(str, figures))
    point = len(digits) + int(exponent)
    return sign + _placed(digits.rstrip("0"), point)


def _placed(digits: str, point: int) -> str:
    if len(digits) <= point <= _PLAIN_FIGURES:
        return digits + "0" * (point - len(digits))
    if 0 < point <= _PLAIN_FIGURES:
        return f"{digits[:point]}.{digits[point:]}"
    if _SMALLEST_PLAIN < point <= 0:
        return f"0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"
