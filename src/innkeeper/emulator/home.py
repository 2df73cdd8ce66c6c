"""Where does somebody begin? The first page, and the static files that all pages use."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.marketplace.appviews import app_views
from innkeeper.emulator.viewer import viewer
from innkeeper.emulator.world import World
from innkeeper.ui import pages
from innkeeper.ui.views import HomeView


class Home:
    """Answers / and /static/."""

    def __init__(self, world: World, *, origin: str) -> None:
        self._world = world
        self._origin = origin

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route("/", self.show, methods=["GET"]),
            Route("/static/{name:path}", self.static, methods=["GET"]),
        ]

    async def show(self, request: Request) -> Response:
        """Show who is here and what to do first."""
        people = tuple(answers.person(self._world, user) for user in self._world.users())
        view = HomeView(self._origin, app_views(self._world), people)
        return answers.page(request, view, viewer=viewer(request))

    async def static(self, request: Request) -> Response:
        """Send a static file; one with its hash in the address never changes."""
        found = pages.static_file(request.path_params["name"])
        if found is None:
            return answers.json_answer({"error": "not_found"}, 404)
        content, content_type = found
        lasting = "public, max-age=31536000, immutable"
        caching = lasting if "v" in request.query_params else "no-cache"
        headers = {
            "cache-control": caching,
            "content-type": content_type,
            "x-content-type-options": "nosniff",
        }
        return Response(content, headers=headers)
