"""What is in the inbox? Events, kept until they are handled, once each."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from innkeeper.errors import StoreUnavailable
from innkeeper.ids import EventId, InstallationId
from innkeeper.store.events import (
    ANSWERS,
    BODIES,
    DAY_MICROS,
    KEEPING,
    OFFERED,
    REMOVED,
    day_subject,
    erasing,
    place_of,
    row_number,
)
from innkeeper.store.keys import Keys
from innkeeper.store.moments import from_micros, to_micros
from innkeeper.store.postgres.arrivals import (
    Arrival,
    Ending,
    Known,
    write_arrivals,
    write_endings,
)
from innkeeper.store.postgres.connection import Connection, plain
from innkeeper.store.postgres.database import Database
from innkeeper.store.postgres.lane import Lane
from innkeeper.store.postgres.nudges import Nudges
from innkeeper.store.postgres.part import hold
from innkeeper.store.postgres.processes import ProcessPart
from innkeeper.store.records import Accepted, EventState, InboxEvent, Owner
from innkeeper.store.seal import Seal
from innkeeper.store.unopened import Unopened

_CLAIM: Final = """
    WITH due AS (
        SELECT id, due_at FROM inbox_bodies WHERE claimed_by IS NULL AND due_at <= $1
        ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE inbox_bodies AS bodies SET claimed_by = $3, attempts = attempts + 1
        FROM due WHERE bodies.id = due.id
        RETURNING bodies.id, bodies.attempts, bodies.sealed, due.due_at
    )
    SELECT id, name, received_at, claimed.attempts, sealed, encode(place, 'hex')
    FROM claimed JOIN inbox USING (id) ORDER BY due_at, id
"""
_UNCLAIM: Final = "UPDATE inbox_bodies SET due_at = NULL, claimed_by = NULL WHERE id = $1"
_ASIDE: Final = "UPDATE inbox SET state = $2, reason = $3 WHERE id = $1"
_ANSWER: Final = """
    INSERT INTO inbox_answers (id, installation_id, sealed)
    SELECT id, $2::text, $3::bytea FROM inbox_bodies WHERE id = $1 ON CONFLICT (id) DO NOTHING
