"""How does the app serve AWS Lambda? It takes events in, and workers handle them.

Lambda freezes a process as soon as it has answered. So nothing may be left to do then: no
handler runs here, not even the welcome's, and there is no background work.
"""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, cast
from urllib.parse import quote, urlencode

import structlog

from innkeeper.errors import InnkeeperError, StoreUnavailable
from innkeeper.net.outbound import Scope
from innkeeper.whole import Answer, Exchange, Served

_UNAVAILABLE: Final = b'{"error":"unavailable"}'
_FAILED: Final = b'{"error":"failed"}'
_NO_REQUEST: Final = b'{"error":"no_request"}'
_LOOKS: Final = 10
"""How often the loop looks at its sockets first: the end of a connection takes up to four
looks to be known, and some more under TLS. Each takes microseconds."""

Event = Mapping[str, Any]


class AwsLambda:
    """The handler of an app for function URLs and for API Gateway, payload formats 1.0 and 2.0.

    One event loop and one set of connections last as long as the process does.
    """

    def __init__(self, app: Served, start: Callable[[], Awaitable[object]]) -> None:
        self._app = app
        self._start = start
        self._started = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self, event: Event, _context: object = None) -> dict[str, Any]:
        """Answer a request.

        Raises:
            LambdaNeedsPostgresql: If the database is SQLite.
            InnkeeperError: If the app cannot start otherwise, and will not by itself.
        """
        self._loop = self._loop or asyncio.new_event_loop()
        self._loop.run_until_complete(_wake_up())
        answer = self._loop.run_until_complete(self._answered(event))
        head = _method(event) == "HEAD"
        shown = b"" if head else answer.body
        return {"statusCode": answer.status, **_headers(event, answer), **_written(shown)}

    def close(self) -> None:
        """Stop what runs in this process; the next request begins anew."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.run_until_complete(self._app.stop())
            loop.close()
        self._started = False

    async def _answered(self, event: Event) -> Answer:
        scope = _scope(event)
        if scope is None:
            return Answer(400, _NO_REQUEST)
        log = structlog.get_logger("innkeeper")
        if not self._started:
            try:
                await self._start()
            except StoreUnavailable as error:
                log.error("app.not_started", code=error.code, why=error.why)  # noqa: TRY400  # it may quote an address
                return Answer(503, _UNAVAILABLE)
            self._started = True
        exchange = Exchange(_body(event))
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except InnkeeperError as error:
            log.error("page.failed", error=error.code)  # noqa: TRY400  # a traceback may quote what it was about
            return Answer(500, _FAILED)
        except Exception as error:  # whatever it is, Lambda would log what it quotes
            log.error("page.failed", error=type(error).__name__)  # noqa: TRY400  # the same
            return Answer(500, _FAILED)
        return exchange.answer


async def _wake_up() -> None:
    """Hear what happened while the process was frozen.

    Connections that the database ended, or that idled too long, go before one is taken.
    """
    for _ in range(_LOOKS):
        await asyncio.sleep(0)


def _second(event: Event) -> bool:
    """Tell whether an event is in payload format 2.0, as those of function URLs are."""
    return event.get("version") == "2.0"


def _part(event: Event, name: str) -> Event:
    """Give an object in an event; an empty one if there is none, or null."""
    part = event.get(name)
    return cast("Event", part) if isinstance(part, dict) else {}


def _method(event: Event) -> str:
    if _second(event):
        return str(_part(_part(event, "requestContext"), "http").get("method") or "")
    return str(event.get("httpMethod") or "")


def _body(event: Event) -> bytes | None:
    """Read the body; None if it is not what it says it is."""
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(text).encode("utf-8", "surrogatepass")
    with suppress(binascii.Error, ValueError):
        return base64.b64decode(text, validate=True)
    return None


def _scope(event: Event) -> Scope | None:
    """Write the request as ASGI has it; None if it is none."""
    method = _method(event)
    if not method:
        return None
    context = _part(event, "requestContext")
    told = _part(context, "http" if _second(event) else "identity")
    path = str(event.get("rawPath" if _second(event) else "path") or "/")
    root = _stage(event, path, str(context.get("stage") or ""))
    if root and not _second(event):
        path = root + path  # there the path is told without it
    protocol = told.get("protocol") if _second(event) else context.get("protocol")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": str(protocol or "HTTP/1.1").partition("/")[2],
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": _query(event).encode(),
        "root_path": root,
        "headers": _request_headers(event),
        "client": (str(told.get("sourceIp") or "127.0.0.1"), 0),
        "server": (str(context.get("domainName") or ""), 443),
        "state": {},
        "extensions": {},
    }


def _stage(event: Event, path: str, stage: str) -> str:
    """Find the part of the path that is API Gateway's stage, and not the app's."""
    prefix = f"/{stage}"
    if _second(event):
        return prefix if stage and (path == prefix or path.startswith(f"{prefix}/")) else ""
    whole = str(_part(event, "requestContext").get("path") or "")
    return prefix if stage and whole == prefix + path and whole != path else ""


def _query(event: Event) -> str:
    if _second(event):
        return str(event.get("rawQueryString") or "")
    several = _part(event, "multiValueQueryStringParameters")
    return urlencode(several or _part(event, "queryStringParameters"), doseq=True)


def _request_headers(event: Event) -> list[tuple[bytes, bytes]]:
    several: Mapping[str, Sequence[str]] = _part(event, "multiValueHeaders") or {
        name: [value] for name, value in _part(event, "headers").items()
    }
    named = [(name, value) for name, values in several.items() for value in values]
    if event.get("cookies"):
        named = [each for each in named if each[0].lower() != "cookie"]
        named.append(("cookie", "; ".join(event["cookies"])))
    return [(name.lower().encode(), str(value).encode()) for name, value in named]


def _headers(event: Event, answer: Answer) -> dict[str, Any]:
    if not _second(event):
        several: dict[str, list[str]] = {}
        for name, value in answer.headers:
            several.setdefault(name, []).append(value)
        return {"multiValueHeaders": several}
    cookies = [value for name, value in answer.headers if name.lower() == "set-cookie"]
    single = {name: value for name, value in answer.headers if name.lower() != "set-cookie"}
    return {"headers": single, "cookies": cookies}


def _written(body: bytes) -> dict[str, Any]:
    """Write a body as JSON can carry it."""
    with suppress(UnicodeDecodeError):
        return {"body": body.decode(), "isBase64Encoded": False}
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
