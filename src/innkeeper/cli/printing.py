"""How does a command write data? In columns for people, as JSON for programs; on stdout."""

from collections.abc import Sequence
from typing import Any

import click
import msgspec

from innkeeper.ui.markdown import clean, steady


def print_columns(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows so that what stands below each other begins in the same column.

    What others wrote, such as a name, can neither move the cursor nor turn the text round.
    """
    rows = [tuple(map(fit, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def fit(text: str) -> str:
    """Write a text as a terminal may be given it, in one line."""
    return steady(clean(text)).replace("\n", " ").replace("\t", " ")


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(value)).decode())
