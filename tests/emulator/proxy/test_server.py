"""Zoom's hosts lead to the emulator, and no other host leads anywhere."""

import asyncio
import json
import ssl
from contextlib import suppress

import aiohttp
import pytest

from innkeeper.emulator.proxy import server
from innkeeper.emulator.proxy.server import Proxy
from innkeeper.net.serving import LOCAL, bind
from tests.emulator.proxy.conftest import AUTHORITY, Road

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "host", ["zoom.us", "api.zoom.us", "api-us.zoom.us", "marketplace.zoom.us", "API.ZOOM.US"]
)
async def test_leads_every_host_of_zoom_to_the_emulator(road: Road, host: str) -> None:
    answer = await road.asks(host, "GET /v2/users/me")
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b'"code":124' in answer
    assert road.refused == []


async def test_many_requests_share_a_connection(road: Road) -> None:
    proxy = f"http://{LOCAL}:{road.port}"
    async with aiohttp.ClientSession() as session:
        for _ in range(3):
            url = "https://zoom.us/_emulator/health"
            async with session.get(url, proxy=proxy, ssl=road.trust) as answer:
                assert answer.status == 200
                assert answer.headers["x-emulator-clock-offset"] == "0"


async def test_a_token_says_zooms_own_address(road: Road) -> None:
    app = next(iter(road.emulator.world.apps.values()))
    form = {"grant_type": "client_credentials"}
    async with aiohttp.ClientSession() as session:
        sent = session.post(
            "https://zoom.us/oauth/token",
            data=form,
            headers={"authorization": aiohttp.encode_basic_auth(app.client_id, app.client_secret)},
            proxy=f"http://{LOCAL}:{road.port}",
            ssl=road.trust,
        )
        async with sent as answer:
            assert (await answer.json())["api_url"] == "https://api.zoom.us"


async def test_a_page_says_zooms_own_address(road: Road) -> None:
    app = next(iter(road.emulator.world.apps.values()))
    page = await road.asks("zoom.us", f"GET /marketplace/apps/{app.client_id}/local-test")
    assert b"https://zoom.us/oauth/authorize?" in page


async def test_a_page_of_zooms_posts_its_form(road: Road) -> None:
    user = road.emulator.world.users()[0]
    body = f"user={user.id}&next=/chat"
    form = "content-type: application/x-www-form-urlencoded"
    origin = "origin: https://zoom.us"
    ours = await road.asks("zoom.us", "POST /signin", origin, form, body=body)
    assert ours.startswith(b"HTTP/1.1 303 ")
    other = await road.asks("zoom.us", "POST /signin", "origin: http://zoom.us", form, body=body)
    assert other.startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("named", ["127.0.0.1:8700", "evil.test", "api.zoom.us", "zoom.us:80"])
async def test_a_connection_to_one_host_asks_nothing_of_another(road: Road, named: str) -> None:
    answer = await road.asks("zoom.us", "GET /_emulator/health", f"host: {named}")
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b'"error":"forbidden"' in answer


@pytest.mark.parametrize(
    "asked", ["example.com:443", "127.0.0.1:443", "zoom.us:80", "zoom.us.evil.test:443"]
)
async def test_leads_nobody_elsewhere(road: Road, asked: str) -> None:
    answer = await road.says(f"CONNECT {asked} HTTP/1.1\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"only Zoom's hosts, at port 443, are led to the emulator" in answer
    assert [what for what, _ in road.refused] == [asked]


async def test_takes_a_full_address_from_clients_that_open_no_tunnel(road: Road) -> None:
    head = "GET https://api.zoom.us/v2/users/me HTTP/1.1\r\nhost: api.zoom.us\r\n\r\n"
    answer = await road.says(head.encode())
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert answer.endswith(b'{"code":124,"message":"Invalid access token."}')


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"\x16\x03\x01\r\n\r\n", b"400"),
        (b"GET http://zoom.us/ HTTP/1.1\r\n\r\n", b"400"),
        (b"CONNECT zoom.us:443 HTTP/1.1\r\nx: " + b"y" * 20_000 + b"\r\n\r\n", b"431"),
    ],
)
async def test_says_what_it_cannot_take(road: Road, head: bytes, status: bytes) -> None:
    answer = await road.says(head)
    assert answer.split()[1] == status
    assert len(road.refused) == 1


