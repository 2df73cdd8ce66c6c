"""What is erased, and when? What time has passed over, and all of a person who leaves."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from innkeeper.errors import SealBroken
from innkeeper.ids import InstallationId
from innkeeper.store.base import ERASABLE
from innkeeper.store.events import ALL, BODIES, REMOVED, day_subject, first_day_kept
from innkeeper.store.moments import from_micros, to_micros
from innkeeper.store.records import EventState
from innkeeper.store.removal import Removal
from innkeeper.store.sqlite.arrivals import ids, write_endings
from innkeeper.store.sqlite.connection import Connection
from innkeeper.store.sqlite.inbox import InboxPart

_AT_ONCE: Final = 1000
_READ_AT_ONCE: Final = 200

_ERASE: Final = {
    "grants": (("grants", "rowid"),),
    "state": (
        ("states", "rowid"),
        ("consumed", "installation_id, key_index"),
        ("effects", "rowid"),
    ),
    "cases": (("cases", "rowid"),),
}
"""By part: the tables, and what tells their rows apart."""
_OLDEST: Final = "SELECT received_at FROM inbox WHERE id = (SELECT min(id) FROM inbox_bodies)"
_COUNT: Final = {
    "grants": "SELECT count(*) FROM grants WHERE installation_id = ?",
    "state": "SELECT count(*) FROM states WHERE installation_id = ?",
    "inbox": "SELECT count(*) FROM inbox_answers WHERE installation_id = ?",
    "cases": "SELECT count(*) FROM cases WHERE installation_id = ?",
}


@dataclass(slots=True)
class _Sorted:
    gone: list[int] = field(default_factory=list[int])
    newer: list[int] = field(default_factory=list[int])


class ErasingPart(InboxPart):
    """What is erased."""

    async def expire_inbox(
        self, *, hashes_before: datetime, bodies_before: datetime, at_most: int = ALL
    ) -> int:
        """Forget dedup hashes and bodies kept past their retention, and the days' keys.

        Of events that have ended no more than `at_most` keep their bodies, the newest. What
        is still to be done is never forgotten.

        Raises:
            StoreUnavailable: If not all could be done; what is left waits for the next call.
        """
        bodies, hashes = to_micros(bodies_before), to_micros(hashes_before)
        count = await self._db.write(lambda connection: _expire_bodies(connection, bodies, at_most))
        last = await self._db.write(lambda connection: _last_before(connection, hashes))
        while True:
            forgotten = await self._db.change(
                "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE id <= ?"
                " AND id NOT IN (SELECT id FROM inbox_bodies) ORDER BY id LIMIT ?)",
                *(last, _AT_ONCE),
            )
            count += forgotten
            if forgotten < _AT_ONCE:
                break
        oldest = self._db.row(_OLDEST)
        day = first_day_kept(oldest[0] if oldest else None, bodies_before=bodies_before)
        await self._keys.vault.destroy_days_before(day)
        self._today = None
        return count

    async def erase(self, installation_id: InstallationId, part: str) -> int:
        """Delete one part (of `ERASABLE`) of an installation; say how many rows went.

        The same transactions add them to the step of that name, if a purge is under way.
        `state` is also what its events have used up, and the effects they have had.
        `inbox` erases bodies and drops undone events, also those that were never looked at
        (their body names the owner) unless newer than the removal; hashes stay, without owner.

        Raises:
            StoreUnavailable: If it could not be done.
            KeyError: If there is no such part.
        """
        if part == "inbox":
            return await self._erase_inbox(installation_id)
        return sum([await self._erase_rows(*each, installation_id, part) for each in _ERASE[part]])

    async def _erase_rows(
        self, table: str, row: str, installation_id: InstallationId, part: str
    ) -> int:
        """Delete some at a time: between two commits others have their turn.

        Nothing can be added any more, so where there is nothing, nothing is written.
        """
        erased = 0
        if not self._db.rows(
            f"SELECT 1 FROM {table} WHERE installation_id = ? LIMIT 1",  # noqa: S608  # the same
            installation_id,
        ):
            return erased

        def job(connection: Connection) -> int:
            gone = connection.change(
                f"DELETE FROM {table} WHERE ({row}) IN"  # noqa: S608  # one of `_ERASE`
                f" (SELECT {row} FROM {table} WHERE installation_id = ? LIMIT {_AT_ONCE})",
                (installation_id,),
            )
            return _counted(connection, installation_id, part, gone)

        while True:
            some = await self._db.write(job)
            erased += some
            if some < _AT_ONCE:
                return erased

    async def erase_installation(self, installation_id: InstallationId) -> int:
        """Delete the installation's row; its purge stays until `end_purge`, and counts it.

        It is not counted where nothing was held.

        Raises:
            StoreUnavailable: If it could not be done.
        """
        self._unlink(installation_id)

        def job(connection: Connection) -> int:
            gone = connection.change("DELETE FROM installations WHERE id = ?", (installation_id,))
            return _counted(connection, installation_id, "installation", gone, held=True)

        return await self._db.write(job)

    async def count_erasable(self, installation_id: InstallationId) -> Mapping[str, int]:
        """Count what `erase` would delete now of each part, in their order; change nothing.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        counted: dict[str, int] = {}
        for part in ERASABLE:
            ((count,),) = self._db.rows(_COUNT[part], installation_id)
            counted[part] = int(count)
        counted["inbox"] += len((await self._sort(installation_id)).gone)
        return counted

    async def _sort(self, installation_id: InstallationId) -> _Sorted:
        """Find the events that go with an installation."""
        removal = await self._removal(installation_id)
        found = _Sorted()
        async for number, link, body, received_at, ended in self._bodies():
            covered = removal.covers(body, link=link, received_at=received_at, ended=ended)
            if covered:
                found.gone.append(number)
            elif covered is None:
                found.newer.append(number)
        return found

    async def _erase_inbox(self, installation_id: InstallationId) -> int:
        found = await self._sort(installation_id)

        def job(connection: Connection) -> int:
            answers = connection.change(
                "DELETE FROM inbox_answers WHERE installation_id = ?", (installation_id,)
            )
            write_endings(
                connection, [(number, EventState.DROPPED, REMOVED) for number in found.gone]
            )
            connection.run(
                "UPDATE inbox_bodies SET installation_id = NULL"
                " WHERE id IN (SELECT value FROM carray(?))",
                (ids(found.newer),),
            )
            return _counted(connection, installation_id, "inbox", answers + len(found.gone))

        return await self._db.write(job)

    async def _removal(self, installation_id: InstallationId) -> Removal:
        _, index = await self._keys.index()
        owner = self._db.row("SELECT owner_index FROM installations WHERE id = ?", installation_id)
        purge = self._db.row(
            "SELECT removed_at, started_at FROM purges WHERE installation_id = ?", installation_id
        )
        known = installation_id, index, owner[0] if owner else None
        if purge is not None:
            return Removal(*known, from_micros(purge[0]), from_micros(purge[1]))
        buried = (await self._keys.vault.tombstones()).get(installation_id)
        return Removal(*known, buried.at, buried.buried_at) if buried else Removal(*known)

    async def _bodies(self) -> AsyncIterator[tuple[int, str | None, bytes | None, datetime, bool]]:
        """Read every body there is, and whether its event has ended.

        The body is None if nobody can read it any more.
        """
        last = 0
        while rows := self._db.rows(
            "SELECT id, installation_id, sealed, received_at, state NOT IN ('ready', 'claimed')"
            " FROM inbox_bodies JOIN inbox USING (id) WHERE id > ? ORDER BY id LIMIT ?",
            *(last, _READ_AT_ONCE),
        ):
            for number, link, sealed, received_at, ended in rows:
                seal = await self._keys.find(day_subject(received_at))
                body: bytes | None = None
                if seal is not None:
                    try:
                        body = seal.unseal(sealed, table=BODIES, column="sealed", row=str(number))
                    except SealBroken:
                        body = None
                yield number, link, body, from_micros(received_at), bool(ended)
            last = rows[-1][0]
            await asyncio.sleep(0)


