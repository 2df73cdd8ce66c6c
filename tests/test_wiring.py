"""What a running app is made of where nothing else is given."""

import socket
from pathlib import Path

import pytest

from innkeeper.errors import Unreachable
from innkeeper.net.outbound import HttpTransport, Request
from innkeeper.net.resolving import Address, MachineResolver
from innkeeper.wiring import Edges, _edges
from tests.doors import settings_at

pytestmark = pytest.mark.anyio


async def test_k40_a_published_app_follows_zooms_names_to_no_private_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def rebound(_: object, _host: str, port: int) -> list[Address]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port))]

    monkeypatch.setattr(MachineResolver, "resolve", rebound)
    settings = settings_at("https://bot.example.com", tmp_path, oauth_url="https://zoom.us")
    _, transport = _edges(settings, Edges())
    assert isinstance(transport, HttpTransport)
    for url in ("https://zoom.us/oauth/token", "https://api-us.zoom.us/v2/users/me"):
        with pytest.raises(Unreachable, match="leads where nothing is sent"):
            await transport.send(Request("POST", url, {}, b"secret"))
    await transport.aclose()
