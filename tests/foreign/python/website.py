"""How does a site sign its visitor in with Zoom? Whichever client it does that with.

`/` sends her there; `/callback` takes her back and answers in JSON with what became of it.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol
from wsgiref.simple_server import make_server
from wsgiref.util import request_uri

CLIENT_ID = os.environ["ZOOM_CLIENT_ID"]
CLIENT_SECRET = os.environ["ZOOM_CLIENT_SECRET"]


class Client(Protocol):
    """What a site does with a client."""

    def begin(self, callback: str) -> str:
        """Give the address at Zoom to send the visitor to."""
        ...

    def finish(self, url: str) -> Mapping[str, Any]:
        """Take the address that she came back to, and give what to tell."""
        ...

    def explain(self, error: Exception) -> Mapping[str, Any]:
        """Tell what the client says went wrong."""
        ...


def serve(client: Client) -> None:
    """Print `ready <port>` once it listens, and serve until the process is ended."""

    def site(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/":
            start("302 Found", [("location", client.begin(request_uri(environ) + "callback"))])
            return []
        try:
            status, told = "200 OK", client.finish(request_uri(environ))
        except Exception as error:  # what went wrong is what the tests want to read
            told = {"error": type(error).__name__, "message": str(error), **client.explain(error)}
            status = "400 Bad Request"
        start(status, [("content-type", "application/json")])
        return [json.dumps(told).encode()]

    with make_server("127.0.0.1", 0, site) as server:
        print("ready", server.server_port, flush=True)  # noqa: T201  # what the tests wait for
        server.serve_forever()
