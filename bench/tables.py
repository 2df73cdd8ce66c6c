"""How is what was measured shown? In a table of three columns."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

Row = tuple[str, str, str]
"""What was measured, what came of it, and what was wanted."""


def show(rows: Sequence[Row]) -> None:
    """Print rows as a table."""
    table = Table("measured", "value", "wanted")
    for row in rows:
        table.add_row(*row)
    Console(width=100).print(table)
