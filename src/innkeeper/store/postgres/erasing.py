"""What is erased, and when? What time has passed over, and all of a person who leaves."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from innkeeper.errors import SealBroken
from innkeeper.ids import InstallationId
from innkeeper.store.base import ERASABLE
from innkeeper.store.events import ALL, BODIES, REMOVED, day_subject, first_day_kept
from innkeeper.store.moments import from_micros, to_micros
from innkeeper.store.postgres.arrivals import Ending, write_endings
from innkeeper.store.postgres.connection import Connection, changed
from innkeeper.store.postgres.inbox import InboxPart
from innkeeper.store.postgres.nudges import PRUNE
from innkeeper.store.records import EventState
from innkeeper.store.removal import Removal

_AT_ONCE: Final = 1000
_READ_AT_ONCE: Final = 200

_ERASE: Final = {
    "grants": ("DELETE FROM grants WHERE installation_id = $1",),
    "state": (
        "DELETE FROM states WHERE installation_id = $1",
        "DELETE FROM consumed WHERE installation_id = $1",
        "DELETE FROM effects WHERE installation_id = $1",
    ),
    "cases": ("DELETE FROM cases WHERE installation_id = $1",),
}
_COUNT: Final = {
    "grants": "SELECT count(*) FROM grants WHERE installation_id = $1",
    "state": "SELECT count(*) FROM states WHERE installation_id = $1",
    "inbox": "SELECT count(*) FROM inbox_answers WHERE installation_id = $1",
    "cases": "SELECT count(*) FROM cases WHERE installation_id = $1",
}
# Ids grow with time, but for the moments of the machines' clocks, so the first newer
# event ends the look.
_LAST_BEFORE: Final = """
    SELECT coalesce(
        (SELECT id - 1 FROM inbox WHERE received_at >= $1 ORDER BY id LIMIT 1),
        (SELECT max(id) FROM inbox), 0)
"""
_OLDEST: Final = "SELECT received_at FROM inbox WHERE id = (SELECT min(id) FROM inbox_bodies)"
_OLD: Final = """
    SELECT id FROM (
        SELECT id, received_at, row_number() OVER (ORDER BY id DESC) AS place
        FROM inbox_bodies JOIN inbox USING (id) WHERE state <> 'open'
    ) AS ended
    WHERE received_at < $1 OR place > $2
"""
_FORGET: Final = """
    DELETE FROM inbox WHERE id IN (
        SELECT id FROM inbox WHERE id <= $1
            AND NOT EXISTS (SELECT 1 FROM inbox_bodies WHERE inbox_bodies.id = inbox.id)
        ORDER BY id LIMIT $2)
"""


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
        bodies = to_micros(bodies_before)
        count = await self._db.write(lambda link: _expire_bodies(link, bodies, at_most))
        await self._db.change(PRUNE)
        ((last,),) = await self._db.rows(_LAST_BEFORE, to_micros(hashes_before))
        while True:
            forgotten = await self._db.change(_FORGET, last, _AT_ONCE)
            count += forgotten
            if forgotten < _AT_ONCE:
                break
        oldest = await self._db.row(_OLDEST)
        day = first_day_kept(oldest[0] if oldest else None, bodies_before=bodies_before)
        await self._keys.vault.destroy_days_before(day)
        self._today = None
        return count

    async def erase(self, installation_id: InstallationId, part: str) -> int:
        """Delete one part (of `ERASABLE`) of an installation; say how many rows went.

        The same transaction adds them to the step of that name, if a purge is under way.
        `state` is also what its events have used up, and the effects they have had.
        `inbox` erases bodies and drops undone events, also those that were never looked at
        (their body names the owner) unless newer than the removal; hashes stay, without owner.

        Raises:
            StoreUnavailable: If it could not be done.
            KeyError: If there is no such part.
        """
        if part == "inbox":
            return await self._erase_inbox(installation_id)
        statements = _ERASE[part]

        async def job(connection: Connection) -> int:
            gone = sum(
                [changed(await connection.execute(each, installation_id)) for each in statements]
            )
            return await _counted(connection, installation_id, part, gone)

        return await self._db.write(job)

    async def erase_installation(self, installation_id: InstallationId) -> int:
        """Delete the installation's row; its purge stays until `end_purge`, and counts it.

        It is not counted where nothing was held.

        Raises:
            StoreUnavailable: If it could not be done.
        """
        self._unlink(installation_id)

        async def job(connection: Connection) -> int:
            gone = await connection.execute(
                "DELETE FROM installations WHERE id = $1", installation_id
            )
            return await _counted(
                connection, installation_id, "installation", changed(gone), held=True
            )

        return await self._db.write(job)

    async def count_erasable(self, installation_id: InstallationId) -> Mapping[str, int]:
        """Count what `erase` would delete now of each part, in their order; change nothing.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        counted: dict[str, int] = {}
        for part in ERASABLE:
            ((count,),) = await self._db.rows(_COUNT[part], installation_id)
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

        async def job(connection: Connection) -> int:
            answers = await connection.execute(
                "DELETE FROM inbox_answers WHERE installation_id = $1", installation_id
            )
            dropped = [Ending(number, EventState.DROPPED, REMOVED) for number in found.gone]
            await write_endings(connection, dropped)
            await connection.execute(
                "UPDATE inbox_bodies SET installation_id = NULL WHERE id = ANY($1)", found.newer
            )
            gone = changed(answers) + len(found.gone)
            return await _counted(connection, installation_id, "inbox", gone)

        return await self._db.write(job)

    async def _removal(self, installation_id: InstallationId) -> Removal:
        _, index = await self._keys.index()
        owner = await self._db.row(
            "SELECT owner_index FROM installations WHERE id = $1", installation_id
        )
        purge = await self._db.row(
            "SELECT removed_at, started_at FROM purges WHERE installation_id = $1", installation_id
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
        while rows := await self._db.rows(
            "SELECT id, place, installation_id, sealed, received_at, state <> 'open'"
            " FROM inbox_bodies JOIN inbox USING (id) WHERE id > $1 ORDER BY id LIMIT $2",
            *(last, _READ_AT_ONCE),
        ):
            for number, place, link, sealed, received_at, ended in rows:
                seal = await self._keys.find(day_subject(received_at))
                body: bytes | None = None
                if seal is not None:
                    try:
                        body = seal.unseal(sealed, table=BODIES, column="sealed", row=place.hex())
                    except SealBroken:
                        body = None
                yield number, link, body, from_micros(received_at), ended
            last = rows[-1][0]


async def _counted(
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
        await connection.execute(
            "INSERT INTO purge_steps AS had (installation_id, step, deleted, done)"
            " SELECT installation_id, $2::text, $3::bigint, FALSE FROM purges"
            " WHERE installation_id = $1 AND (held OR NOT $4::boolean)"
            " ON CONFLICT (installation_id, step) DO UPDATE SET"
            " deleted = had.deleted + excluded.deleted",
            *(installation_id, step, gone, held),
        )
    return gone


async def _expire_bodies(connection: Connection, before: int, at_most: int) -> int:
    await connection.execute(
        "DELETE FROM inbox_answers USING inbox"
        " WHERE inbox.id = inbox_answers.id AND received_at < $1",
        before,
    )
    old = await connection.fetch(_OLD, before, at_most)
    endings = [Ending(row[0], EventState.DROPPED, "expired") for row in old]
    await write_endings(connection, endings)
    return len(old)
