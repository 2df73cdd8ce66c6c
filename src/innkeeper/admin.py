"""What does an operator see who sits at the machine? A port of its own, on loopback alone."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from innkeeper.exposition import expose
from innkeeper.health import look
from innkeeper.net.cover import covered
from innkeeper.net.inbound import PAGE_HEADERS
from innkeeper.net.outbound import AsgiApp
from innkeeper.settings import is_loopback
from innkeeper.work import Parts

_Page = Callable[[Request], Awaitable[Response]]

_FORMAT: Final = "text/plain; version=0.0.4; charset=utf-8"
_EXTRA_MISSING: Final = (
    "The metrics need prometheus-client, which is not installed.\n"
    "Install it and start again: pip install 'innkeeper[metrics]'\n"
)


def admin_site(parts: Parts) -> AsgiApp:
    """Build what is served at the admin port: numbers, and how the process is.

    A request that names another host than this machine is refused: so no web page that a
    browser here shows can read it under a name of its own.
    """

    async def metrics(_request: Request) -> Response:
        try:
            return Response(await expose(parts), media_type=_FORMAT)
        except ImportError:
            return PlainTextResponse(_EXTRA_MISSING, 501)

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readiness(_request: Request) -> Response:
        ready = await look(parts)
        return JSONResponse(ready.report(), 200 if ready.takes_deliveries else 503)

    shown = {"/metrics": metrics, "/healthz": health, "/readyz": readiness}
    routes = [Route(path, _here_only(page)) for path, page in shown.items()]
    return covered(Starlette(routes=routes), PAGE_HEADERS)


def _here_only(page: _Page) -> _Page:
    async def guarded(request: Request) -> Response:
        if is_loopback(f"http://{request.headers.get('host', '')}"):
            return await page(request)
        return PlainTextResponse("Ask for it on this machine.\n", 421)

    return guarded
