"""Which tokens are there, and who renews them now?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from innkeeper.errors import Fenced
from innkeeper.ids import InstallationId
from innkeeper.store.keys import APP
from innkeeper.store.moments import to_micros
from innkeeper.store.postgres.connection import Connection
from innkeeper.store.postgres.part import Part, hold, hold_or_refuse
from innkeeper.store.records import Grant, GrantKind
from innkeeper.store.rows import GRANT, OURS, Row, read_grant, write_grant
from innkeeper.store.seal import Seal

_RENEWABLE: Final = """
    WHERE NOT dead AND renew_at <= $1
        AND (installation_id IS NULL OR EXISTS (
            SELECT 1 FROM installations
            WHERE installations.id = installation_id AND status <> 'purging'))
    ORDER BY renew_at, id LIMIT $2
"""
_SAVE: Final = """
    UPDATE grants SET version = $4, sealed = $5, expires_at = $6, refresh_expires_at = $7,
        used_at = greatest(used_at, $8), renew_at = $9, kind = $2, installation_id = $3,
        dead = FALSE, attempted_at = NULL, lease_holder = NULL, lease_until = 0
    WHERE id = $1
"""
_PLACE: Final = (
    "INSERT INTO grants (id, installation_id, kind) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING"
)


class GrantPart(Part):
    """Tokens, under compare-and-set and lease.

    Whoever changes a grant holds its row first, so versions are compared and set one
    process after the other.
    """

    async def find_grant(self, grant_id: str) -> Grant | None:
        """Read a grant with its tokens.

        Raises:
            StoreUnavailable: If the database cannot be read.
            SealBroken: If its row was altered.
        """
        row = await self._db.row(f"{GRANT} WHERE id = $1 AND sealed IS NOT NULL", grant_id)
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

        async def job(connection: Connection) -> Grant | None:
            await hold_or_refuse(connection, grant.installation_id, "tokens not written")
            if await _version(connection, grant) != replaces:
                return None
            return await _commit(connection, replace(grant, version=replaces + 1), seal)

        return await self._db.write(job)

    async def replace_grant(self, grant: Grant, *, now: datetime) -> Grant:  # noqa: ARG002  # the contract's
        """Commit tokens of a new authorization over whatever version stands there.

        Raises:
            Fenced: If the grant's installation is gone or being purged.
            StoreUnavailable: If it could not be written.
        """
        seal = await self._seal_for(grant)

        async def job(connection: Connection) -> Grant:
            await hold_or_refuse(connection, grant.installation_id, "tokens not written")
            version = await _version(connection, grant) + 1
            return await _commit(connection, replace(grant, version=version), seal)

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

        async def job(connection: Connection) -> bool:
            await hold_or_refuse(connection, owner, "lease not taken")
            if version == 0:
                await connection.execute(_PLACE, grant_id, owner, kind.value)
            taken = await connection.fetchval(
                "UPDATE grants SET lease_holder = $3, lease_until = $4"
                " WHERE id = $1 AND version = $2 AND lease_until <= $5"
                " AND (NOT dead OR installation_id IS NULL) RETURNING id",
                *(grant_id, version, holder, to_micros(until), to_micros(now)),
            )
            return taken is not None

        return await self._db.write(job)

    async def release_grant(self, grant_id: str, *, holder: str) -> None:
        """Give up a lease; that of an installation which is over is gone already.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        await self._change_held(
            grant_id,
            "UPDATE grants SET lease_holder = NULL, lease_until = 0"
            " WHERE id = $1 AND lease_holder = $2 RETURNING id",
            holder,
        )

    async def journal_grant(self, grant_id: str, version: int, *, at: datetime) -> bool:
        """Write down, before the call, that this version is being renewed.

        Raises:
            Fenced: If the grant's installation is gone or being purged.
            StoreUnavailable: If it could not be written.
        """
        owner = None if grant_id in OURS else grant_id

        async def job(connection: Connection) -> bool:
            await hold_or_refuse(connection, owner, "journal not written")
            written = await connection.fetchval(
                "UPDATE grants SET attempted_at = $3 WHERE id = $1 AND version = $2 RETURNING id",
                *(grant_id, version, to_micros(at)),
            )
            return written is not None

        return await self._db.write(job)

    async def kill_grant(self, grant_id: str, version: int) -> bool:
        """Mark a version as over for good; False if another version stands there now.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        return await self._change_held(
            grant_id,
            "UPDATE grants SET dead = TRUE WHERE id = $1 AND version = $2 RETURNING id",
            version,
        )

    async def touch_grant(
        self, grant_id: str, version: int, *, used_at: datetime, renew_at: datetime | None
    ) -> None:
        """Write down when this version was last used and is to be renewed, if it still stands.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        await self._change_held(
            grant_id,
            "UPDATE grants SET used_at = greatest(used_at, $3), renew_at = $4"
            " WHERE id = $1 AND version = $2 RETURNING id",
            *(version, to_micros(used_at), None if renew_at is None else to_micros(renew_at)),
        )

    async def _change_held(self, grant_id: str, sql: str, *values: object) -> bool:
        """Change a grant unless its installation is over; say whether it was changed."""
        owner = None if grant_id in OURS else grant_id

        async def job(connection: Connection) -> bool:
            if not await hold(connection, owner):
                return False
            return await connection.fetchval(sql, grant_id, *values) is not None

        return await self._db.write(job)

    async def renewable_grants(self, *, now: datetime, limit: int) -> Sequence[Grant]:
        """List live grants that are to be renewed by now, the longest due first.

        Raises:
            StoreUnavailable: If the database cannot be read.
            SealBroken: If a row was altered.
        """
        rows = await self._db.rows(GRANT + _RENEWABLE, to_micros(now), limit)
        found = [await self._grant(row) for row in rows]
        return [grant for grant in found if grant is not None]

    async def _grant(self, row: Row) -> Grant | None:
        seal = await self._seal_of(row[2])
        return None if seal is None else read_grant(row, seal)

    async def _seal_of(self, installation_id: InstallationId | None) -> Seal | None:
        if installation_id is None:
            return await self._keys.make(APP)
        return await self._keys.find(installation_id)


async def _version(connection: Connection, grant: Grant) -> int:
    """Hold a grant's row, made where there is none, and read its version."""
    await connection.execute(_PLACE, grant.id, grant.installation_id, grant.kind.value)
    version = await connection.fetchval(
        "SELECT version FROM grants WHERE id = $1 FOR UPDATE", grant.id
    )
    return int(version)


async def _commit(connection: Connection, grant: Grant, seal: Seal) -> Grant:
    saved = replace(grant, dead=False, attempted_at=None)
    await connection.execute(_SAVE, *write_grant(saved, seal))
    return saved
