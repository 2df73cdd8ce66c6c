"""What do the pages show that move the emulator: its clock, and its rules?"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class DueView:
    """Something that happens by itself when its time comes. `url` leads to more about it."""

    time: datetime
    what: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class OrderedFaultView:
    """A fault that was ordered: what goes wrong, where, and how often it did."""

    number: int
    what: str
    applied: int
    spent: bool = False


@dataclass(frozen=True, slots=True)
class FaultKindView:
    """A kind of fault: what it does, and which fields of the form it takes."""

    name: str
    about: str = ""
    takes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FaultKindsView:
    """The kinds of faults of one side."""

    name: str
    kinds: tuple[FaultKindView, ...]


@dataclass(frozen=True, slots=True)
class ClockView:
    """The emulator's time, what is due next, and which faults were ordered.

    Posts /clock/advance with `seconds`, or with `amount` and `unit`; /clock/reset;
    /clock/faults with `kind`, `where`, `times` and what the kind takes, `status` or `seconds`;
    /clock/faults/remove with `number`.
    """

    now: datetime
    frozen: bool = False
    due: tuple[DueView, ...] = ()
    faults: tuple[OrderedFaultView, ...] = ()
    kinds: tuple[FaultKindsView, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleView:
    """One switch: what it is about, what it is, what it may be.

    Args:
        values: What it may be; empty for a number from `low` to `high`.
        mark: How sure the default is, in words.
        default: What the preset `zoom` chooses.
    """

    name: str
    about: str
    value: str
    default: str
    mark: str
    values: tuple[str, ...] = ()
    low: int = 0
    high: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class RuleGroupView:
    """The switches of one area."""

    name: str
    rules: tuple[RuleView, ...]


@dataclass(frozen=True, slots=True)
class CheckView:
    """One check that can refuse a request, and what it would have accepted."""

    name: str
    accepts: str


@dataclass(frozen=True, slots=True)
class RulesView:
    """Every switch and every check.

    Posts /rules with `rule` and `value`, and /rules/preset with `preset`.
    """

    groups: tuple[RuleGroupView, ...]
    presets: tuple[str, ...]
    preset: str = ""
    """The preset that holds as a whole, if one does."""
    checks: tuple[CheckView, ...] = ()
