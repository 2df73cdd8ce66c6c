"""What do the parts of the store have in common? The database, the keys, and the fence.

The fence: a write about a person selects from its live installation and holds that row
`FOR SHARE` until it is durable. Who begins a purge waits for these, and whoever comes
later finds the installation over.
"""

from typing import Final

from innkeeper.errors import Fenced
from innkeeper.ids import InstallationId
from innkeeper.store.keys import Keys
from innkeeper.store.postgres.connection import Connection
from innkeeper.store.postgres.database import Database
from innkeeper.store.records import Owner

LIVE: Final = "SELECT id FROM installations WHERE id = $1 AND status <> 'purging' FOR SHARE"

_LINKS_KEPT: Final = 10_000


class Part:
    """One part of the store. All parts share these."""

    def __init__(self, db: Database, keys: Keys) -> None:
        self._db = db
        self._keys = keys
        self._links: dict[Owner | None, InstallationId] = {}

    def _link(self, owner: Owner, installation_id: InstallationId) -> None:
        """Remember whose an installation is, so that an arrival needs no read."""
        if len(self._links) >= _LINKS_KEPT:
            self._links.clear()
        self._links[owner] = installation_id

    def _unlink(self, installation_id: InstallationId) -> None:
        """Forget whose an installation was."""
        gone = [owner for owner, each in self._links.items() if each == installation_id]
        for owner in gone:
            del self._links[owner]


async def hold(connection: Connection, installation_id: str | None) -> bool:
    """Hold a live installation until this transaction ends; False if it is over.

    Nobody's needs no holding.
    """
    if installation_id is None:
        return True
    return await connection.fetchval(LIVE, installation_id) is not None


async def hold_or_refuse(connection: Connection, installation_id: str | None, what: str) -> None:
    """Hold a live installation until this transaction ends.

    Raises:
        Fenced: If it is gone or being purged.
    """
    if not await hold(connection, installation_id):
        raise Fenced(what, "the installation is over")
