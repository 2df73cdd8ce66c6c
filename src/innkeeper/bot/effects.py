"""What does a bot do once, however often its event is handled? Begun, done, and kept."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from innkeeper.errors import AnswerLost, BotRefused, EffectUnconfirmed, StoreUnavailable
from innkeeper.ids import EventId, InstallationId
from innkeeper.store.base import ClaimStore

_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
"""What comes back from the store as what it was."""
_UNKEPT_AT_MOST: Final = 10_000

Unkept = dict[tuple[EventId, str], bytes]
"""What effects gave that may not be kept yet, for the store was away or the handler was ended
while it was written: known to this process alone, whose next attempt at the event keeps it."""


class Effects:
    """The effects of one event.

    Args:
        unkept: The same for all events of a process.
    """

    def __init__(
        self, store: ClaimStore, installation_id: InstallationId, event: EventId, *, unkept: Unkept
    ) -> None:
        self._store = store
        self._installation_id = installation_id
        self._event = event
        self._unkept = unkept

    async def once(
        self, key: str, effect: Callable[[], Awaitable[Any]], shape: type[Any] | None
    ) -> Any:
        """Have an effect, or give what it gave when this event was handled before.

        Raises:
            EffectUnconfirmed: If it was begun before, and its end is not known.
            BotRefused: If what it gave cannot be kept; it has been had.
            Fenced: If the person removed the app meanwhile.
            Exception: What the effect raised; it may be begun again, unless it may have
                been had (`AnswerLost`).
        """
        had = self._unkept.pop((self._event, key), None)
        if had is not None:
            await self._keep(key, had)
            return _read(had, shape)
        begun = await self._store.begin_effect(self._installation_id, self._event, key)
        if begun.result is not None:
            return _read(begun.result, shape)
        if not begun.fresh:
            raise EffectUnconfirmed(key)
        try:
            given = await effect()
        except AnswerLost:
            raise
        except Exception:
            await self._store.drop_effect(self._event, key)
            raise
        await self._keep(key, _packed(given, shape))
        return given

    async def _keep(self, key: str, result: bytes) -> None:
        try:
            await self._store.end_effect(self._installation_id, self._event, key, result=result)
        except (StoreUnavailable, asyncio.CancelledError):
            if len(self._unkept) < _UNKEPT_AT_MOST:
                self._unkept[self._event, key] = result
            raise


def _read(result: bytes, shape: type[Any] | None) -> Any:
    return msgspec.msgpack.decode(result, type=Any if shape is None else shape)


def _packed(given: Any, shape: type[Any] | None) -> bytes:
    """Write down what an effect gave.

    Raises:
        BotRefused: If it could not be read back as what it is.
    """
    if shape is None and type(given) not in _PLAIN:
        why = f"gave {type(given).__name__}, which needs a shape to be read back"
        raise BotRefused("ctx.once", why, "Pass shape=…, or return a text, a number or nothing.")
    try:
        return msgspec.msgpack.encode(given)
    except (TypeError, ValueError, OverflowError, RecursionError):
        why = f"gave {type(given).__name__} that cannot be kept"
        raise BotRefused("ctx.once", why, "Return what msgspec can write.") from None
