"""Do a bot's colours reach the page, and nothing but colours?"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.ui.colors import color_name, color_sheet


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("#0E72ED", "0e72ed"),
        ("#ffffff", "ffffff"),
        ("0E72ED", None),
        ("#0E72E", None),
        ("#0E72ED0", None),
        ("#0E72EG", None),
        ("#0e72ed\n", None),
        ("#0e72ed;}*{x:y", None),
        ("red", None),
        ("", None),
        (None, None),
        (0x0E72ED, None),
    ],
)
def test_a_colour_is_a_hash_and_six_digits(value: object, name: str | None) -> None:
    assert color_name(value) == name


@given(st.from_regex(r"[0-9a-f]{6}", fullmatch=True))
def test_a_sheet_holds_the_colour_and_a_readable_one_for_the_dark(name: str) -> None:
    sheet = (color_sheet(f"colors/{name}.css") or b"").decode()

    assert re.fullmatch(
        rf"\.ink-{name}\{{color:#{name}\}} \.bar-{name}\{{background-color:#{name}\}} "
        r"@media\(prefers-color-scheme:dark\)\{"
        rf"\.ink-{name}\{{color:#[0-9a-f]{{6}}\}}\}}\n",
        sheet,
    )


@pytest.mark.parametrize(("name", "dark"), [("000000", "898989"), ("ffffff", "ffffff")])
def test_a_dim_text_is_lifted_just_far_enough(name: str, dark: str) -> None:
    assert f"color:#{dark}}}}}".encode() in (color_sheet(f"colors/{name}.css") or b"")


@pytest.mark.parametrize(
    "file", ["colors/0E72ED.css", "colors/0e72e.css", "0e72ed.css", "colors/../app.css", ""]
)
def test_no_other_file_is_a_colour(file: str) -> None:
    assert color_sheet(file) is None
