"""What time is it in the emulator, in a browser? Its clock, what is due, and a fresh start."""

import math
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Final, Protocol
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.control import FURTHEST_SECONDS
from innkeeper.emulator.courier.endpoints import EVERY
from innkeeper.emulator.faultrules import (
    ABOUT,
    API_KINDS,
    COURIER_KINDS,
    PARAMETERS,
    FaultRefused,
)
from innkeeper.emulator.faults.levers import Faults, FaultUnknown, FaultView
from innkeeper.emulator.viewer import viewer
from innkeeper.emulator.world import World
from innkeeper.ui.views import (
    ClockView,
    DueView,
    FaultKindsView,
    FaultKindView,
    NoticeView,
    OrderedFaultView,
)

UNITS: Final = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
_SHOWN: Final = 50
_SAID: Final = {
    "moved": "The clock was moved.",
    "reset": "Everything is as the seed says.",
    "ordered": "The fault is ordered.",
    "removed": "The fault was taken back.",
}


class Levers(Protocol):
    """What moves the emulator as a whole."""

    def advance(self, seconds: float) -> Awaitable[None]:
        """Move the clock, and do all that falls due on the way."""
        ...

    def reset(self) -> Awaitable[None]:
        """Begin again from the seed."""
        ...


class ClockPages:
    """Shows the clock and moves it."""

    def __init__(self, world: World, levers: Levers, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._levers = levers

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route("/clock", self.show, methods=["GET"]),
            Route("/clock/advance", self.advance, methods=["POST"]),
            Route("/clock/reset", self.reset, methods=["POST"]),
            Route("/clock/faults", self.order_fault, methods=["POST"]),
            Route("/clock/faults/remove", self.remove_fault, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Show the time, and what is due next."""
        done = request.query_params.get("done", "")
        said = _SAID
        return self._page(request, NoticeView(said[done]) if done in said else None)

    async def advance(self, request: Request) -> Response:
        """Move the clock forward; whatever falls due on the way is done before the answer."""
        form = await answers.read_form(request)
        seconds = _seconds(form["seconds"] or form["amount"], form["unit"] or "seconds")
        if seconds is None:
            known = ", ".join(UNITS)
            said = f"Not moved: give a number and a unit ({known}), up to 366 days."
            return self._page(request, NoticeView(said, "bad"), status=400)
        await self._levers.advance(seconds)
        return answers.redirect("/clock?done=moved")

    async def reset(self, request: Request) -> Response:
        """Begin again from the seed, once it was confirmed."""
        form = await answers.read_form(request)
        if form["sure"] != "yes":
            said = "Not reset: tick the box first, for everything that happened is forgotten."
            return self._page(request, NoticeView(said, "bad"), status=400)
        await self._levers.reset()
        return answers.redirect("/clock?done=reset")

    async def order_fault(self, request: Request) -> Response:
        """Let something go wrong: at a path of the API, or with an event on its way."""
        form = await answers.read_form(request)
        kind, where, times = form["kind"], form["where"].strip(), form["times"]
        matcher = "path" if kind in API_KINDS else "event"
        order: dict[str, Any] = {"do": {"kind": kind}}
        for name, read in (("status", _whole), ("seconds", _amount)):
            if form[name] and name in PARAMETERS.get(kind, ()):
                order["do"][name] = read(form[name])
        if kind == "status":
            order["do"].setdefault("status", 500)
        if where:
            order["on"] = {matcher: where}
        if times:
            order["times"] = _whole(times)
        try:
            self._faults.order(order)
        except FaultRefused as error:
            return self._page(request, NoticeView(f"{error.why}. {error.fix}", "bad"), status=400)
        return answers.redirect("/clock?done=ordered")

    async def remove_fault(self, request: Request) -> Response:
        """Take a fault back; one that is gone is gone."""
        number = (await answers.read_form(request))["number"]
        with suppress(FaultUnknown):
            self._faults.remove(int(number) if number.isascii() and number.isdigit() else 0)
        return answers.redirect("/clock?done=removed")

    def _page(self, request: Request, notice: NoticeView | None, *, status: int = 200) -> Response:
        world = self._world
        due = sorted((*self._deliveries(), *self._endpoints()), key=lambda each: each.time)
        ordered = (
            OrderedFaultView(each.number, _in_words(each), each.applied, each.spent)
            for each in self._faults.views()
        )
        kinds = (
            FaultKindsView("Answers of the API", tuple(map(_kind, API_KINDS))),
            FaultKindsView("Events on their way", tuple(map(_kind, COURIER_KINDS))),
        )
        view = ClockView(
            world.now(), world.clock.frozen, tuple(due[:_SHOWN]), tuple(ordered), kinds
        )
        return answers.page(request, view, status=status, viewer=viewer(request), notice=notice)

    def _deliveries(self) -> list[DueView]:
        return [
            DueView(
                each.next_at,
                f"Attempt {len(each.attempts) + 1} at {each.event}",
                f"/traffic/deliveries/{quote(each.id)}",
            )
            for each in self._world.deliveries.values()
            if each.next_at is not None
        ]

    def _endpoints(self) -> list[DueView]:
        return [
            DueView(each.asked_at + EVERY, f"URL validation of {each.url}")
            for each in self._world.endpoints
            if not each.disabled
        ]


def _seconds(amount: str, unit: str) -> float | None:
    """Read how far to go; None if it is no number, or too far, or back."""
    try:
        seconds = float(amount) * UNITS[unit]
    except (ValueError, KeyError):
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds <= FURTHEST_SECONDS else None


def _whole(text: str) -> int | str:
    """Read a whole number; what is none is left to whoever checks the order."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else text


def _amount(text: str) -> float | str:
    """Read a number; what is none is left to whoever checks the order."""
    try:
        return float(text)
    except ValueError:
        return text


def _kind(name: str) -> FaultKindView:
    return FaultKindView(name, ABOUT[name], PARAMETERS[name])


def _in_words(fault: FaultView) -> str:
    """Say what goes wrong, where, and how often."""
    does = f" ({fault.does})" if fault.does else ""
    return f"{fault.kind}{does} at {fault.looks_at}, {fault.how_often}"
