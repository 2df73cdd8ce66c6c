"""client_quirks 8: bodies are written as `JSON.stringify` writes them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.emulator.courier.stringify import stringify
from innkeeper.wire import lossless


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"b": 1, "a": [True, False, None]}, '{"b":1,"a":[true,false,null]}'),
        ({"z": 0, "10": 1, "9": 2, "01": 3}, '{"9":2,"10":1,"z":0,"01":3}'),
        ({"4294967294": 1, "4294967295": 2, "0": 3}, '{"0":3,"4294967294":1,"4294967295":2}'),
        (1.0, "1"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (2**53 + 1, "9007199254740992"),
        (2**60, "1152921504606847000"),
        (float("inf"), "null"),
        (10**400, "null"),
        ("grüße 🎉 \u2028 \x7f", '"grüße 🎉 \u2028 \x7f"'),
        ('"\\\n\x00\x1f', '"\\"\\\\\\n\\u0000\\u001f"'),
        ("half \ud83c", '"half \ufffd"'),
    ],
)
def test_writes_what_javascript_would_write(value: Any, written: str) -> None:
    assert stringify(value).decode() == written


def test_refuses_what_is_no_json() -> None:
    with pytest.raises(TypeError, match="bytes"):
        stringify({"a": b"raw"})


_text = st.text(st.characters(exclude_categories=["Cs"]))
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4),
    max_leaves=15,
)


@given(_json)
def test_loses_nothing_and_is_stable(value: Any) -> None:
    written = stringify(value)
    assert lossless.parse(written) == value
    assert stringify(lossless.parse(written)) == written
