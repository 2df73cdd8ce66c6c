"""What is in the inbox? Events, kept until they are handled, once each."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

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
from innkeeper.store.records import Accepted, EventState, InboxEvent, Owner
from innkeeper.store.rows import Row
from innkeeper.store.seal import Seal
from innkeeper.store.sqlite.arrivals import Ending, First, ids, write_arrivals, write_endings
from innkeeper.store.sqlite.connection import Connection
from innkeeper.store.sqlite.database import Database
from innkeeper.store.sqlite.part import Part
from innkeeper.store.sqlite.writer import Lane
from innkeeper.store.unopened import Unopened


class InboxPart(Part):
    """The inbox."""

    def __init__(self, db: Database, keys: Keys) -> None:
        super().__init__(db, keys)
        self._arrivals = db.lane(write_arrivals)
        self._endings: Lane[Ending, None] = db.lane(write_endings)
        self._numbers = itertools.count(1)
        self._today: tuple[int, Seal] | None = None
        self._unopened = Unopened(keys, self.finish)
        self._in_doubt: set[int] = set()
        """What this process holds if a commit that failed is durable all the same."""

    def _resume(self) -> None:
        """Go on numbering where the last process left off."""
        ((last,),) = self._db.rows("SELECT coalesce(max(id), 0) FROM inbox")
        self._numbers = itertools.count(last + 1)
        self._today = None
        self._in_doubt.clear()
        self._unopened.clear()

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

        One that is for anybody is given back as soon as it is kept.

        Raises:
            StoreUnavailable: If it cannot be kept; then nothing was.
        """
        micros = round(now.timestamp() * 1_000_000)
        today = self._today
        seal = (
            today[1]
            if today is not None and today[0] == micros // DAY_MICROS
            else await self._turn_day(micros)
        )
        number = next(self._numbers)
        event = EventId(str(number))
        sealed = seal.seal(body, table=BODIES, column="sealed", row=event)
        head, content = (
            (number, place_of(body, key), name, micros),
            (number, self._links.get(owner), sealed),
        )
        try:
            first = await self._arrivals.put((head, content))
        except StoreUnavailable:
            self._in_doubt.add(number)
            raise
        if first is None:
            if not claimed:
                await self.defer(event, until=now, reason="")
                return Accepted(event, fresh=True, state=EventState.READY)
            return Accepted(event, fresh=True, state=EventState.CLAIMED)
        return await self._repeated(first)

    async def _turn_day(self, micros: int) -> Seal:
        seal = await self._keys.make(day_subject(micros))
        self._today = (micros // DAY_MICROS, seal)
        return seal

    async def _repeated(self, first: First) -> Accepted:
        number, state, received_at, sealed = first
        answer: bytes | None = None
        if sealed is not None:
            seal = await self._keys.find(day_subject(received_at))
            if seal is not None:
                answer = seal.unseal(sealed, table=ANSWERS, column="sealed", row=str(number))
        return Accepted(EventId(str(number)), fresh=False, state=EventState(state), answer=answer)

    async def claim(self, *, now: datetime, limit: int) -> Sequence[InboxEvent]:
        """Claim events that are ready and due, the longest due first.

        One whose body does not open is set aside: quarantined if it or its key was altered,
        dropped if its day's key is gone. One whose key cannot be read now is given out by a
        later claim, of this process: that is the same attempt.

        Raises:
            StoreUnavailable: If nothing can be claimed, or no key can be read now.
            KeyMissing: If the key ring lacks the key that wraps that of the first.
        """
        await self._settle_doubts()
        await self._claim_rows(to_micros(now), limit - len(self._unopened))
        return await self._unopened.open(now=now, limit=limit)

    async def _claim_rows(self, due: int, limit: int) -> None:
        if limit <= 0 or not self._db.rows(
            "SELECT 1 FROM inbox WHERE state = 'ready' AND due_at <= ? LIMIT 1", due
        ):
            return

        def job(connection: Connection) -> Sequence[Row]:
            rows = connection.rows(
                "SELECT id, name, received_at, attempts + 1, sealed, CAST(id AS TEXT)"
                " FROM inbox JOIN inbox_bodies USING (id)"
                " WHERE state = 'ready' AND due_at <= ? ORDER BY due_at, id LIMIT ?",
                (due, limit),
            )
            self._in_doubt.update(row[0] for row in rows)
            connection.run(
                "UPDATE inbox SET state = 'claimed', attempts = attempts + 1"
                " WHERE id IN (SELECT value FROM carray(?))",
                (ids([row[0] for row in rows]),),
            )
            return rows

        rows = await self._db.write(job)
        self._in_doubt.difference_update(row[0] for row in rows)
        self._unopened.add(rows)

    async def _settle_doubts(self) -> None:
        """Make ready what was claimed by a commit that failed, and is there all the same.

        The log may hold a commit whose sync failed: it counts if the file is opened anew.
        What cannot be made ready yet stays in doubt until the next time.
        """
        if not self._in_doubt:
            return
        doubts = list(self._in_doubt)

        def job(connection: Connection) -> None:
            connection.run(
                "UPDATE inbox SET state = 'ready', due_at = received_at"
                " WHERE id IN (SELECT value FROM carray(?)) AND state = 'claimed'",
                (ids(doubts),),
            )

        with suppress(StoreUnavailable):
            await self._db.write(job)
            self._in_doubt.difference_update(doubts)

    async def reclaim(self, *, now: datetime) -> int:
        """Make ready what a process that died had claimed; called once, at the start.

        The leases of its purges are over too.

        Raises:
            StoreUnavailable: If it cannot be done.
        """
        self._unopened.clear()
        await self._db.change("UPDATE purges SET lease_until = 0 WHERE lease_until > 0")
        return await self._db.change(
            "UPDATE inbox SET state = 'ready', due_at = min(received_at, ?)"
            " WHERE id IN (SELECT id FROM inbox_bodies) AND state = 'claimed'",
            to_micros(now),
        )

    async def nudged(self, wake: Callable[[], None]) -> None:  # noqa: ARG002  # nobody else puts in
        """Wait: no other process puts anything in."""
        await asyncio.get_running_loop().create_future()

    async def keep_alive(self) -> int:
        """Say nothing: no other process may hold an event of this database."""
        return 0

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
            await self._endings.put((number, erasing(state), reason))
            return
        row = self._db.row("SELECT received_at FROM inbox WHERE id = ?", number)
        seal = await self._keys.find(day_subject(row[0])) if row else None
        sealed: bytes | None = None
        if answer is not None and seal is not None:
            sealed = seal.seal(answer, table=ANSWERS, column="sealed", row=str(number))

        def job(connection: Connection) -> None:
            if sealed is not None:
                _keep_answer(connection, number, sealed, installation_id)
            if not keeps:
                write_endings(connection, [(number, erasing(state), reason)])
            elif relink(connection, number, installation_id):
                connection.run(
                    "UPDATE inbox SET state = ?, reason = ? WHERE id = ?", (state, reason, number)
                )

        await self._db.write(job)

    def finish_soon(self, event: EventId, state: EventState) -> None:
        """End an event with the next commit, without waiting for it. Its body is erased.

        If that commit is lost in a crash, the event is handled again.

        Raises:
            ValueError: For an end that keeps the body: that one is worth waiting for.
        """
        self._endings.put_soon((row_number(event), erasing(state), ""))

    async def defer(
        self,
        event: EventId,
        *,
        until: datetime,
        reason: str,
        installation_id: InstallationId | None = None,
    ) -> None:
        """Give an event back, to be claimed again when `until` has come.

        One that has ended meanwhile stays ended; that of an installation which is gone
        is dropped.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        number = row_number(event)

        def job(connection: Connection) -> None:
            if relink(connection, number, installation_id):
                connection.run(
                    "UPDATE inbox SET state = 'ready', due_at = ?, reason = ?"
                    " WHERE id = ? AND state = 'claimed'",
                    (to_micros(until), reason, number),
                )

        await self._db.write(job)

    async def next_due(self) -> datetime | None:
        """Tell when the next ready event comes due; None if there is none.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        ((due,),) = self._db.rows("SELECT min(due_at) FROM inbox WHERE state = 'ready'")
        return None if due is None else from_micros(due)


def _keep_answer(
    connection: Connection, number: int, sealed: bytes, installation_id: InstallationId | None
) -> None:
    connection.run(
        "INSERT INTO inbox_answers (id, installation_id, sealed)"
        " SELECT id, ?, ? FROM inbox_bodies WHERE id = ?"
        " AND (? IS NULL OR EXISTS (SELECT 1 FROM live_installations WHERE id = ?))"
        " ON CONFLICT (id) DO NOTHING",
        (installation_id, sealed, number, installation_id, installation_id),
    )


def relink(connection: Connection, number: int, installation_id: InstallationId | None) -> bool:
    """Note whose an event is; one of an installation that is gone is dropped. True if it stays."""
    rows = connection.rows(
        "SELECT coalesce(?, installation_id) FROM inbox_bodies WHERE id = ?",
        (installation_id, number),
    )
    if not rows:
        return False
    owner = rows[0][0]
    if owner is None:
        return True
    if connection.change(
        "UPDATE inbox_bodies SET installation_id = ? WHERE id = ?"
        " AND EXISTS (SELECT 1 FROM live_installations WHERE id = ?)",
        (owner, number, owner),
    ):
        return True
    write_endings(connection, [(number, EventState.DROPPED, REMOVED)])
    return False
