"""How does a command write data? In columns for people, as JSON for programs; on stdout."""

from collections.abc import Sequence
from typing import Any

import msgspec
import typer


def print_columns(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows so that what stands below each other begins in the same column."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value)).decode())
