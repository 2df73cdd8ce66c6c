"""The app behind AWS Lambda: events are taken in there, and handled by a worker elsewhere."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from innkeeper import App, Command, Installed
from innkeeper.aws import AwsLambda
from innkeeper.errors import LambdaNeedsPostgresql
from innkeeper.net.inbound import BODY_LIMIT_BYTES
from innkeeper.net.outbound import Receive, Scope, Send
from innkeeper.settings import Settings
from innkeeper.store.addresses import PostgresAddress
from innkeeper.store.postgres.connection import Connections
from tests.doors import LOCAL, NoZoom, settings_at
from tests.postgres import Server

ROBOT = "v1porter@xmpp.zoom.us"


def url_event(method: str, path: str, **changes: Any) -> dict[str, Any]:
    """Write what a function URL, or an HTTP API, hands over: payload format 2.0."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "abc.lambda-url.eu-central-1.on.aws", "x-forwarded-proto": "https"},
        "requestContext": {
            "domainName": "abc.lambda-url.eu-central-1.on.aws",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.7",
                "userAgent": "Zoom Marketplace/1.0a",
            },
            "stage": "$default",
        },
        "isBase64Encoded": False,
    } | changes


def rest_event(method: str, path: str, **changes: Any) -> dict[str, Any]:
    """Write what a REST API hands over: payload format 1.0."""
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Host": "abc.execute-api.eu-central-1.amazonaws.com"},
        "multiValueHeaders": {"Host": ["abc.execute-api.eu-central-1.amazonaws.com"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {
            "path": f"/prod{path}",
            "stage": "prod",
            "protocol": "HTTP/1.1",
            "identity": {"sourceIp": "192.0.2.7"},
        },
        "body": None,
        "isBase64Encoded": False,
    } | changes


class Echo:
    """An application that tells what it was asked, or fails."""

    def __init__(self) -> None:
        self.scope: Scope = {}
        self.body = b""
        self.answer = b"{}"
        self.stopped = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send, /) -> None:
        self.scope = scope
        if scope["path"] == "/breaks":
            raise RuntimeError("canary-of-a-body")
        message = await receive()
        self.body = message.get("body") or b"(gone)"
        if message["type"] == "http.disconnect":
            return
        headers = [
            (b"content-type", b"text/plain"),
            (b"set-cookie", b"a=1"),
            (b"set-cookie", b"b=2"),
        ]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": self.answer})

    async def stop(self) -> None:
        self.stopped += 1


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def handler(echo: Echo) -> Generator[AwsLambda]:
    async def start() -> None: ...

    handler = AwsLambda(echo, start)
    yield handler
    handler.close()
    assert echo.stopped == 1 or not echo.scope


def headers_of(scope: Scope) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode()) for name, value in scope["headers"]]


def test_reads_payload_format_2(handler: AwsLambda, echo: Echo) -> None:
    event = url_event(
        "POST",
        "/oauth/callback",
        rawQueryString="code=a%20b&state=x",
        cookies=["a=1", "b=2"],
        body=base64.b64encode(b"\x00\xff").decode(),
        isBase64Encoded=True,
    )
    answer = handler(event, None)
    assert echo.body == b"\x00\xff"
    assert (echo.scope["method"], echo.scope["path"]) == ("POST", "/oauth/callback")
    assert echo.scope["query_string"] == b"code=a%20b&state=x"
    assert echo.scope["client"] == ("192.0.2.7", 0)
    assert ("cookie", "a=1; b=2") in headers_of(echo.scope)
    assert answer["statusCode"] == 201
    assert answer["cookies"] == ["a=1", "b=2"]
    assert answer["headers"] == {"content-type": "text/plain", "content-length": "2"}
    assert (answer["body"], answer["isBase64Encoded"]) == ("{}", False)


def test_reads_payload_format_1(handler: AwsLambda, echo: Echo) -> None:
    event = rest_event(
        "POST",
        "/events",
        multiValueHeaders={"X-Zm-Signature": ["v0=a", "v0=b"]},
        multiValueQueryStringParameters={"a": ["1", "2 3"]},
        body="grüezi",
    )
    answer = handler(event)
    assert echo.body == "grüezi".encode()
    assert echo.scope["query_string"] == b"a=1&a=2+3"
    assert headers_of(echo.scope) == [("x-zm-signature", "v0=a"), ("x-zm-signature", "v0=b")]
    assert (echo.scope["root_path"], echo.scope["path"]) == ("/prod", "/prod/events")
    assert answer["multiValueHeaders"]["set-cookie"] == ["a=1", "b=2"]


def test_a_stage_is_no_part_of_the_apps_paths(handler: AwsLambda, echo: Echo) -> None:
    event = url_event("GET", "/prod/healthz")
    event["requestContext"]["stage"] = "prod"
    handler(event)
    assert (echo.scope["root_path"], echo.scope["path"]) == ("/prod", "/prod/healthz")


def test_what_is_no_text_goes_back_in_base64(handler: AwsLambda, echo: Echo) -> None:
    echo.answer = b"\xff\x00"
    answer = handler(url_event("GET", "/image"))
    assert answer["isBase64Encoded"] is True
    assert base64.b64decode(answer["body"]) == b"\xff\x00"
    assert handler(url_event("HEAD", "/image"))["body"] == ""


def test_a_body_that_is_not_what_it_says_is_cut_off(handler: AwsLambda, echo: Echo) -> None:
    assert handler(url_event("POST", "/", body="a", isBase64Encoded=True))["statusCode"] == 400
    assert echo.body == b"(gone)"


