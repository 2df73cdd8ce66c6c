"""The reference of the emulator's switches and checks, as the code has them.

`python -m tests.docs.rules_page` writes docs/reference/rules.md anew.
"""

from collections.abc import Iterator
from typing import Any

from innkeeper.emulator.rules import SWITCHES, Switch
from innkeeper.emulator.traffic.checks import CHECKS
from tests.docs.blocks import ROOT

PLACE = ROOT / "docs" / "reference" / "rules.md"
_AREAS = {
    "oauth": "OAuth",
    "api": "The API",
    "courier": "Webhooks",
    "chat": "Chat",
    "cards": "Cards",
    "marketplace": "The Marketplace",
}
_HEAD = """# Rules of the emulator

What Zoom leaves open, or does differently from the RFCs, is a switch.
Each is set by name: in a seed (`"rules": {"preset": "rfc", "decline": "stay"}`),
by `PATCH /_emulator/rules`, or on the page Rules.
A preset sets them all: `zoom` (the default), `rfc`, `paranoid`.

The mark says how sure the default is:
C confirmed by Zoom, S second-hand, A assumed, D sources disagree.
"""
_CHECKS = """
## Checks

When a request is refused, the header `x-emulator-refused` names the check
and `x-emulator-accepts` says what would have been taken; the page Traffic shows both.
The body stays as terse as Zoom's.

| Check | Accepts |
|---|---|
"""


def page() -> str:
    """Write the whole page."""
    return "".join([_HEAD, *_switches(), _CHECKS, *_checks()])


def _switches() -> Iterator[str]:
    for area, title in _AREAS.items():
        yield f"\n## {title}\n\n| Rule | Values | `rfc` | `paranoid` | Mark | Meaning |\n"
        yield "|---|---|---|---|---|---|\n"
        yield from (_row(each) for each in SWITCHES.values() if each.area == area)


def _row(switch: Switch) -> str:
    default = switch.presets["zoom"]
    rest = [value for value in switch.values if value != default]
    values = ", ".join(_code(value) for value in (default, *rest))
    if switch.bounds is not None:
        values = f"{_code(default)} ({switch.bounds[0]} to {switch.bounds[1]})"
    others = (
        _code(switch.presets[name]) if switch.presets[name] != default else ""
        for name in ("rfc", "paranoid")
    )
    cells = (_code(switch.name), values, *others, switch.mark, switch.about)
    return f"| {' | '.join(cells)} |\n"


def _checks() -> Iterator[str]:
    yield from (f"| `{name}` | {accepts} |\n" for name, accepts in CHECKS.items())


def _code(value: Any) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    PLACE.write_text(page(), "utf-8")
