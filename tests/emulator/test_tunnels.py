"""A connection says once which of Zoom's hosts it means, and only the proxy's can."""

import pytest

from innkeeper.emulator.tunnels import plays
from tests.emulator.visit import ZOOM, Visit, read

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "host", ["zoom.us", "api.zoom.us", "api-us.zoom.us", "api-eu.zoom.us", "marketplace.zoom.us"]
)
def test_plays_zooms_hosts(host: str) -> None:
    assert plays(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "zoom.com",
        "us.zoom.us",
        "api-.zoom.us",
        "api-1.zoom.us",
        "zoom.us.",
        "zoom.us\n",
        "ZOOM.US",
    ],
)
def test_plays_no_other(host: str) -> None:
    assert not plays(host)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"host":"api.zoom.us"}', b'{"host":"evil.test"}'])
async def test_opens_no_tunnel_where_there_is_no_connection(body: bytes) -> None:
    refused = await Visit().ask("POST", "/_emulator/tunnel", body=body)
    assert (refused.status, read(refused)["error"]) == (400, "tunnel_refused")


async def test_without_a_tunnel_the_emulator_goes_by_its_own_name() -> None:
    visit = Visit()
    given = read(await visit.chatbot_token())
    assert given["api_url"] == ZOOM
    page = await visit.ask("GET", f"/marketplace/apps/{visit.app.client_id}/local-test")
    assert f"{ZOOM}/oauth/authorize?" in page.body.decode()
