"""What does a bot remember about an installation? `ctx.state`, sealed with its key."""

import asyncio
from weakref import WeakValueDictionary

from innkeeper.errors import Fenced
from innkeeper.ids import InstallationId
from innkeeper.store.keys import Keys
from innkeeper.store.postgres.connection import Connection
from innkeeper.store.postgres.database import Database
from innkeeper.store.postgres.part import Part, hold_or_refuse


class StatePart(Part):
    """`ctx.state`: the bot's own values, owned by the installation."""

    def __init__(self, db: Database, keys: Keys) -> None:
        super().__init__(db, keys)
        self._turns: WeakValueDictionary[InstallationId, asyncio.Lock] = WeakValueDictionary()

    async def get_state(self, installation_id: InstallationId, key: str) -> bytes | None:
        """Read a value.

        Raises:
            StoreUnavailable: If the database cannot be read.
            SealBroken: If it was altered.
        """
        index = await self._key_index(installation_id, key)
        row = await self._db.row(
            "SELECT version, sealed FROM states WHERE installation_id = $1 AND key_index = $2",
            *(installation_id, index),
        )
        seal = await self._keys.find(installation_id) if row else None
        if row is None or seal is None:
            return None
        place = _row(installation_id, index)
        return seal.unseal(row[1], table="states", column="sealed", row=place, version=row[0])

    async def set_state(self, installation_id: InstallationId, key: str, value: bytes) -> None:
        """Write a value. Of one process's writes the one that was asked for last stands.

        Raises:
            Fenced: If the installation is gone or being purged.
            StoreUnavailable: If it could not be written.
        """
        async with self._turns.setdefault(installation_id, asyncio.Lock()):
            await self._set_state(installation_id, key, value)

    async def _set_state(self, installation_id: InstallationId, key: str, value: bytes) -> None:
        index = await self._key_index(installation_id, key)
        seal = await self._keys.find(installation_id)
        if seal is None:
            raise Fenced("state not written", "the installation's key is gone")
        place = _row(installation_id, index)

        async def job(connection: Connection) -> None:
            await hold_or_refuse(connection, installation_id, "state not written")
            version = await connection.fetchval(
                "INSERT INTO states (installation_id, key_index, version, sealed)"
                " VALUES ($1, $2, 1, '') ON CONFLICT (installation_id, key_index)"
                " DO UPDATE SET version = states.version + 1 RETURNING version",
                *(installation_id, index),
            )
            sealed = seal.seal(value, table="states", column="sealed", row=place, version=version)
            await connection.execute(
                "UPDATE states SET sealed = $3 WHERE installation_id = $1 AND key_index = $2",
                *(installation_id, index, sealed),
            )

        await self._db.write(job)

    async def delete_state(self, installation_id: InstallationId, key: str) -> bool:
        """Delete a value; False if there was none.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        deleted = await self._db.change(
            "DELETE FROM states WHERE installation_id = $1 AND key_index = $2",
            *(installation_id, await self._key_index(installation_id, key)),
        )
        return deleted == 1

    async def _key_index(self, installation_id: InstallationId, key: str) -> bytes:
        _, index = await self._keys.index()
        return index.of("state", installation_id, key)


def _row(installation_id: InstallationId, index: bytes) -> str:
    return f"{installation_id}/{index.hex()}"
