"""What may one event alone do? What it has used up, and what it has had done."""

from typing import Final

from innkeeper.errors import Fenced
from innkeeper.ids import EventId, InstallationId
from innkeeper.store.events import row_number
from innkeeper.store.postgres.connection import Connection
from innkeeper.store.postgres.part import Part, hold_or_refuse
from innkeeper.store.records import Effect

_EFFECTS: Final = "effects"
_CONSUME: Final = """
    INSERT INTO consumed (installation_id, key_index, event)
    SELECT $1, $2, id FROM inbox WHERE id = $3
    ON CONFLICT (installation_id, key_index) DO NOTHING RETURNING event
"""
_BEGIN: Final = """
    INSERT INTO effects (installation_id, key_index, event)
    SELECT $1, $2, id FROM inbox WHERE id = $3
    ON CONFLICT (event, key_index) DO NOTHING RETURNING event
"""


class ClaimPart(Part):
    """What events have used up, and the effects they have had."""

    async def consume(self, installation_id: InstallationId, key: str, *, event: EventId) -> bool:
        """Use something up for an event, for good; False if another event has.

        Raises:
            Fenced: If the installation is gone or being purged.
            StoreUnavailable: If it could not be written.
        """
        _, index = await self._keys.index()
        blind, number = index.of("consumed", installation_id, key), row_number(event)

        async def job(connection: Connection) -> bool:
            await hold_or_refuse(connection, installation_id, "nothing used up")
            if await connection.fetchval(_CONSUME, installation_id, blind, number) is not None:
                return True
            row = await connection.fetchrow(
                "SELECT event FROM consumed WHERE installation_id = $1 AND key_index = $2",
                *(installation_id, blind),
            )
            if row is None:
                raise Fenced("nothing used up", "the event is over")
            return bool(row[0] == number)

        return await self._db.write(job)

    async def begin_effect(
        self, installation_id: InstallationId, event: EventId, key: str
    ) -> Effect:
        """Write down that an effect of an event begins, or tell what is known of it.

        Raises:
            Fenced: If the installation is gone or being purged.
            StoreUnavailable: If it could not be written.
            SealBroken: If what it gave was altered.
        """
        blind, number = await self._effect_index(event, key), row_number(event)

        async def job(connection: Connection) -> Effect | bytes | None:
            await hold_or_refuse(connection, installation_id, "no effect begun")
            if await connection.fetchval(_BEGIN, installation_id, blind, number) is not None:
                return Effect(fresh=True)
            row = await connection.fetchrow(
                "SELECT sealed FROM effects WHERE event = $1 AND key_index = $2",
                *(number, blind),
            )
            if row is None:
                raise Fenced("no effect begun", "the event is over")
            return bytes(row[0]) if row[0] is not None else None

        known = await self._db.write(job)
        if isinstance(known, Effect):
            return known
        if known is None:
            return Effect(fresh=False)
        seal = await self._keys.find(installation_id)
        if seal is None:
            raise Fenced("effect not read", "the installation's key is gone")
        place = _row(event, blind)
        return Effect(
            fresh=False, result=seal.unseal(known, table=_EFFECTS, column="sealed", row=place)
        )

    async def end_effect(
        self, installation_id: InstallationId, event: EventId, key: str, *, result: bytes
    ) -> None:
        """Keep what an effect gave.

        Raises:
            Fenced: If the installation is gone or being purged.
            StoreUnavailable: If it could not be written.
        """
        blind = await self._effect_index(event, key)
        seal = await self._keys.find(installation_id)
        if seal is None:
            raise Fenced("effect not kept", "the installation's key is gone")
        sealed = seal.seal(result, table=_EFFECTS, column="sealed", row=_row(event, blind))

        async def job(connection: Connection) -> None:
            await hold_or_refuse(connection, installation_id, "effect not kept")
            kept = await connection.fetchval(
                "UPDATE effects SET sealed = $3 WHERE event = $1 AND key_index = $2"
                " AND installation_id = $4 RETURNING event",
                *(row_number(event), blind, sealed, installation_id),
            )
            if kept is None:
                raise Fenced("effect not kept", "the event is over")

        await self._db.write(job)

    async def drop_effect(self, event: EventId, key: str) -> None:
        """Forget an effect that was begun: it did not come about.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        await self._db.change(
            "DELETE FROM effects WHERE event = $1 AND key_index = $2 AND sealed IS NULL",
            *(row_number(event), await self._effect_index(event, key)),
        )

    async def _effect_index(self, event: EventId, key: str) -> bytes:
        _, index = await self._keys.index()
        return index.of("effect", event, key)


def _row(event: EventId, blind: bytes) -> str:
    return f"{event}/{blind.hex()}"
