"""What is promised and what is documented are the same names."""

import re
from pathlib import Path

import pytest

import innkeeper

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"


def documented() -> list[str]:
    """Read the names in the first column of every table that is headed `Name`."""
    names: list[str] = []
    in_table = False
    for line in REFERENCE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if not line.startswith("|"):
            in_table = False
        elif cells[1] == "Name":
            in_table = True
        elif in_table:
            names += re.findall(r"`(\w+)`", cells[1])
    return names


def test_the_reference_lists_every_public_name_once_and_no_other():
    assert sorted(documented()) == sorted(innkeeper.__all__)


def test_every_public_name_is_there_and_has_a_docstring():
    for name in innkeeper.__all__:
        assert getattr(innkeeper, name).__doc__, name


def test_what_is_not_public_is_not_there():
    with pytest.raises(AttributeError):
        innkeeper.Landlord  # noqa: B018  # asking is the test


def test_public_names_are_listed_in_order():
    assert list(innkeeper.__all__) == sorted(innkeeper.__all__)
