"""What does the page show that says what is not emulated?"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """One call or feature of Zoom's, how far it is emulated, and how often asked in vain."""

    area: str
    call: str
    status: Literal["full", "partial", "none"]
    note: str = ""
    asked: int = 0


@dataclass(frozen=True, slots=True)
class NotEmulatedView:
    """The table, at GET /not-emulated. `unlisted` was asked for and is in no row."""

    rows: tuple[CoverageRow, ...]
    unlisted: tuple[CoverageRow, ...] = ()