async def test_waits_for_a_head_no_longer_than_it_says(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PATIENCE_SECONDS", 0.0)
    assert (await road.says(b"CONNECT zoom")).startswith(b"HTTP/1.1 408 ")


async def test_has_an_end_to_its_connections(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CONNECTIONS", 1)
    _, idle = await road.knock()
    answer = await road.says(b"CONNECT zoom.us:443 HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 503 ")
    idle.transport.abort()


async def test_a_client_that_trusts_nobody_is_told_of(road: Road) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        async with road.through("zoom.us", trust=ssl.create_default_context()):
            pass
    await road.news.wait()
    [(asked, why)] = road.refused
    assert asked == "zoom.us"
    assert "the CA file" in why


async def test_a_reset_arrives_as_a_reset(road: Road) -> None:
    await fail(road, {"on": {"path": "/v2/*"}, "do": {"kind": "reset"}, "times": 1})
    with pytest.raises(ConnectionResetError):
        await road.asks("api.zoom.us", "GET /v2/users/me")


async def test_a_body_cut_short_arrives_cut_short(road: Road) -> None:
    await fail(road, {"on": {"path": "/v2/*"}, "do": {"kind": "truncate"}, "times": 1})
    answer = await road.asks("api.zoom.us", "GET /v2/users/me")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.lower().partition(b"content-length: ")[2].split()[0]) > len(body)


async def test_says_that_there_is_no_emulator() -> None:
    listener, nobody = bind(LOCAL, 0), bind(LOCAL, 0)
    port = nobody.getsockname()[1]
    nobody.close()
    refused: list[tuple[str, str]] = []
    proxy = Proxy(
        f"http://{LOCAL}:{port}", AUTHORITY.context(), refused=lambda *each: refused.append(each)
    )
    async with proxy.serving(listener):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"CONNECT zoom.us:443 HTTP/1.1\r\n\r\n")
        answer = await reader.read()
        writer.transport.abort()
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"innkeeper emulator start" in answer
    [(asked, why)] = refused
    assert asked == "zoom.us"
    assert why.startswith(f"no emulator answers at {LOCAL}:{port}; start one")


async def test_what_is_no_emulator_is_told_from_one() -> None:
    listener = bind(LOCAL, 0)

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    site = await asyncio.start_server(other, sock=bind(LOCAL, 0))
    name = "{}:{}".format(*site.sockets[0].getsockname())
    proxy = Proxy(f"http://{name}", AUTHORITY.context(), refused=lambda *_: None)
    async with proxy.serving(listener):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"CONNECT zoom.us:443 HTTP/1.1\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 502 ")
        writer.transport.abort()
    site.close()
    await site.wait_closed()


async def test_its_end_breaks_off_what_is_open() -> None:
    listener = bind(LOCAL, 0)
    proxy = Proxy("http://127.0.0.1:1", AUTHORITY.context(), refused=lambda *_: None)
    async with proxy.serving(listener):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"CONNECT half")
        await writer.drain()
    with suppress(ConnectionResetError):  # by an end or by a reset: it is over
        assert await reader.read() == b""
    writer.transport.abort()


async def fail(road: Road, rule: dict[str, object]) -> None:
    """Order a fault of the emulator's."""
    body = json.dumps(rule)
    head = "content-type: application/json"
    answer = await road.asks("api.zoom.us", "POST /_emulator/faults", head, body=body)
    assert answer.split()[1] in {b"200", b"201"}, answer
