"""Where does one see what is not emulated? A page, the same as JSON, and the answer itself."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.coverage import ROWS, count, described
from innkeeper.emulator.viewer import viewer
from innkeeper.emulator.world import World
from innkeeper.ui.views import CoverageRow, NotEmulatedView

PAGE: Final = "/not-emulated"
_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class Coverage:
    """Shows the table, and answers for all of /v2 that is not emulated."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route(PAGE, self.show, methods=["GET"]),
            Route("/_emulator/not-emulated", self.table, methods=["GET"]),
        ]

    def rest(self) -> list[Route]:
        """List what answers for the rest of /v2; it goes after every other route."""
        return [
            Route("/oauth/data/compliance", self.unknown, methods=["POST"]),
            Route("/v2/{path:path}", self.unknown, methods=_METHODS),
        ]

    async def show(self, request: Request) -> Response:
        """Show the table, what was asked for in vain first."""
        counts = self._world.not_emulated
        rows = tuple(
            CoverageRow(row.area, row.call, row.status, row.note, counts.get(row.call, 0))
            for row in ROWS
        )
        listed = {row.call for row in ROWS}
        unlisted = tuple(
            CoverageRow("", call, "none", "", times)
            for call, times in counts.items()
            if call not in listed
        )
        return answers.page(request, NotEmulatedView(rows, unlisted), viewer=viewer(request))

    async def table(self, _: Request) -> Response:
        """Tell the table, and how often each call was asked for in vain."""
        return answers.json_answer(described(self._world.not_emulated))

    async def unknown(self, request: Request) -> Response:
        """Say that a call is not emulated, rather than pretend that it failed."""
        row = count(self._world, request.method, request.url.path)
        why = f"{request.method} {request.url.path} is not emulated"
        note = row.note if row is not None else ""
        answers.refuse(request, "not_emulated", f"{why}. {note}".removesuffix(". "))
        message = f"{why}. {note} See {PAGE}." if note else f"{why}. See {PAGE}."
        return answers.json_answer({"code": 501, "message": message}, 501)
