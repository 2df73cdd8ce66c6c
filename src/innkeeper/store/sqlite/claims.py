"""What may one event alone do? What it has used up, and what it has had done."""

from typing import Final

from innkeeper.errors import Fenced
from innkeeper.ids import EventId, InstallationId
from innkeeper.store.events import row_number
from innkeeper.store.records import Effect
from innkeeper.store.sqlite.connection import Connection
from innkeeper.store.sqlite.part import Part

_EFFECTS: Final = "effects"
_OVER: Final = "the installation is over"


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

        def job(connection: Connection) -> bool:
            if connection.change(
                "INSERT INTO consumed (installation_id, key_index, event)"
                " SELECT live.id, ?, inbox.id FROM live_installations AS live, inbox"
                " WHERE live.id = ? AND inbox.id = ?"
                " ON CONFLICT (installation_id, key_index) DO NOTHING",
                (blind, installation_id, number),
            ):
                return True
            rows = connection.rows(
                "SELECT event FROM consumed JOIN live_installations AS live"
                " ON live.id = installation_id WHERE installation_id = ? AND key_index = ?",
                (installation_id, blind),
            )
            if not rows:
                raise Fenced("nothing used up", _OVER)
            return bool(rows[0][0] == number)

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

        def job(connection: Connection) -> Effect | bytes | None:
            if connection.change(
                "INSERT INTO effects (event, key_index, installation_id)"
                " SELECT inbox.id, ?, live.id FROM live_installations AS live, inbox"
                " WHERE live.id = ? AND inbox.id = ?"
                " ON CONFLICT (event, key_index) DO NOTHING",
                (blind, installation_id, number),
            ):
                return Effect(fresh=True)
            rows = connection.rows(
                "SELECT effects.sealed FROM effects JOIN live_installations AS live"
                " ON live.id = installation_id WHERE event = ? AND key_index = ?",
                (number, blind),
            )
            if not rows:
                raise Fenced("no effect begun", _OVER)
            return bytes(rows[0][0]) if rows[0][0] is not None else None

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
        kept = await self._db.change(
            "UPDATE effects SET sealed = ? WHERE event = ? AND key_index = ?"
            " AND installation_id IN (SELECT id FROM live_installations WHERE id = ?)",
            *(sealed, row_number(event), blind, installation_id),
        )
        if not kept:
            raise Fenced("effect not kept", _OVER)

    async def drop_effect(self, event: EventId, key: str) -> None:
        """Forget an effect that was begun: it did not come about.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        await self._db.change(
            "DELETE FROM effects WHERE event = ? AND key_index = ? AND sealed IS NULL",
            *(row_number(event), await self._effect_index(event, key)),
        )

    async def _effect_index(self, event: EventId, key: str) -> bytes:
        _, index = await self._keys.index()
        return index.of("effect", event, key)


def _row(event: EventId, blind: bytes) -> str:
    return f"{event}/{blind.hex()}"
