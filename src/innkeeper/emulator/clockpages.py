"""What time is it in the emulator, in a browser? Its clock, what is due, and a fresh start."""

import math
from collections.abc import Awaitable
from typing import Final, Protocol
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.control import FURTHEST_SECONDS
from innkeeper.emulator.courier.endpoints import EVERY
from innkeeper.emulator.viewer import viewer
from innkeeper.emulator.world import World
from innkeeper.ui.views import ClockView, DueView, NoticeView

UNITS: Final = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
_SHOWN: Final = 50


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

    def __init__(self, world: World, levers: Levers) -> None:
        self._world = world
        self._levers = levers

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route("/clock", self.show, methods=["GET"]),
            Route("/clock/advance", self.advance, methods=["POST"]),
            Route("/clock/reset", self.reset, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Show the time, and what is due next."""
        done = request.query_params.get("done", "")
        said = {"moved": "The clock was moved.", "reset": "Everything is as the seed says."}
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

    def _page(self, request: Request, notice: NoticeView | None, *, status: int = 200) -> Response:
        world = self._world
        due = sorted((*self._deliveries(), *self._endpoints()), key=lambda each: each.time)
        view = ClockView(world.now(), world.clock.frozen, tuple(due[:_SHOWN]))
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
