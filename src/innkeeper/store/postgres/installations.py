"""Who has authorized the app?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from innkeeper.errors import Fenced
from innkeeper.ids import InstallationId, ReceiptId, new_id
from innkeeper.store.keys import owner_index
from innkeeper.store.moments import to_micros
from innkeeper.store.postgres.connection import Connection
from innkeeper.store.postgres.part import Part
from innkeeper.store.records import Installation, InstallationStatus, Owner, Person
from innkeeper.store.rows import INSTALLATION, read_installation, seal_person, write_person

_AT_ONCE: Final = 5000
_OPEN: Final = """
    INSERT INTO installations (id, owner_index, generation, status, authorized_at,
        receipt_id, version, sealed)
    SELECT $1, $2, 1 + greatest($3::int, coalesce(max(generation), 0)), 'live', $4, $5, 1, $6::bytea
    FROM installations WHERE owner_index = $2
    ON CONFLICT (owner_index) WHERE status <> 'purging' DO NOTHING
"""


class InstallationPart(Part):
    """Installations, each sealed with a key of its own."""

    async def find_installation(self, owner: Owner) -> Installation | None:
        """Find the owner's installation, whatever its status; a purged one is not found.

        A live one comes before one that is being purged.

        Raises:
            StoreUnavailable: If the database cannot be read.
            SealBroken: If its row was altered.
        """
        found = await self._read(
            f"{INSTALLATION} WHERE owner_index = $1 ORDER BY status = 'purging', generation DESC",
            await self._owner_index(owner),
        )
        if not found:
            return None
        if found[0].status is not InstallationStatus.PURGING:
            self._link(owner, found[0].id)
        return found[0]

    async def get_installation(self, installation_id: InstallationId) -> Installation | None:
        """Read an installation by our own id.

        Raises:
            StoreUnavailable: If the database cannot be read.
            SealBroken: If its row was altered.
        """
        found = await self._read(f"{INSTALLATION} WHERE id = $1", installation_id)
        return found[0] if found else None

    async def find_by_receipt(self, receipt_id: ReceiptId) -> Installation | None:
        """Find the installation whose receipt will carry this id.

        Raises:
            StoreUnavailable: If the database cannot be read.
            SealBroken: If its row was altered.
        """
        found = await self._read(f"{INSTALLATION} WHERE receipt_id = $1", receipt_id)
        return found[0] if found else None

    async def installations(self, *, limit: int = 1000) -> Sequence[Installation]:
        """List installations, oldest first; those whose data key is gone are left out.

        Raises:
            StoreUnavailable: If the database cannot be read.
            SealBroken: If a row was altered.
        """
        return await self._read(f"{INSTALLATION} ORDER BY number LIMIT $1", limit)

    async def orphans(self) -> Sequence[InstallationId]:
        """List installations whose data key is gone: a restored backup holds them still.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        found: list[str] = []
        last = ""
        while rows := await self._db.rows(
            "SELECT id FROM installations WHERE id > $1 ORDER BY id LIMIT $2", last, _AT_ONCE
        ):
            found += await self._keys.vault.missing_keys([row[0] for row in rows])
            last = rows[-1][0]
        return [InstallationId(each) for each in found]

    async def live_among(self, ids: Sequence[InstallationId]) -> Sequence[InstallationId]:
        """Tell which of these are neither gone nor being purged, without opening a seal.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        rows = await self._db.rows(
            "SELECT id FROM installations WHERE id = ANY($1) AND status <> 'purging'", ids
        )
        return [InstallationId(row[0]) for row in rows]

    async def open_installation(
        self, owner: Owner, person: Person, *, authorized_at: datetime
    ) -> tuple[Installation, bool]:
        """Open the owner's installation, or re-authorize the live one; say whether it is new.

        Re-authorizing keeps id, generation, status and welcome, and moves `authorized_at`
        and `person` (never `authorized_at` backwards); it settles the open cases of before.
        While one is PURGING, or was decided to be purged, a new one with the next generation
        is opened beside it.

        Raises:
            StoreUnavailable: If it could not be kept.
        """
        index = await self._owner_index(owner)
        content = write_person(owner, person)
        opened: InstallationId | None = None
        fresh = False
        while opened is None:
            live = await self._db.row(
                "SELECT id FROM installations WHERE owner_index = $1 AND status <> 'purging'", index
            )
            if live is not None:
                opened = await self._authorize_anew(live[0], content, authorized_at)
            else:
                opened = await self._open_new(owner, index, content, authorized_at)
                fresh = opened is not None
        installation = await self.get_installation(opened)
        if installation is None:
            raise Fenced("installation lost", "it was removed as soon as it was opened")
        self._link(owner, installation.id)
        return installation, fresh

    async def _authorize_anew(
        self, installation_id: InstallationId, content: bytes, authorized_at: datetime
    ) -> InstallationId | None:
        """Move a live installation on; None if it is over, or was decided to be."""
        seal = await self._keys.find(installation_id)

        async def job(connection: Connection) -> InstallationId | None:
            version = await connection.fetchval(
                "SELECT version + 1 FROM installations"
                " WHERE id = $1 AND status <> 'purging' FOR UPDATE",
                installation_id,
            )
            if version is None:
                return None
            await connection.execute(
                "UPDATE cases SET closed_at = $2, outcome = 'lives'"
                " WHERE installation_id = $1 AND closed_at IS NULL AND opened_at < $2",
                *(installation_id, to_micros(authorized_at)),
            )
            # Only now, when nobody can decide any more what that has settled.
            decided = await connection.fetchval(
                "SELECT 1 FROM cases WHERE installation_id = $1"
                " AND outcome IN ('purge', 'unanswered')",
                installation_id,
            )
            if seal is None or decided:  # it waits to be purged; without a key, it was before
                await connection.execute(
                    "UPDATE installations SET status = 'purging' WHERE id = $1", installation_id
                )
                return None
            await connection.execute(
                "UPDATE installations SET authorized_at = greatest(authorized_at, $2),"
                " version = $3, sealed = $4 WHERE id = $1",
                *(installation_id, to_micros(authorized_at), version),
                seal_person(seal, installation_id, version, content),
            )
            return installation_id

        return await self._db.write(job)

    async def _open_new(
        self, owner: Owner, index: bytes, content: bytes, authorized_at: datetime
    ) -> InstallationId | None:
        """Open an installation; None if somebody else was faster."""
        tombstone = await self._keys.vault.find_tombstone(owner)
        buried = tombstone.generation if tombstone else 0
        installation_id = InstallationId(new_id("ins"))
        seal = await self._keys.make(installation_id)
        opened = await self._db.change(
            _OPEN,
            *(installation_id, index, buried, to_micros(authorized_at)),
            *(new_id("rcp"), seal_person(seal, installation_id, 1, content)),
        )
        if opened:
            return installation_id
        await self._keys.vault.destroy_key(installation_id)
        return None

    async def set_status(self, installation_id: InstallationId, status: InstallationStatus) -> None:
        """Move a live installation to LIVE or NEEDS_REAUTH.

        Raises:
            Fenced: If the installation is gone or being purged.
            StoreUnavailable: If it could not be written.
            ValueError: For PURGING, which `begin_purge` alone decides.
        """
        if status is InstallationStatus.PURGING:
            message = "begin_purge moves an installation to PURGING"
            raise ValueError(message)
        changed = await self._db.change(
            "UPDATE installations SET status = $2 WHERE id = $1 AND status <> 'purging'",
            *(installation_id, status.value),
        )
        if not changed:
            raise Fenced("status not written", "the installation is over")

    async def mark_welcomed(self, installation_id: InstallationId) -> bool:
        """Take the one welcome of this generation; False if it was taken already.

        Raises:
            Fenced: If the installation is gone or being purged.
            StoreUnavailable: If it could not be written.
        """
        taken = await self._db.change(
            "UPDATE installations SET welcomed = TRUE"
            " WHERE id = $1 AND status <> 'purging' AND NOT welcomed",
            installation_id,
        )
        if not taken:
            await self._refuse_unless_live(installation_id)
        return taken == 1

    async def _refuse_unless_live(self, installation_id: InstallationId) -> None:
        """Tell a fenced write from one that changed nothing for another reason.

        Raises:
            Fenced: If the installation is gone or being purged.
        """
        live = await self._db.row(
            "SELECT 1 FROM installations WHERE id = $1 AND status <> 'purging'", installation_id
        )
        if live is None:
            raise Fenced("nothing written", "the installation is over")

    # rows to values

    async def _read(self, sql: str, *values: object) -> list[Installation]:
        """Read installations, but those whose key is gone: nobody can read these any more."""
        found: list[Installation] = []
        for row in await self._db.rows(sql, *values):
            seal = await self._keys.find(row[0])
            if seal is not None:
                found.append(read_installation(row, seal))
        return found

    async def _owner_index(self, owner: Owner) -> bytes:
        _, index = await self._keys.index()
        return owner_index(index, owner)
