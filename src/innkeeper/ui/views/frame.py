"""What surrounds a page, and what do several pages show?"""

from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "bad", "info"]


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person, as pages name them. `initials` empty: made from the name."""

    id: str
    name: str
    role: str = ""
    account: str = ""
    initials: str = ""


@dataclass(frozen=True, slots=True)
class NoticeView:
    """One sentence about what the last form did."""

    text: str
    tone: Tone = "good"


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds a page.

    Args:
        prefix: Put before every address of ours, for pages mounted below a path
            ("" or "/zoom", without a slash at its end).
        viewer: Who is signed in; shown in the header of the emulator's pages.
        people: Whom the viewer can become (POST /signin with `user` and `next`).
        here: This page's path and query, where /signin leads back to.
        clock_ahead_seconds: How far the emulator's clock is ahead; shown when not zero.
        notice: What the last form did.
        style: The address of an app's own style sheet, which comes after ours.
    """

    prefix: str = ""
    viewer: PersonView | None = None
    people: tuple[PersonView, ...] = ()
    here: str = "/"
    clock_ahead_seconds: float = 0
    notice: NoticeView | None = None
    style: str = ""
