"""The store on PostgreSQL: every part of it, over one schema."""

from contextlib import suppress
from typing import Final

from innkeeper.errors import KeyMissing, StoreUnavailable
from innkeeper.store.addresses import PostgresAddress
from innkeeper.store.base import Vault
from innkeeper.store.keys import APP, Keys
from innkeeper.store.postgres.arrivals import NOTHING
from innkeeper.store.postgres.cases import CasePart
from innkeeper.store.postgres.census import CensusPart
from innkeeper.store.postgres.claims import ClaimPart
from innkeeper.store.postgres.database import Database
from innkeeper.store.postgres.deliveries import DeliveryPart
from innkeeper.store.postgres.erasing import ErasingPart
from innkeeper.store.postgres.grants import GrantPart
from innkeeper.store.postgres.pending import PendingPart
from innkeeper.store.postgres.purges import PurgePart
from innkeeper.store.postgres.states import StatePart

_BELONGS: Final = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"
_PROBE: Final = (
    "INSERT INTO meta (name, value) VALUES ('probe', '1')"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


class PostgresStore(
    ErasingPart,
    DeliveryPart,
    PurgePart,
    CasePart,
    PendingPart,
    GrantPart,
    StatePart,
    ClaimPart,
    CensusPart,
):
    """The store in a schema of PostgreSQL: as many processes as you like.

    Open the vault first: a key is kept there before the first row that it seals.

    Args:
        app: The app's client id; a schema belongs to one app.
        read_only: Look only.
    """

    def __init__(
        self, address: PostgresAddress, *, vault: Vault, app: str, read_only: bool = False
    ) -> None:
        db = Database(address, migrations="postgres", read_only=read_only)
        super().__init__(db, Keys(vault, app=app))

    async def open(self) -> None:
        """Connect, migrate, and check that every key is there.

        Raises:
            StoreUnavailable: If the database cannot be used, was changed by a newer
                version that this one does not fit, or is another app's.
            KeyMissing: If the vault is not the one this database was written with.
        """
        await self._db.open()
        try:
            app_seal = await self._keys.make(APP)
            index_id, _ = await self._keys.index()
            belongs = {"app": self._keys.app, "app_key": app_seal.key_id, "index_key": index_id}
            for name, value in belongs.items():
                await self._check(name, value)
            if not self._db.read_only:
                await self._db.write_alone_in_schema(self._nudges.install)
                await self._enter()
        except BaseException:
            await self._db.close()
            raise

    async def _check(self, name: str, value: str) -> None:
        if not self._db.read_only:
            await self._db.change(_BELONGS, name, value)
        row = await self._db.row("SELECT value FROM meta WHERE name = $1", name)
        schema = self._db.address.schema
        if row is not None and row[0] != value and name == "app":
            raise StoreUnavailable(f"the schema {schema} is another app's", str(row[0]))
        if row is not None and row[0] != value:
            why = "the vault is not the one that it was written with"
            raise KeyMissing(f"the schema {schema} cannot be read", why)

    async def close(self) -> None:
        """Finish what was begun and let go of the database."""
        await self._db.finish()
        with suppress(StoreUnavailable):  # then this process is found dead in a while
            await self._leave()
        await self._db.close()
        self._keys.clear()
        self._links.clear()

    async def ready(self) -> bool:
        """Tell whether a write would be taken now, by making one."""
        try:
            await self._endings.put(NOTHING)  # with what nobody waited for
            await self._db.change(_PROBE, first=True)
        except StoreUnavailable:
            return False
        return True
