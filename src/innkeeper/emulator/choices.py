"""Which switches does a document choose? A preset first, then single rules by name."""

from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

from innkeeper.emulator.rules import PRESETS, SWITCHES, Rules, Switch, preset
from innkeeper.errors import InnkeeperError

PRESET: Final = "preset"
"""The key that chooses all switches at once; the names beside it then have their way."""


class RuleRefused(InnkeeperError, ValueError):
    """A rule or a value that does not exist; `name` is the key, empty for the whole."""

    code = "rule_refused"

    def __init__(self, name: str, why: str, fix: str) -> None:
        self.name = name
        self.fix = fix
        super().__init__(f"{name or 'the rules'} refused", why)


def choose(document: Any, *, now: Rules) -> Rules:
    """Read which rules shall hold: those of now, but for what a document changes.

    Args:
        document: JSON, such as `{"preset": "rfc", "decline": "stay"}`.

    Raises:
        RuleRefused: Naming what is wrong, and what is known; nothing was changed then.
    """
    if not isinstance(document, Mapping):
        raise RuleRefused("", "it is no object", f"Known are: {PRESET}, {', '.join(SWITCHES)}.")
    wanted = dict(cast("Mapping[str, Any]", document))
    rules = now
    if PRESET in wanted:
        name = wanted.pop(PRESET)
        if name not in PRESETS:
            raise RuleRefused(PRESET, f"{name!r} is no preset", f"Write {_either(PRESETS)}.")
        rules = preset(name)
    for name, value in wanted.items():
        _check(name, value)
    return msgspec.structs.replace(rules, **wanted)


def described(rules: Rules) -> dict[str, Any]:
    """Write every switch as the control API gives it, with the value that it has now."""
    return {
        "presets": list(PRESETS),
        "rules": [_row(switch, getattr(rules, switch.name)) for switch in SWITCHES.values()],
    }


def _check(name: str, value: Any) -> None:
    switch = SWITCHES.get(name)
    if switch is None:
        known = f"Known are: {PRESET}, {', '.join(SWITCHES)}."
        raise RuleRefused(name, "no rule has this name", known)
    if switch.bounds is not None:
        low, high = switch.bounds
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            fix = f"Write a whole number from {low} to {high}."
            raise RuleRefused(name, f"{value!r} is no value of it", fix)
    elif not any(value == known and type(value) is type(known) for known in switch.values):
        fix = f"Write {_either(switch.values)}."
        raise RuleRefused(name, f"{value!r} is no value of it", fix)


def _row(switch: Switch, value: Any) -> dict[str, Any]:
    return {
        "name": switch.name,
        "value": value,
        "area": switch.area,
        "mark": switch.mark,
        "about": switch.about,
        "source": switch.source,
        "values": list(switch.values),
        "bounds": list(switch.bounds) if switch.bounds else None,
        "presets": dict(switch.presets),
    }


def _either(values: tuple[Any, ...]) -> str:
    words = [str(each).lower() if isinstance(each, bool) else str(each) for each in values]
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
