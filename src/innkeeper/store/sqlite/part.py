"""What do the parts of the store have in common? The database, the keys, and the fence."""

from typing import Final

from innkeeper.errors import Fenced
from innkeeper.ids import InstallationId
from innkeeper.store.keys import Keys
from innkeeper.store.records import Owner
from innkeeper.store.sqlite.database import Database

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

    def _is_live(self, installation_id: str) -> bool:
        return bool(self._db.rows("SELECT 1 FROM live_installations WHERE id = ?", installation_id))

    def _refuse_unless_live(self, installation_id: str) -> None:
        """Tell a fenced write from one that changed nothing for another reason.

        Raises:
            Fenced: If the installation is gone or being purged.
        """
        if not self._is_live(installation_id):
            raise Fenced("nothing written", "the installation is over")
