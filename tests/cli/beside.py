"""A shell beside a running bot."""

import asyncio
import http.client
import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from innkeeper import App, Card
from innkeeper.secret import Secret
from innkeeper.store.base import Store
from innkeeper.testing import Zoom
from innkeeper.wire.signature import sign
from tests.cli.commands import CONFIGURED, Ended
from tests.contracts.houses import APP, PostgresHouse
from tests.postgres import Server

Run = Callable[[Sequence[str], Mapping[str, str]], Ended]


class House:
    """A running bot, and a shell beside it."""

    def __init__(self, zoom: Zoom, ring: str, run: Run) -> None:
        self.zoom = zoom
        self._run = run
        settings = zoom.parts.settings
        self.env = CONFIGURED | {
            "ZOOM_CLIENT_ID": settings.client_id,
            "ZOOM_BOT_JID": settings.bot_jid,
            "INNKEEPER_DATABASE_URL": f"sqlite:///{settings.database}",
            "INNKEEPER_KEYS": ring,
        }

    async def types(self, *argv: str) -> Ended:
        return await asyncio.to_thread(self._run, argv, self.env)

    async def reads(self, *argv: str) -> Any:
        ended = await self.types(*argv, "--json")
        assert ended.code == 0, ended.said
        return json.loads(ended.out)

    async def refused_message(self) -> None:
        """Have Zoom refuse a message for whoever installed the bot first."""
        refusal = {"kind": "status", "status": 400, "body": '{"code":7004,"message":"No."}'}
        self.zoom.faults.add(refusal, on={"path": "*/im/chat/messages"}, times=1)
        (installation, *_) = await self.zoom.parts.store.installations()
        with pytest.raises(Exception, match="7004"):
            await self.zoom.parts.clients.of(installation).chat.send(Card("x"))


Open = Callable[[App], AbstractAsyncContextManager[House]]


@asynccontextmanager
async def opened_house(house: PostgresHouse) -> AsyncGenerator[Store]:
    vault = house.vault()
    await vault.open()
    store = house.store(vault)
    await store.open()
    yield store
    await store.close()
    await vault.close()


def environment_of(postgres: Server, space: str, house: PostgresHouse) -> dict[str, str]:
    return CONFIGURED | {
        "ZOOM_CLIENT_ID": APP,
        "INNKEEPER_DATABASE_URL": _url(postgres, space),
        "INNKEEPER_VAULT_URL": _url(postgres, f"{space}_vault"),
        "INNKEEPER_KEYS": house.ring,
    }


def _url(postgres: Server, schema: str) -> str:
    joint = "&" if "?" in postgres.url else "?"
    return f"{postgres.url}{joint}schema={schema}"


def installed_body(env: Mapping[str, str]) -> bytes:
    payload = {
        "robotJid": env["ZOOM_BOT_JID"],
        "accountId": "account-of-ana",
        "userId": "user-of-ana",
        "userJid": "user-of-ana@xmpp.zoom.us",
        "userName": "Ana",
        "timestamp": int(time.time() * 1000),
    }
    return json.dumps({"event": "bot_installed", "payload": payload}).encode()


def post(port: int, body: bytes) -> int:
    """Deliver an event as Zoom does, and give the status of the answer."""
    now = str(int(time.time()))
    secret = Secret(CONFIGURED["ZOOM_WEBHOOK_SECRET_TOKEN"])
    headers = {
        "Content-Type": "application/json",
        "X-Zm-Request-Timestamp": now,
        "X-Zm-Signature": sign(body, timestamp=now, secret=secret),
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/events", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status
