"""The store on SQLite: every part of it, over one file."""

from typing import Final

from innkeeper.errors import KeyMissing, StoreUnavailable
from innkeeper.store.base import Vault
from innkeeper.store.keys import APP, Keys
from innkeeper.store.sqlite.cases import CasePart
from innkeeper.store.sqlite.census import CensusPart
from innkeeper.store.sqlite.claims import ClaimPart
from innkeeper.store.sqlite.database import Database
from innkeeper.store.sqlite.deliveries import DeliveryPart
from innkeeper.store.sqlite.erasing import ErasingPart
from innkeeper.store.sqlite.grants import GrantPart
from innkeeper.store.sqlite.pending import PendingPart
from innkeeper.store.sqlite.purges import PurgePart
from innkeeper.store.sqlite.states import StatePart

_WHOSE: Final = "SELECT value FROM meta WHERE name = ?"
# It must change something: writing what is there already does not touch the disk.
_PROBE: Final = (
    "INSERT INTO meta (name, value) VALUES ('probe', '0')"
    " ON CONFLICT (name) DO UPDATE SET value = 1 - value"
)


class SqliteStore(
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
    """The store in a SQLite file: one process, one thread that writes.

    Open the vault first: a key is kept there before the first row that it seals.

    Args:
        app: The app's client id; a database belongs to one app.
        read_only: Look only, also while the app runs.
        guest: Settle cases, hasten purges and revive events, also while the app runs;
            nothing else.
    """

    def __init__(
        self,
        path: str,
        *,
        vault: Vault,
        app: str,
        read_only: bool = False,
        guest: bool = False,
    ) -> None:
        self._path = path
        db = Database(path, schema="sqlite", read_only=read_only, guest=guest)
        super().__init__(db, Keys(vault, app=app))

    async def open(self) -> None:
        """Connect, migrate, and check that every key is there.

        Raises:
            StoreUnavailable: If the database cannot be opened, is newer than this code,
                another app's, in use by another process, or was emptied.
            KeyMissing: If the vault is not the one this database was written with.
        """
        if self._db.is_emptied() and await self._keys.find(APP) is not None:
            why = (
                "the vault has keys of what it held: put a backup back, or delete it to begin anew"
            )
            raise StoreUnavailable(f"{self._path} is empty", why)
        self._db.open()
        try:
            app_seal = await self._keys.make(APP)
            index_id, _ = await self._keys.index()
            belongs = {"app": self._keys.app, "app_key": app_seal.key_id, "index_key": index_id}
            for name, value in belongs.items():
                await self._check(name, value)
            self._resume()
        except BaseException:
            await self._db.close()
            raise

    async def _check(self, name: str, value: str) -> None:
        row = self._db.row(_WHOSE, name)
        if row is None:
            await self._db.change("INSERT INTO meta (name, value) VALUES (?, ?)", name, value)
        elif row[0] != value and name == "app":
            raise StoreUnavailable(f"{self._path} is the database of another app", str(row[0]))
        elif row[0] != value:
            why = "the vault beside it does not hold the keys it was written with"
            raise KeyMissing(f"{self._path} cannot be read", why)

    async def close(self) -> None:
        """Finish what was begun and let go of the database."""
        await self._db.close()
        self._keys.clear()
        self._links.clear()

    async def ready(self) -> bool:
        """Tell whether a write would be taken now, by making one."""
        try:
            await self._db.change(_PROBE)
        except StoreUnavailable:
            return False
        return True