def _counted(
    connection: Connection,
    installation_id: InstallationId,
    step: str,
    gone: int,
    *,
    held: bool = False,
) -> int:
    """Add to what the step of a purge has deleted, in the transaction that deletes it.

    Args:
        held: Only where something was held before the removal was heard of.
    """
    if gone:
        connection.run(
            "INSERT INTO purge_steps (installation_id, step, deleted, done)"
            " SELECT installation_id, ?, ?, 0 FROM purges"
            " WHERE installation_id = ? AND (held OR NOT ?)"
            " ON CONFLICT (installation_id, step) DO UPDATE SET"
            " deleted = deleted + excluded.deleted",
            (step, gone, installation_id, held),
        )
    return gone


def _expire_bodies(connection: Connection, before: int, at_most: int) -> int:
    connection.run(
        "DELETE FROM inbox_answers WHERE id IN"
        " (SELECT id FROM inbox_answers JOIN inbox USING (id) WHERE received_at < ?)",
        (before,),
    )
    old = connection.rows(
        "SELECT id FROM (SELECT id, received_at, row_number() OVER (ORDER BY id DESC) AS place"
        " FROM inbox_bodies JOIN inbox USING (id) WHERE state NOT IN ('ready', 'claimed'))"
        " WHERE received_at < ? OR place > ?",
        (before, at_most),
    )
    write_endings(connection, [(number, EventState.DROPPED, "expired") for (number,) in old])
    return len(old)


def _last_before(connection: Connection, moment: int) -> int:
    """Find the last of the old events. Ids grow with time, so the first newer one ends the look."""
    ((newer,),) = connection.rows(
        "SELECT min(id) FROM (SELECT id FROM inbox WHERE received_at >= ? ORDER BY id LIMIT 1)",
        (moment,),
    )
    ((last,),) = connection.rows("SELECT coalesce(max(id), 0) FROM inbox")
    return int(last if newer is None else newer - 1)
