"""How does the app serve WSGI? Each request is carried to one event loop of the process.

The loop, and with it the store, begins with a process's first request. A server that
loads the app and then forks leaves threads and locks behind, so nothing may run before:
each process makes its own.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Iterable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote
from wsgiref.types import InputStream, StartResponse, WSGIEnvironment

import structlog

from innkeeper.net.inbound import BODY_LIMIT_BYTES
from innkeeper.net.outbound import Scope
from innkeeper.whole import Answer, Exchange, Served

PATIENCE_SECONDS: Final = 60.0
"""How long a request waits for the loop; every call to Zoom has a shorter deadline."""
_GRACE_SECONDS: Final = 15.0
_UNAVAILABLE: Final = b'{"error":"unavailable"}'
_FAILED: Final = b'{"error":"failed"}'
_PLAIN: Final = {"CONTENT_TYPE": b"content-type", "CONTENT_LENGTH": b"content-length"}


class Wsgi:
    """The WSGI application of an app: for Flask, Django, gunicorn and the like.

    A request is read whole, up to the app's own limit, and answered whole. The server
    needs real threads: greenlets cannot run the loop beside them.
    """

    def __init__(self, app: Served) -> None:
        self._app = app
        self._engines: dict[int, _Engine] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve WSGI."""
        answer = self._answer(environ)
        phrase = HTTPStatus(answer.status).phrase
        start_response(f"{answer.status} {phrase}", answer.headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def close(self) -> None:
        """Stop what runs in this process, as its end does; the next request begins anew."""
        engine = self._engines.pop(os.getpid(), None)
        if engine is not None:
            engine.stop()

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        exchange = Exchange(_body(environ))
        try:
            self._engine().run(_scope(environ), exchange)
        except (TimeoutError, CancelledError):  # no answer in time, or the process is ending
            return Answer(503, _UNAVAILABLE)
        except Exception as error:  # whatever it is, the server's page would quote it
            log = structlog.get_logger("innkeeper")
            log.error("page.failed", error=type(error).__name__)  # noqa: TRY400  # a traceback may quote what it was about
            return Answer(500, _FAILED)
        return exchange.answer

    def _engine(self) -> "_Engine":
        """Find this process's engine; what a parent started before a fork is not ours."""
        pid = os.getpid()
        return self._engines.get(pid) or self._engines.setdefault(pid, _Engine(self._app, pid))


class _Engine:
    """The event loop of one process, in a thread of its own."""

    def __init__(self, app: Served, pid: int) -> None:
        self._app = app
        self._pid = pid
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._up: Future[asyncio.AbstractEventLoop] = Future()
        self._over = asyncio.Event()

    def run(self, scope: Scope, exchange: Exchange) -> None:
        """Carry a request to the loop, and wait for its answer.

        Raises:
            TimeoutError: If there is none in time, or the loop has ended.
            CancelledError: If the loop ends meanwhile.
        """
        self._start()
        loop = self._up.result(PATIENCE_SECONDS)
        coroutine = _awaited(self._app(scope, exchange.receive, exchange.send))
        try:
            answered = asyncio.run_coroutine_threadsafe(coroutine, loop)
        except RuntimeError:
            coroutine.close()
            raise TimeoutError from None
        try:
            answered.result(PATIENCE_SECONDS)
        except TimeoutError:
            answered.cancel()
            raise

    def stop(self) -> None:
        """Stop the loop, and wait; a child that inherited this has nothing to stop."""
        atexit.unregister(self.stop)
        if self._thread is not None and os.getpid() == self._pid:
            with suppress(RuntimeError):  # it has ended
                self._up.result().call_soon_threadsafe(self._over.set)
            self._thread.join(_GRACE_SECONDS)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                name = "innkeeper wsgi"
                self._thread = threading.Thread(target=self._live, name=name, daemon=True)
                self._thread.start()
                atexit.register(self.stop)

    def _live(self) -> None:
        """Run a loop until the process ends: too late for executors, so none is shut down."""
        loop = asyncio.new_event_loop()
        self._up.set_result(loop)
        loop.run_until_complete(self._over.wait())
        loop.run_until_complete(self._app.stop())
        loop.close()


async def _awaited(coroutine: Any) -> None:
    await coroutine


def _body(environ: WSGIEnvironment) -> bytes | None:
    """Read the body, or of one that is too large so much that the app sees it; None if cut off."""
    stream: InputStream = environ["wsgi.input"]
    declared = environ.get("CONTENT_LENGTH") or ""
    if not declared:  # without a length, reading may wait for ever, unless the server ends it
        return _read(stream, BODY_LIMIT_BYTES + 1) if environ.get("wsgi.input_terminated") else b""
    length = int(declared) if declared.isascii() and declared.isdigit() else 0
    if length > BODY_LIMIT_BYTES:
        return b""  # the app refuses it by its declared length
    body = _read(stream, length)
    return body if body is not None and len(body) == length else None


def _read(stream: InputStream, limit_bytes: int) -> bytes | None:
    chunks: list[bytes] = []
    left = limit_bytes
    try:
        while left and (chunk := stream.read(left)):
            chunks.append(chunk)
            left -= len(chunk)
    except OSError:
        return None
    return b"".join(chunks)


def _scope(environ: WSGIEnvironment) -> Scope:
    root = _text(environ.get("SCRIPT_NAME", ""))
    path = root + (_text(environ.get("PATH_INFO", "")) or "/")
    headers = [
        (name[5:].replace("_", "-").lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
    headers += [
        (header, environ[key].encode()) for key, header in _PLAIN.items() if environ.get(key)
    ]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": environ.get("SERVER_PROTOCOL", "HTTP/1.1").partition("/")[2],
        "method": environ["REQUEST_METHOD"],
        "scheme": environ.get("wsgi.url_scheme", "http"),
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
        "root_path": root,
        "headers": headers,
        "client": (environ.get("REMOTE_ADDR") or "127.0.0.1", 0),
        "server": (environ.get("SERVER_NAME", ""), int(environ.get("SERVER_PORT") or 80)),
        "state": {},
        "extensions": {},
    }


def _text(value: str) -> str:
    """Decode what WSGI hands over as Latin-1."""
    return value.encode("latin-1", "replace").decode("utf-8", "replace")