@pytest.mark.parametrize("event", [{}, {"source": "aws.events"}, {"version": "2.0"}])
def test_what_is_no_request_is_told_so(event: dict[str, Any], handler: AwsLambda) -> None:
    assert handler(event)["statusCode"] == 400


def test_a_failure_quotes_nothing(handler: AwsLambda, capsys: pytest.CaptureFixture[str]) -> None:
    answer = handler(url_event("GET", "/breaks"))
    assert (answer["statusCode"], answer["body"]) == (500, '{"error":"failed"}')
    assert "canary" not in "".join(capsys.readouterr())


# with an app


def test_on_sqlite_it_refuses_to_start_and_says_why(tmp_path: Path) -> None:
    app = App("Porter")
    app.configure(settings_at(LOCAL, tmp_path), transport=NoZoom())
    handler = app.aws_lambda()
    assert handler is app.aws_lambda()
    with pytest.raises(LambdaNeedsPostgresql, match="its database is SQLite") as refused:
        handler(url_event("GET", "/healthz"))
    assert "INNKEEPER_DATABASE_URL" in refused.value.fix
    handler.close()


def signed(name: str, **payload: Any) -> dict[str, Any]:
    told = {
        "accountId": "Account-1",
        "robotJid": ROBOT,
        "timestamp": int(time.time() * 1000),
        "toJid": "user-1@xmpp.zoom.us",
        "userId": "User-1",
        "userJid": "user-1@xmpp.zoom.us",
        "userName": "Noor Haddad",
    }
    body = json.dumps({"event": name, "payload": told | payload})
    at = str(int(time.time()))
    mac = hmac.new(b"a-secret-token-at-the-door", f"v0:{at}:{body}".encode(), "sha256")
    headers = {"x-zm-request-timestamp": at, "x-zm-signature": f"v0={mac.hexdigest()}"}
    return url_event("POST", "/events", headers=headers, body=body)


@pytest.fixture
def shared(postgres: Server, tmp_path: Path) -> Generator[Settings]:
    with postgres.space() as space:
        yield replace(
            settings_at(LOCAL, tmp_path),
            bot_jid=ROBOT,
            database=postgres.address(space),
            vault=postgres.address(f"{space}_vault"),
        )


def bot(settings: Settings, notes: list[str]) -> App:
    app = App("Porter")

    @app.on_install
    async def hello(ctx: Installed) -> None:
        notes.append(f"hello {ctx.user.name}")

    @app.command("note")
    async def note(ctx: Command) -> None:
        notes.append(ctx.text)

    app.configure(settings, transport=NoZoom())
    return app


async def handled(app: App) -> None:
    async with app:
        await app.worker.turn()
        await (await app.start()).dispatcher.settled()


def test_events_are_taken_in_and_a_worker_handles_them(shared: Settings) -> None:

    notes: list[str] = []
    handler = bot(shared, notes).aws_lambda()
    hello = signed("bot_installed")
    assert [handler(event)["statusCode"] for event in (hello, hello)] == [200, 200]
    assert handler(signed("bot_notification", cmd="note towels"))["statusCode"] == 200
    forged = signed("bot_notification", cmd="note forged")
    forged["body"] += " "
    assert handler(forged)["statusCode"] == 401
    large = url_event("POST", "/events", body="x" * (BODY_LIMIT_BYTES + 1))
    assert handler(large)["statusCode"] in {401, 413}
    handler.close()
    assert notes == []

    asyncio.run(handled(bot(shared, notes)))
    assert sorted(notes) == ["hello Noor Haddad", "note towels"]


def test_pages_are_served_and_the_loop_stays_warm(shared: Settings) -> None:
    handler = bot(shared, []).aws_lambda()
    assert json.loads(handler(url_event("GET", "/healthz"))["body"]) == {"status": "ok"}
    loop = handler._loop
    ready = handler(rest_event("GET", "/readyz"))
    assert ready["statusCode"] == 200
    assert handler._loop is loop
    handler.close()


def test_a_database_that_is_away_is_asked_again(shared: Settings) -> None:
    away = replace(
        shared,
        database=type(shared.database).parse(  # type: ignore[union-attr]
            "postgresql://nobody@127.0.0.1:9/none", schema="innkeeper"
        ),
    )
    app = bot(away, [])
    handler = app.aws_lambda()
    assert handler(url_event("GET", "/healthz"))["statusCode"] == 503
    app.configure(shared, transport=NoZoom())
    assert handler(url_event("GET", "/healthz"))["statusCode"] == 200
    handler.close()


def test_connections_that_died_while_it_was_frozen_are_replaced(shared: Settings) -> None:
    handler = bot(shared, []).aws_lambda()
    assert handler(signed("bot_notification", cmd="note before"))["statusCode"] == 200
    for number in range(3):
        asyncio.run(cut_off(shared))
        again = signed("bot_notification", cmd=f"note {number}")
        assert handler(again)["statusCode"] == 200
    handler.close()


async def cut_off(settings: Settings) -> None:
    """End every connection of ours from the server's side."""
    assert isinstance(settings.database, PostgresAddress)
    connections = Connections(settings.database)
    await connections.open()
    async with connections.taken() as connection:
        ended = await connection.fetch(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'innkeeper' AND pid <> pg_backend_pid()"
        )
    await connections.close()
    assert ended
