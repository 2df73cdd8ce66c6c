"""What does a bot remember about an installation? `ctx.state`, sealed with its key."""

from innkeeper.errors import Fenced
from innkeeper.ids import InstallationId
from innkeeper.store.sqlite.connection import Connection
from innkeeper.store.sqlite.part import Part


class StatePart(Part):
    """`ctx.state`: the bot's own values, owned by the installation."""

    async def get_state(self, installation_id: InstallationId, key: str) -> bytes | None:
        """Read a value.

        Raises:
            StoreUnavailable: If the database cannot be read.
            SealBroken: If it was altered.
        """
        index = await self._key_index(installation_id, key)
        row = self._db.row(
            "SELECT version, sealed FROM states WHERE installation_id = ? AND key_index = ?",
            *(installation_id, index),
        )
        seal = await self._keys.find(installation_id) if row else None
        if row is None or seal is None:
            return None
        place = _row(installation_id, index)
        return seal.unseal(row[1], table="states", column="sealed", row=place, version=row[0])

    async def set_state(self, installation_id: InstallationId, key: str, value: bytes) -> None:
        """Write a value.

        Raises:
            Fenced: If the installation is gone or being purged.
            StoreUnavailable: If it could not be written.
        """
        index = await self._key_index(installation_id, key)
        seal = await self._keys.find(installation_id)
        if seal is None:
            raise Fenced("state not written", "the installation's key is gone")
        place = _row(installation_id, index)

        def job(connection: Connection) -> None:
            rows = connection.rows(
                "SELECT version FROM states WHERE installation_id = ? AND key_index = ?",
                (installation_id, index),
            )
            version = (rows[0][0] if rows else 0) + 1
            sealed = seal.seal(value, table="states", column="sealed", row=place, version=version)
            written = connection.change(
                "INSERT INTO states (installation_id, key_index, version, sealed)"
                " SELECT id, ?, ?, ? FROM live_installations WHERE id = ?"
                " ON CONFLICT (installation_id, key_index)"
                " DO UPDATE SET version = excluded.version, sealed = excluded.sealed",
                (index, version, sealed, installation_id),
            )
            if not written:
                raise Fenced("state not written", "the installation is over")

        await self._db.write(job)

    async def delete_state(self, installation_id: InstallationId, key: str) -> bool:
        """Delete a value; False if there was none.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        deleted = await self._db.change(
            "DELETE FROM states WHERE installation_id = ? AND key_index = ?",
            *(installation_id, await self._key_index(installation_id, key)),
        )
        return deleted == 1

    async def _key_index(self, installation_id: InstallationId, key: str) -> bytes:
        _, index = await self._keys.index()
        return index.of("state", installation_id, key)


def _row(installation_id: InstallationId, index: bytes) -> str:
    return f"{installation_id}/{index.hex()}"