"""


class InboxPart(ProcessPart):
    """The inbox."""

    def __init__(self, db: Database, keys: Keys) -> None:
        super().__init__(db, keys)
        self._arrivals: Lane[Arrival, Known] = db.lane(self._write_arrivals)
        self._endings: Lane[Ending, None] = db.lane(self._write_endings)
        self._unopened = Unopened(keys, self.finish)
        self._today: tuple[int, Seal] | None = None
        self._claiming = asyncio.Lock()
        self._nudges = Nudges(db.address)

    async def accept(
        self,
        *,
        key: bytes,
        name: str,
        body: bytes,
        owner: Owner | None,
        now: datetime,
        claimed: bool = True,
    ) -> Accepted:
        """Keep an event, claimed by this process, unless its key is known already.

        Raises:
            StoreUnavailable: If it cannot be kept; then nothing was.
        """
        micros = to_micros(now)
        today = self._today
        seal = (
            today[1]
            if today is not None and today[0] == micros // DAY_MICROS
            else await self._turn_day(micros)
        )
        place = place_of(body, key)
        sealed = seal.seal(body, table=BODIES, column="sealed", row=place.hex())
        link = self._links.get(owner)
        holder = self._arriver if claimed else None
        arrival = Arrival(place, plain(name), micros, link, sealed, holder)
        try:
            known = await self._arrivals.put(arrival)
        except StoreUnavailable:
            self._lose(place, sealed)
            raise
        answer = await self._answer(known)
        state = EventState.READY if known.fresh and not claimed else EventState(known.state)
        return Accepted(EventId(str(known.number)), known.fresh, state, answer)

    async def nudged(self, wake: Callable[[], None]) -> None:
        """Call `wake` when this process should claim, because events came in for anybody."""
        await self._nudges.hear(wake)

    async def _write_arrivals(
        self, connection: Connection, arrivals: Sequence[Arrival]
    ) -> Sequence[Known]:
        if all(arrival.holder is not None for arrival in arrivals):
            return await write_arrivals(connection, arrivals)
        async with connection.transaction():
            known = await write_arrivals(connection, arrivals)
            for_anybody = [
                each.number
                for each, arrival in zip(known, arrivals, strict=True)
                if each.fresh and arrival.holder is None
            ]
            if for_anybody:
                await self._nudges.send(connection, for_anybody)
        return known

    async def _write_endings(
        self, connection: Connection, endings: Sequence[Ending]
    ) -> Sequence[None]:
        ended = await write_endings(connection, endings)
        self._held.difference_update(each.number for each in endings)
        return ended

    async def _turn_day(self, micros: int) -> Seal:
        seal = await self._keys.make(day_subject(micros))
        self._today = (micros // DAY_MICROS, seal)
        return seal

    async def _answer(self, known: Known) -> bytes | None:
        if known.answer is None:
            return None
        seal = await self._keys.find(day_subject(known.received_at))
        if seal is None:
            return None
        return seal.unseal(known.answer, table=ANSWERS, column="sealed", row=str(known.number))

    async def claim(self, *, now: datetime, limit: int) -> Sequence[InboxEvent]:
        """Claim events that are ready and due, the longest due first.

        One whose body does not open is set aside: quarantined if it or its key was altered,
        dropped if its day's key is gone. One whose key cannot be read now is given out by a
        later claim, of this process: that is the same attempt.

        Raises:
            StoreUnavailable: If nothing can be claimed, or no key can be read now.
            KeyMissing: If the key ring lacks the key that wraps that of the first.
        """
        async with self._claiming:
            await self._settle_claims()
            self._in_doubt = True
            room = max(limit - len(self._unopened), 0)
            rows = await self._db.rows(_CLAIM, to_micros(now), room, self._claimer)
            self._in_doubt = False
            self._held.update(row[0] for row in rows)
            self._unopened.add(rows)
            return await self._unopened.open(now=now, limit=limit)

    def _hold_nothing(self) -> None:
        super()._hold_nothing()
        self._unopened.clear()

    async def finish(
        self,
        event: EventId,
        state: EventState,
        *,
        now: datetime,  # noqa: ARG002  # the contract's: here an end needs no time
        reason: str = "",
        installation_id: InstallationId | None = None,
        answer: bytes | None = None,
        keep_body: bool = False,
    ) -> None:
        """End an event. DONE, IGNORED and DROPPED erase its body; DEAD and QUARANTINED keep it.

        With `keep_body` DONE and IGNORED keep it too. An event that has ended without a body
        stays as it is. For an installation that is gone nothing is kept: the event is dropped.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        number = row_number(event)
        keeps = state in KEEPING or (keep_body and state in OFFERED)
        if answer is None and not keeps:
            await self._endings.put(Ending(number, erasing(state), reason))
        else:
            row = await self._db.row("SELECT received_at FROM inbox WHERE id = $1", number)
            seal = await self._keys.find(day_subject(row[0])) if row else None
            sealed: bytes | None = None
            if answer is not None and seal is not None:
                sealed = seal.seal(answer, table=ANSWERS, column="sealed", row=str(number))

            async def job(connection: Connection) -> None:
                if sealed is not None:
                    await _keep_answer(connection, number, sealed, installation_id)
                if not keeps:
                    await write_endings(connection, [Ending(number, erasing(state), reason)])
                elif await relink(connection, number, installation_id):
                    await connection.execute(_UNCLAIM, number)
                    await connection.execute(_ASIDE, number, state, plain(reason))

            await self._db.write(job)
        self._held.discard(number)

    def finish_soon(self, event: EventId, state: EventState) -> None:
        """End an event with the next commit, without waiting for it. Its body is erased.

        If that commit is lost in a crash, the event is handled again.

        Raises:
            ValueError: For an end that keeps the body: that one is worth waiting for.
        """
        number = row_number(event)
        self._endings.put_soon(Ending(number, erasing(state), ""))

    async def defer(
        self,
        event: EventId,
        *,
        until: datetime,
        reason: str,
        installation_id: InstallationId | None = None,
    ) -> None:
        """Give an event back, to be claimed again when `until` has come.

        One that has ended meanwhile stays ended, and one that another process has taken
        over stays with that; that of an installation which is gone is dropped.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        number = row_number(event)

        async def job(connection: Connection) -> None:
            if not await relink(connection, number, installation_id):
                return
            given_back = await connection.fetchval(
                "UPDATE inbox_bodies SET claimed_by = NULL, due_at = $2"
                " WHERE id = $1 AND claimed_by = ANY($3) RETURNING id",
                *(number, to_micros(until), self._names),
            )
            if given_back is not None:
                await connection.execute(
                    "UPDATE inbox SET reason = $2 WHERE id = $1", number, plain(reason)
                )

        await self._db.write(job)
        self._held.discard(number)

    async def next_due(self) -> datetime | None:
        """Tell when the next ready event comes due; None if there is none.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        row = await self._db.row("SELECT min(due_at) FROM inbox_bodies WHERE claimed_by IS NULL")
        return None if row is None or row[0] is None else from_micros(row[0])


async def _keep_answer(
    connection: Connection, number: int, sealed: bytes, installation_id: InstallationId | None
) -> None:
    if await hold(connection, installation_id):
        await connection.execute(_ANSWER, number, installation_id, sealed)


async def relink(
    connection: Connection, number: int, installation_id: InstallationId | None
) -> bool:
    """Note whose an event is; one of an installation that is gone is dropped. True if it stays."""
    row = await connection.fetchrow(
        "SELECT coalesce($2, installation_id) FROM inbox_bodies WHERE id = $1 FOR UPDATE",
        *(number, installation_id),
    )
    if row is None:
        return False
    owner = row[0]
    if not await hold(connection, owner):
        await write_endings(connection, [Ending(number, EventState.DROPPED, REMOVED)])
        return False
    if owner is not None:
        await connection.execute(
            "UPDATE inbox_bodies SET installation_id = $2"
            " WHERE id = $1 AND installation_id IS DISTINCT FROM $2",
            *(number, owner),
        )
    return True
