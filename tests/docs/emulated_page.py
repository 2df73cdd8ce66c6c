"""The reference of what is emulated and what is not, as the code has it.

`python -m tests.docs.emulated_page` writes docs/reference/emulated.md anew.
"""

from collections.abc import Iterator
from itertools import groupby

from innkeeper.emulator.coverage import ROWS, Row
from tests.docs.blocks import ROOT

PLACE = ROOT / "docs" / "reference" / "emulated.md"
_HEAD = """# What is emulated

Each call and feature of Zoom's that a chatbot may want, and how far the emulator has it.
What is not emulated answers 501 under `/v2`, says so, and is counted:
see the page Not emulated, or `GET /_emulator/not-emulated`.
"""
_STATUS = {"full": "yes", "partial": "in part", "none": "no"}


def page() -> str:
    """Write the whole page."""
    return "".join([_HEAD, *_areas()])


def _areas() -> Iterator[str]:
    for area, rows in groupby(ROWS, lambda row: row.area):
        yield f"\n## {area}\n\n| Call | Emulated | Note |\n|---|---|---|\n"
        yield from map(_row, rows)


def _row(row: Row) -> str:
    call = f"`{row.call}`" if "/" in row.call else row.call
    return f"| {call} | {_STATUS[row.status]} | {row.note} |\n"


if __name__ == "__main__":
    PLACE.write_text(page(), "utf-8")
