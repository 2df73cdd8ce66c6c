"""Which tokens are there, and who renews them now?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from innkeeper.errors import Fenced
from innkeeper.ids import InstallationId
from innkeeper.store.keys import APP
from innkeeper.store.moments import to_micros
from innkeeper.store.records import Grant, GrantKind
from innkeeper.store.rows import GRANT, OURS, Row, read_grant, write_grant
from innkeeper.store.seal import Seal
from innkeeper.store.sqlite.connection import Connection
from innkeeper.store.sqlite.part import Part

_RENEWABLE: Final = (
    " WHERE dead = 0 AND renew_at <= ?"
    " AND (installation_id IS NULL OR EXISTS"
    " (SELECT 1 FROM live_installations WHERE id = grants.installation_id))"
    " ORDER BY renew_at, id LIMIT ?"
)
_SAVE: Final = (
    "INSERT INTO grants (id, kind, installation_id, version, sealed, expires_at,"
    " refresh_expires_at, used_at, renew_at) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?"
    " WHERE (? IS NULL OR EXISTS (SELECT 1 FROM live_installations WHERE id = ?))"
    " ON CONFLICT (id) DO UPDATE SET version = excluded.version, sealed = excluded.sealed,"
    " expires_at = excluded.expires_at, refresh_expires_at = excluded.refresh_expires_at,"
    " used_at = max(used_at, excluded.used_at), renew_at = excluded.renew_at, dead = 0,"
    " attempted_at = NULL,"
    " lease_holder = NULL, lease_until = 0"
)


class GrantPart(Part):
    """Tokens, under compare-and-set and lease."""

    async def find_grant(self, grant_id: str) -> Grant | None:
        """Read a grant with its tokens.

        Raises:
            StoreUnavailable: If the database cannot be read.
            SealBroken: If its row was altered.
        """
        row = self._db.row(f"{GRANT} WHERE id = ? AND sealed IS NOT NULL", grant_id)
        return await self._grant(row) if row else None

    async def save_grant(self, grant: Grant, *, replaces: int, now: datetime) -> Grant | None:  # noqa: ARG002  # the contract's
        """Commit tokens over the version they replace (0: none yet); clears lease and journal.

        The saved version is `replaces + 1`. Returns None if another version stands there now.
        A dead grant of that version is replaced, and lives again.

        Raises:
            Fenced: If the grant's installation is gone or being purged.
            StoreUnavailable: If it could not be written.
        """
        seal = await self._seal_for(grant)

        def job(connection: Connection) -> Grant | None:
            _refuse_if_over(connection, grant.installation_id)
            if _version(connection, grant) != replaces:
                return None
            return _commit(connection, replace(grant, version=replaces + 1), seal)

        return await self._db.write(job)

    async def replace_grant(self, grant: Grant, *, now: datetime) -> Grant:  # noqa: ARG002  # the contract's
        """Commit tokens of a new authorization over whatever version stands there.

        Raises:
            Fenced: If the grant's installation is gone or being purged.
            StoreUnavailable: If it could not be written.
        """
        seal = await self._seal_for(grant)

        def job(connection: Connection) -> Grant:
            _refuse_if_over(connection, grant.installation_id)
            version = _version(connection, grant) + 1
            return _commit(connection, replace(grant, version=version), seal)

        return await self._db.write(job)

    async def _seal_for(self, grant: Grant) -> Seal:
        seal = await self._seal_of(grant.installation_id)
        if seal is None:
            raise Fenced("tokens not written", "the installation's key is gone")
        return seal

    async def lease_grant(
        self, grant_id: str, version: int, *, holder: str, now: datetime, until: datetime
    ) -> bool:
        """Take the right to renew one version (0: none yet), unless it died or somebody holds it.

        Raises:
            Fenced: If the grant's installation is gone or being purged.
            StoreUnavailable: If it could not be written.
        """
        kind = GrantKind(grant_id) if grant_id in OURS else GrantKind.USER
        owner = grant_id if kind is GrantKind.USER else None

        def job(connection: Connection) -> bool:
            _refuse_if_over(connection, owner)
            if version == 0:
                connection.run(
                    "INSERT INTO grants (id, installation_id, kind) VALUES (?, ?, ?)"
                    " ON CONFLICT (id) DO NOTHING",
                    (grant_id, owner, kind),
                )
            taken = connection.change(
                "UPDATE grants SET lease_holder = ?, lease_until = ?"
                " WHERE id = ? AND version = ? AND lease_until <= ?"
                " AND (NOT dead OR installation_id IS NULL)",
                (holder, to_micros(until), grant_id, version, to_micros(now)),
            )
            return taken == 1

        return await self._db.write(job)

    async def release_grant(self, grant_id: str, *, holder: str) -> None:
        """Give up a lease; that of an installation which is over is gone already.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        await self._db.change(
            "UPDATE grants SET lease_holder = NULL, lease_until = 0"
            " WHERE id = ? AND lease_holder = ? AND (installation_id IS NULL OR EXISTS"
            " (SELECT 1 FROM live_installations WHERE id = grants.installation_id))",
            *(grant_id, holder),
        )

    async def journal_grant(self, grant_id: str, version: int, *, at: datetime) -> bool:
        """Write down, before the call, that this version is being renewed.

        Raises:
            Fenced: If the grant's installation is gone or being purged.
            StoreUnavailable: If it could not be written.
        """
        written = await self._db.change(
            "UPDATE grants SET attempted_at = ? WHERE id = ? AND version = ?"
            " AND (installation_id IS NULL OR EXISTS"
            " (SELECT 1 FROM live_installations WHERE id = grants.installation_id))",
            *(to_micros(at), grant_id, version),
        )
        if not written and grant_id not in OURS:
            self._refuse_unless_live(grant_id)
        return written == 1

    async def kill_grant(self, grant_id: str, version: int) -> bool:
        """Mark a version as over for good; False if another version stands there now.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        killed = await self._db.change(
            "UPDATE grants SET dead = 1 WHERE id = ? AND version = ?"
            " AND (installation_id IS NULL OR EXISTS"
            " (SELECT 1 FROM live_installations WHERE id = grants.installation_id))",
            *(grant_id, version),
        )
        return killed == 1

    async def touch_grant(
        self, grant_id: str, version: int, *, used_at: datetime, renew_at: datetime | None
    ) -> None:
        """Write down when this version was last used and is to be renewed, if it still stands.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        await self._db.change(
            "UPDATE grants SET used_at = max(used_at, ?), renew_at = ?"
            " WHERE id = ? AND version = ? AND (installation_id IS NULL OR EXISTS"
            " (SELECT 1 FROM live_installations WHERE id = grants.installation_id))",
            *(to_micros(used_at), None if renew_at is None else to_micros(renew_at)),
            *(grant_id, version),
        )

    async def renewable_grants(self, *, now: datetime, limit: int) -> Sequence[Grant]:
        """List live grants that are to be renewed by now, the longest due first.

        Raises:
            StoreUnavailable: If the database cannot be read.
            SealBroken: If a row was altered.
        """
        due = (to_micros(now), limit)
        rows = await self._db.write(lambda connection: connection.rows(f"{GRANT}{_RENEWABLE}", due))
        found = [await self._grant(row) for row in rows]
        return [grant for grant in found if grant is not None]

    async def _grant(self, row: Row) -> Grant | None:
        seal = await self._seal_of(row[2])
        return None if seal is None else read_grant(row, seal)

    async def _seal_of(self, installation_id: InstallationId | None) -> Seal | None:
        if installation_id is None:
            return await self._keys.make(APP)
        return await self._keys.find(installation_id)


def _refuse_if_over(connection: Connection, installation_id: str | None) -> None:
    if installation_id is None:
        return
    if not connection.rows("SELECT 1 FROM live_installations WHERE id = ?", (installation_id,)):
        raise Fenced("tokens not written", "the installation is over")


def _version(connection: Connection, grant: Grant) -> int:
    rows = connection.rows("SELECT version FROM grants WHERE id = ?", (grant.id,))
    return int(rows[0][0]) if rows else 0


def _commit(connection: Connection, grant: Grant, seal: Seal) -> Grant:
    saved = replace(grant, dead=False, attempted_at=None)
    fence = (grant.installation_id, grant.installation_id)
    connection.run(_SAVE, (*write_grant(saved, seal), *fence))
    return saved
