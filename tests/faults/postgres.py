"""Does all of this hold where many processes write to one database? Shelves on PostgreSQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import asyncpg  # pyright: ignore[reportMissingTypeStubs]  # it has none

from innkeeper.settings import Settings
from innkeeper.shelf import Shelf
from innkeeper.store.addresses import PostgresAddress
from innkeeper.store.base import Store, Vault
from innkeeper.store.postgres import PostgresStore, PostgresVault
from tests.faults.edges import Plan, WatchedPart
from tests.faults.shelves import OWNED, Remains, Row

_ROWS = "SELECT * FROM {space}.{table} WHERE installation_id = $1"
_PURGE = "SELECT 1 FROM {space}.purges WHERE installation_id = $1"


@dataclass(frozen=True, slots=True)
class PostgresShelves:
    """Two schemas of one database; every worker and every process has connections of its own.

    Args:
        url: Where the server is.
        space: The store's schema; the vault's is `…_vault`.
    """

    url: str
    space: str

    @property
    def one_writer(self) -> bool:
        """Whether only one store at a time may write: here as many as like to."""
        return False

    def shelf(self, settings: Settings, plan: Plan) -> Shelf:
        """Make a store and a vault; what the store asks of the vault is watched as well."""
        keys, app = settings.keys, settings.client_id
        there = PostgresAddress.parse(self.url, schema=f"{self.space}_vault")
        vault = cast("Vault", WatchedPart("vault", PostgresVault(there, keys, app=app), plan))
        here = PostgresAddress.parse(self.url, schema=self.space)
        store = PostgresStore(here, vault=vault, app=app)
        return Shelf(cast("Store", WatchedPart("store", store, plan)), vault)

    async def purging(
        self,
        settings: Settings,  # noqa: ARG002  # a shelf's signature
        installation_id: str,
    ) -> set[tuple[str, Row]] | None:
        """Look at the database over a connection of our own."""
        connection: Any = await cast("Any", asyncpg).connect(self.url)
        try:
            if not await connection.fetch(_PURGE.format(space=self.space), installation_id):
                return None
            return {
                (table, tuple(row))
                for table in OWNED
                for row in await connection.fetch(
                    _ROWS.format(space=self.space, table=table), installation_id
                )
            }
        finally:
            await connection.close()

    def mark(self, folder: Path) -> object:  # noqa: ARG002  # nothing is kept there
        """Say that something may have been written."""
        return object()

    def copy(self, folder: Path) -> Mapping[str, bytes]:
        """Its files are the server's: what is looked for in bytes is looked for on SQLite."""
        raise NotImplementedError

    def put_back(self, folder: Path, copied: Mapping[str, bytes]) -> None:
        """Do nothing of the kind."""
        raise NotImplementedError

    def remains(self, copied: Mapping[str, bytes], folder: Path) -> Remains:
        """Do nothing of the kind."""
        raise NotImplementedError
