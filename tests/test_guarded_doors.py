"""Every door to an app asks for the same: our own server, ASGI, WSGI and AWS Lambda."""

import asyncio
import base64
import hmac
import io
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
import structlog
from structlog.testing import capture_logs

from innkeeper import App
from innkeeper.aws import AwsLambda
from innkeeper.logs import configure
from innkeeper.net.serving import LOCAL as HOST
from innkeeper.net.serving import bind, serving
from innkeeper.secret import Secret
from innkeeper.wire.credentials import Credential, Demands
from tests.doors import LOCAL, NoZoom, settings_at, spoken

BODY = b'{"event":"team_chat.channel_message_posted","payload":{}}'
SECRETS = ("a-password-at-the-door", "a-client-secret-at-the-door-too", "a-value-at-the-door")
DEMANDS = Demands(
    (Credential("zoom", Secret(SECRETS[0])),),
    (Credential("zoom", Secret(SECRETS[1])),),
    (Credential("x-door", Secret(SECRETS[2])),),
)
BASIC = "Basic " + base64.b64encode(f"zoom:{SECRETS[0]}".encode()).decode()
CLIENT = "Basic " + base64.b64encode(f"zoom:{SECRETS[1]}".encode()).decode()

Head = list[tuple[str, str]]
Post = Callable[[str, Head, bytes], Awaitable[tuple[int, bytes]]]
"""Posts to a path, with these headers and a body; gives status and body."""


def app_in(directory: Path) -> App:
    app = App("Porter")
    app.configure(settings_at(LOCAL, directory, demands=DEMANDS), transport=NoZoom())
    return app


def signed(body: bytes = BODY) -> Head:
    at = str(int(time.time()))
    mac = hmac.digest(b"a-secret-token-at-the-door", b"v0:" + at.encode() + b":" + body, "sha256")
    return [("x-zm-request-timestamp", at), ("x-zm-signature", f"v0={mac.hex()}")]


@asynccontextmanager
async def own_server(directory: Path) -> AsyncGenerator[Post]:
    app = app_in(directory)
    listener = bind(HOST, 0)

    async def post(path: str, head: Head, body: bytes) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1:8701", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in [*head, ("connection", "close")]]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        try:
            answer = await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()
        top, _, rest = answer.partition(b"\r\n\r\n")
        return int(top.split()[1]), rest

    async with app, serving(app, listener, intake=app.intake):
        yield post


@asynccontextmanager
async def asgi(directory: Path) -> AsyncGenerator[Post]:
    app = app_in(directory)

    async def post(path: str, head: Head, body: bytes) -> tuple[int, bytes]:
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in head],
        }
        answer = await spoken(app, scope, [body])
        return answer.status, answer.body

    async with app:
        yield post


@asynccontextmanager
async def wsgi(directory: Path) -> AsyncGenerator[Post]:
    shell = app_in(directory).wsgi()

    async def post(path: str, head: Head, body: bytes) -> tuple[int, bytes]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        for name, value in head:  # a server joins what comes twice
            key = "HTTP_" + name.upper().replace("-", "_")
            environ[key] = f"{environ[key]}, {value}" if key in environ else value
        setup_testing_defaults(environ)
        told: list[str] = []

        def start(status: str, *_: Any) -> Callable[[bytes], Any]:
            told.append(status)
            return lambda _: None

        answer = b"".join(await asyncio.to_thread(shell, environ, start))
        return int(told[0].split()[0]), answer

    try:
        yield post
    finally:
        await asyncio.to_thread(shell.close)


@asynccontextmanager
async def aws_lambda(directory: Path, *, version: str) -> AsyncGenerator[Post]:
    app = app_in(directory)
    handler = AwsLambda(app, partial(app.start, background=False))

    async def post(path: str, head: Head, body: bytes) -> tuple[int, bytes]:
        several: dict[str, list[str]] = {}
        for name, value in head:
            several.setdefault(name, []).append(value)
        event: dict[str, Any] = {
            "version": version,
            "rawPath": path,
            "path": path,
            "httpMethod": "POST",
            "requestContext": {"http": {"method": "POST"}, "path": path},
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        if version == "1.0":
            event["multiValueHeaders"] = several
        else:
            event["headers"] = {name: ",".join(values) for name, values in several.items()}
        answer = await asyncio.to_thread(handler, event)
        return answer["statusCode"], answer["body"].encode()

    try:
        yield post
    finally:
        await asyncio.to_thread(handler.close)


DOORS: dict[str, Callable[[Path], AbstractAsyncContextManager[Post]]] = {
    "own server": own_server,
    "asgi": asgi,
    "wsgi": wsgi,
    "lambda 1.0": partial(aws_lambda, version="1.0"),
    "lambda 2.0": partial(aws_lambda, version="2.0"),
}


@pytest.mark.anyio
@pytest.mark.parametrize("door", DOORS)
async def test_asks_for_one_of_the_headers(door: str, tmp_path: Path) -> None:
    right = ("x-door", SECRETS[2])
    with capture_logs() as lines:
        async with DOORS[door](tmp_path) as post:
            status, answer = await post(
                "/events/token", [("authorization", CLIENT)], b"grant_type=client_credentials"
            )
            token = json.loads(answer)["access_token"]
            good: list[Head] = [
                [right],
                [("authorization", BASIC)],
                [("authorization", f"bearer {token}")],
            ]
            bad: list[Head] = [
                [],
                [right, right],
                [("x-door", SECRETS[2] + "\xfc")],
                [("authorization", CLIENT)],
                [("authorization", f"Bearer {token[:-2]}")],
                [("authorization", BASIC), ("authorization", BASIC)],
            ]
            long = await post("/events", [*signed(), ("x-door", "x" * 65_536)], BODY)
            taken = [(await post("/events", [*signed(), *head], BODY))[0] for head in good]
            refused = [await post("/events", [*signed(), *head], BODY) for head in bad]
    assert status == 200
    assert taken == [200] * len(good)
    assert refused == [(401, b'{"error":"unauthorized"}')] * len(bad)
    assert long[0] == (431 if door == "own server" else 401)
    told = repr(lines)
    assert "CustomHeaderMismatch" in told
    assert not [each for each in (*SECRETS, BASIC[6:], CLIENT[6:], token) if each in told]


@pytest.mark.anyio
@pytest.mark.parametrize("door", DOORS)
async def test_gives_a_token_to_nobody_else(door: str, tmp_path: Path) -> None:
    async with DOORS[door](tmp_path) as post:
        grant = b"grant_type=client_credentials"
        assert (await post("/events/token", [("authorization", BASIC)], grant))[0] == 401
        large = await post("/events/token", [("authorization", CLIENT)], grant + b"&" * 5_000)
        assert large[0] == 413


def test_no_log_line_holds_what_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(settings_at(LOCAL, tmp_path, demands=DEMANDS).secrets)
    for shown in (*SECRETS, BASIC, BASIC[6:], CLIENT[6:]):
        structlog.get_logger().warning("library", text=f"a header was {shown!r}")
    told = capsys.readouterr().err
    assert told.count("Secret(…)".encode("ascii", "backslashreplace").decode()) == 6
    assert not [each for each in (*SECRETS, BASIC[6:], CLIENT[6:]) if each in told]
