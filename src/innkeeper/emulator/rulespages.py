"""Which rules hold, in a browser? Every switch with its values, and every check."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.choices import PRESET, RuleRefused, choose
from innkeeper.emulator.rules import PRESETS, SWITCHES, Area, Mark, Switch, preset
from innkeeper.emulator.traffic.checks import CHECKS
from innkeeper.emulator.viewer import viewer
from innkeeper.emulator.world import World
from innkeeper.ui.views import CheckView, NoticeView, RuleGroupView, RulesView, RuleView

AREAS: Final[dict[Area, str]] = {
    "oauth": "OAuth",
    "api": "The API",
    "courier": "Webhooks",
    "chat": "Chat",
    "cards": "Cards",
    "marketplace": "The Marketplace",
}
_MARKS: Final[dict[Mark, str]] = {
    "C": "confirmed",
    "S": "second-hand",
    "A": "assumed",
    "D": "sources disagree",
}


class RulesPages:
    """Shows the switches and takes what is changed about them."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route("/rules", self.show, methods=["GET"]),
            Route("/rules", self.change, methods=["POST"]),
            Route("/rules/preset", self.take_preset, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Show every switch, and every check."""
        changed = request.query_params.get("changed", "")
        known = changed in SWITCHES or changed in PRESETS
        return self._page(request, NoticeView(f"{changed} is chosen.") if known else None)

    async def change(self, request: Request) -> Response:
        """Change one switch."""
        form = await answers.read_form(request)
        name = form["rule"]
        switch = SWITCHES.get(name)
        value = _read(switch, form["value"]) if switch else form["value"]
        return self._chosen(request, {name: value}, f"{name}#{name}")

    async def take_preset(self, request: Request) -> Response:
        """Change every switch to what a preset chooses."""
        name = (await answers.read_form(request))["preset"]
        return self._chosen(request, {PRESET: name}, name)

    def _chosen(self, request: Request, wanted: dict[str, Any], leads_to: str) -> Response:
        try:
            self._world.rules = choose(wanted, now=self._world.rules)
        except RuleRefused as error:
            said = f"Not changed: {error.why}. {error.fix}"
            return self._page(request, NoticeView(said, "bad"), status=400)
        return answers.redirect(f"/rules?changed={leads_to}")

    def _page(self, request: Request, notice: NoticeView | None, *, status: int = 200) -> Response:
        rules = self._world.rules
        groups = (
            RuleGroupView(
                title,
                tuple(
                    _rule(each, getattr(rules, each.name))
                    for each in SWITCHES.values()
                    if each.area == area
                ),
            )
            for area, title in AREAS.items()
        )
        standing = next((name for name in PRESETS if preset(name) == rules), "")
        checks = tuple(CheckView(name, accepts) for name, accepts in CHECKS.items())
        view = RulesView(tuple(groups), PRESETS, standing, checks)
        return answers.page(request, view, status=status, viewer=viewer(request), notice=notice)


def _rule(switch: Switch, value: Any) -> RuleView:
    low, high = switch.bounds or (0, 0)
    return RuleView(
        name=switch.name,
        about=switch.about,
        value=_written(value),
        default=_written(switch.presets["zoom"]),
        mark=_MARKS[switch.mark],
        values=tuple(_written(each) for each in switch.values),
        low=low,
        high=high,
        source=switch.source,
    )


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(switch: Switch, text: str) -> Any:
    """Find the value that a form's text stands for; an unknown one stays a text."""
    if switch.bounds is not None:
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else text
    return next((each for each in switch.values if _written(each) == text), text)
