"""Would the oracle notice? Stores and flows that are wrong on purpose, one mistake in each."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from innkeeper.flows.purge import Forgetter
from innkeeper.settings import Settings
from innkeeper.store.base import ERASABLE, Store
from innkeeper.store.records import Grant, InboxEvent, PendingInstall, Purge, Receipt
from innkeeper.store.sqlite.connection import connect
from innkeeper.wiring import Shelf
from tests.faults.edges import Plan
from tests.faults.shelves import SqliteShelves


class _Broken:
    """A store with one method that is not what it should be."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class _LooksThenDeletes(_Broken):
    async def consume_state(self, state: str) -> PendingInstall | None:
        found = await self._store.peek_state(state)
        await asyncio.sleep(0)  # the other one looks as well
        await self._store.consume_state(state)
        return found


class _LeavesTheLog(_Broken):
    async def scrub(self) -> None:
        """Do nothing."""


class _SavesLater(_Broken):
    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._late: list[tuple[Grant, int, datetime]] = []

    async def save_grant(self, grant: Grant, *, replaces: int, now: datetime) -> Grant | None:
        self._late.append((grant, replaces, now))
        return replace(grant, version=replaces + 1)

    async def claim(self, *, now: datetime, limit: int) -> Sequence[InboxEvent]:
        late, self._late = self._late, []
        for grant, replaces, at in late:
            await self._store.save_grant(grant, replaces=replaces, now=at)
        return await self._store.claim(now=now, limit=limit)


class _KeepsNoJournal(_Broken):
    async def journal_grant(self, *_args: Any, **_kwargs: Any) -> bool:
        return True


class _EveryoneHoldsTheLease(_Broken):
    async def lease_grant(self, *_args: Any, **_kwargs: Any) -> bool:
        return True


class _HasNoFence(_Broken):
    def __init__(self, store: Store, path: str) -> None:
        super().__init__(store)
        self._path = path

    async def open(self) -> None:
        await self._store.open()
        database = connect(self._path)
        triggers = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'fence%'"
        for (name,) in database.rows(triggers):
            database.run(f"DROP TRIGGER {name}")
        database.run("DROP VIEW live_installations")
        database.run("CREATE VIEW live_installations AS SELECT * FROM installations")
        database.close()


class Planted(SqliteShelves):
    """A store with a mistake.

    Args:
        mistake: What it does wrong.
    """

    def __init__(self, mistake: str) -> None:
        super().__init__()
        self._mistake = mistake

    def shelf(self, settings: Settings, plan: Plan) -> Shelf:
        """Make the store that is wrong."""
        shelf = super().shelf(settings, plan)
        broken = {
            "looks, then deletes": lambda: _LooksThenDeletes(shelf.store),
            "leaves the log": lambda: _LeavesTheLog(shelf.store),
            "saves later": lambda: _SavesLater(shelf.store),
            "keeps no journal": lambda: _KeepsNoJournal(shelf.store),
            "gives everyone the lease": lambda: _EveryoneHoldsTheLease(shelf.store),
            "has no fence": lambda: _HasNoFence(shelf.store, str(settings.database)),
        }[self._mistake]()
        return shelf._replace(store=cast("Store", broken))


async def receipt_first(self: Forgetter, purge: Purge, hold: Any, *, own: bool) -> Receipt:  # noqa: ARG001  # in its place
    """Prove a purge, and then carry it out: what `Forgetter` must not do."""
    kept = await self._erase_own(purge, hold, {})  # pyright: ignore[reportPrivateUsage]  # in its place
    receipt = await self._sign(purge, kept)  # pyright: ignore[reportPrivateUsage]  # the same
    store, gone = self._store, purge.installation_id  # pyright: ignore[reportPrivateUsage]  # the same
    await store.end_purge(gone, receipt)
    for part in ERASABLE:
        await store.erase(gone, part)
    await store.erase_installation(gone)
    await self._destroy_key(gone, held=True)  # pyright: ignore[reportPrivateUsage]  # the same
    await store.scrub()
    return receipt
