"""Where a store lives, so that one suite can open, close and reopen any of them."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec

from innkeeper.ids import AccountId, InstallationId, Jid, UserId
from innkeeper.secret import Secret
from innkeeper.store.base import Store, Vault
from innkeeper.store.postgres import PostgresStore, PostgresVault
from innkeeper.store.records import Accepted, Grant, GrantKind, Owner, Person, Purge
from innkeeper.store.seal import KeyRing
from innkeeper.store.sqlite import SqliteStore
from innkeeper.store.vault import SqliteVault
from tests.postgres import Server

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
APP = "clientOfTheTests"


class House(Protocol):
    """One place with a vault and a store, which can be opened again and again."""

    ring: str
    """The key ring that the next vault is opened with."""

    def vault(self) -> Vault:
        """Give a vault there, not opened yet."""
        ...

    def store(self, vault: Vault) -> Store:
        """Give a store there, not opened yet."""
        ...


@dataclass
class SqliteHouse:
    """Two files in a folder."""

    folder: Path
    ring: str = field(default_factory=KeyRing.generate)

    def vault(self) -> SqliteVault:
        return SqliteVault(str(self.folder / "vault.db"), KeyRing.parse(self.ring), app=APP)

    def store(self, vault: Vault) -> SqliteStore:
        return SqliteStore(str(self.folder / "store.db"), vault=vault, app=APP)


@dataclass
class PostgresHouse:
    """Two schemas of one database."""

    server: Server
    space: str
    ring: str = field(default_factory=KeyRing.generate)

    def vault(self) -> PostgresVault:
        address = self.server.address(f"{self.space}_vault")
        return PostgresVault(address, KeyRing.parse(self.ring), app=APP)

    def store(self, vault: Vault) -> PostgresStore:
        return PostgresStore(self.server.address(self.space), vault=vault, app=APP)


def owner(name: str = "ana") -> Owner:
    return Owner(AccountId(f"account-of-{name}"), UserId(f"user-{name}"))


def person(name: str = "ana") -> Person:
    return Person(
        AccountId(f"account-of-{name}"),
        UserId(f"user-{name}"),
        Jid(f"user-{name}@xmpp.test"),
        f"{name.title()} Example",
        f"{name}@people.test",
    )


def body(name: str = "ana", *, at: datetime = NOW, text: str = "help") -> bytes:
    """Write an event's body that names its owner."""
    return msgspec.json.encode(
        {
            "event": "bot_notification",
            "event_ts": int(at.timestamp() * 1000),
            "payload": {
                "accountId": f"account-of-{name}",
                "userId": f"user-{name}",
                "cmd": text,
            },
        }
    )


def user_grant(
    installation_id: InstallationId, *, version: int = 0, token: str = "access-1"
) -> Grant:
    return Grant(
        id=installation_id,
        kind=GrantKind.USER,
        installation_id=installation_id,
        version=version,
        access_token=Secret(token),
        refresh_token=Secret(f"refresh-of-{token}"),
        expires_at=NOW + timedelta(hours=1),
        refresh_expires_at=NOW + 90 * DAY,
        scope=frozenset({"user:read", "imchat:bot"}),
        api_url="https://api.zoom.us",
        used_at=NOW,
    )


def app_grant(kind: GrantKind = GrantKind.CHATBOT) -> Grant:
    return Grant(
        id=str(kind),
        kind=kind,
        installation_id=None,
        version=0,
        access_token=Secret("access-of-the-app"),
        refresh_token=None,
        expires_at=NOW + timedelta(hours=1),
        refresh_expires_at=None,
        scope=frozenset({"imchat:bot"}),
        api_url="https://api.zoom.us",
        used_at=NOW,
    )


async def opened(store: Store, name: str = "ana", *, at: datetime = NOW) -> InstallationId:
    """Open somebody's installation."""
    installation, _ = await store.open_installation(owner(name), person(name), authorized_at=at)
    return installation.id


async def accepted(
    store: Store, content: bytes, *, name: str | None = None, now: datetime = NOW
) -> Accepted:
    """Put an event into the inbox; `name` is the hint whose it is."""
    return await store.accept(
        key=hashlib.sha256(content).digest(),
        name="bot_notification",
        body=content,
        owner=owner(name) if name else None,
        now=now,
    )


async def purge_begun(
    store: Store, installation_id: InstallationId, *, removed_at: datetime = NOW + MINUTE
) -> Purge:
    """Fence an installation."""
    purge = await store.begin_purge(
        installation_id, removed_at=removed_at, now=removed_at, deadline_at=removed_at + DAY
    )
    assert purge is not None
    return purge
