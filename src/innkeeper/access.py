"""Which page was asked for, and what was answered? Told by the page's name, never its address.

An address may hold a code, a state or an invitation; which of our pages it led to does not.
"""

from structlog.contextvars import bound_contextvars

from innkeeper.clock import Clock
from innkeeper.flows.log import Log
from innkeeper.ids import new_id
from innkeeper.net.outbound import AsgiApp, Message, Receive, Scope, Send

REQUEST_ID_HEADER = b"x-request-id"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_PROBES = frozenset({"health", "readiness"})


def told(pages: AsgiApp, *, log: Log, clock: Clock, each: bool) -> AsgiApp:
    """Give each request an id of ours, which stands in all that is logged of it.

    The answer carries it as well, so that whoever reports a page can say which it was.

    Args:
        each: Whether to write a line for each page that was answered, but for probes.
    """

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        request_id = new_id("req")
        status = 0

        async def with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                header = (REQUEST_ID_HEADER, request_id.encode())
                message = {**message, "headers": [*message["headers"], header]}
            await send(message)

        with bound_contextvars(request_id=request_id):
            begun = clock.now()
            try:
                await pages(scope, receive, with_id)
            finally:
                page = getattr(scope.get("endpoint"), "__name__", "none")
                if each and page not in _PROBES:
                    method = scope["method"] if scope["method"] in _METHODS else "other"
                    took = (clock.now() - begun).total_seconds()
                    log.info(
                        "page.answered",
                        page=page,
                        method=method,
                        status=status,
                        took_ms=round(took * 1000),
                    )

    return answering
