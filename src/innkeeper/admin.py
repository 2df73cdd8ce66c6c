"""What does an operator see who sits at the machine? A port of its own, on loopback alone."""

from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from innkeeper.exposition import expose
from innkeeper.net.cover import covered
from innkeeper.net.inbound import PAGE_HEADERS
from innkeeper.net.outbound import AsgiApp
from innkeeper.settings import is_loopback
from innkeeper.work import Parts

_FORMAT: Final = "text/plain; version=0.0.4; charset=utf-8"
_EXTRA_MISSING: Final = (
    "The metrics need prometheus-client, which is not installed.\n"
    "Install it and start again: pip install 'innkeeper[metrics]'\n"
)


def admin_site(parts: Parts) -> AsgiApp:
    """Build what is served at the admin port.

    A request that names another host than this machine is refused: so no web page that a
    browser here shows can read it under a name of its own.
    """

    async def metrics(request: Request) -> Response:
        if not is_loopback(f"http://{request.headers.get('host', '')}"):
            return PlainTextResponse("Ask for it on this machine.\n", 421)
        try:
            return Response(await expose(parts), media_type=_FORMAT)
        except ImportError:
            return PlainTextResponse(_EXTRA_MISSING, 501)

    return covered(Starlette(routes=[Route("/metrics", metrics)]), PAGE_HEADERS)
