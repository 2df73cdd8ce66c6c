"""Which of the operator's keys wraps what? The newest wraps all, soon after it is there.

A key ring may change while the app runs: what it has become is taken up, or refused and told,
and then what older keys wrap is wrapped anew, some at a time.
"""

import asyncio
from typing import Final, Protocol

from innkeeper.errors import InnkeeperError, KeyMissing
from innkeeper.flows.log import Log
from innkeeper.store.base import Vault
from innkeeper.store.seal import KeyRing

AT_ONCE: Final = 1000
"""How many keys are wrapped anew by one commit."""
_TOLD_EVERY: Final = 50_000


class Source(Protocol):
    """Where the key ring comes from."""

    def changed(self) -> bool:
        """Tell whether it may hold another ring than the one that was last read."""
        ...

    def ring(self) -> KeyRing:
        """Read the ring anew; it may wait for others.

        Raises:
            InnkeeperError: If it cannot be had.
        """
        ...


class Rotation:
    """Takes up a new key ring, and leaves older keys with nothing to open.

    Args:
        ring: The ring in use, which the vault holds, too.
        source: Where it came from; None if that does not change.
    """

    def __init__(self, vault: Vault, ring: KeyRing, *, source: Source | None, log: Log) -> None:
        self._vault = vault
        self._ring = ring
        self._source = source
        self._log = log

    async def turn(self) -> int:
        """Take up the ring if it was changed, and wrap anew what older keys wrap; say how many.

        What goes wrong is told, and tried again in the next turn.
        """
        await self.take_up()
        try:
            return await self.wrap_anew()
        except InnkeeperError as error:
            self._log.error("keys.not_wrapped", code=error.code, why=f"{error.what}: {error.why}")
            return 0

    async def take_up(self) -> None:
        """Take up the ring if it was changed; one that is not usable is told, and not taken."""
        if self._source is None or not await asyncio.to_thread(self._source.changed):
            return
        try:
            ring = await asyncio.to_thread(self._source.ring)
            self._judge(ring, needed=set(await self._vault.wrapped_by()))
        except InnkeeperError as error:
            self._log.error("keys.refused", code=error.code, why=f"{error.what}: {error.why}")
            return
        if ring.ids != self._ring.ids:
            self._log.info("keys.taken_up", newest=ring.ids[0], keys=len(ring.ids))
        self._ring.become(ring)

    async def wrap_anew(self) -> int:
        """Wrap anew what older keys wrap, until nothing is left; say how many keys that were.

        Raises:
            InnkeeperError: If one could not be wrapped anew; calling again goes on there.
        """
        done = 0
        while count := await self._vault.wrap_anew(limit=AT_ONCE):
            done += count
            if (done - count) % _TOLD_EVERY == 0:
                self._log.info("keys.wrapping_anew", done=done, left=await self._left())
        if done:
            self._log.info("keys.wrapped_anew", newest=self._ring.ids[0], keys=done)
        return done

    def _judge(self, ring: KeyRing, *, needed: set[str]) -> None:
        missing = needed - set(ring.ids)
        if missing:
            why = f"it lacks {', '.join(sorted(missing))}, which keys in the vault are wrapped with"
            raise KeyMissing("the new key ring is not taken", why)
        if ring.contradicts(self._ring):
            raise KeyMissing("the new key ring is not taken", "a known id has another key there")

    async def _left(self) -> int:
        wrapped = await self._vault.wrapped_by()
        return sum(count for ring_id, count in wrapped.items() if ring_id != self._ring.ids[0])
