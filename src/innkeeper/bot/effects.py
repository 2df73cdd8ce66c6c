"""What does a bot do once, however often its event is handled? Begun, done, and kept."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from innkeeper.errors import AnswerLost, BotRefused, EffectUnconfirmed
from innkeeper.ids import EventId, InstallationId
from innkeeper.store.base import ClaimStore

_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
"""What comes back from the store as what it was."""


class Effects:
    """The effects of one event."""

    def __init__(self, store: ClaimStore, installation_id: InstallationId, event: EventId) -> None:
        self._store = store
        self._installation_id = installation_id
        self._event = event

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
        begun = await self._store.begin_effect(self._installation_id, self._event, key)
        if begun.result is not None:
            return msgspec.msgpack.decode(begun.result, type=Any if shape is None else shape)
        if not begun.fresh:
            raise EffectUnconfirmed(key)
        try:
            given = await effect()
        except AnswerLost:
            raise
        except Exception:
            await self._store.drop_effect(self._event, key)
            raise
        result = _packed(given, shape)
        await self._store.end_effect(self._installation_id, self._event, key, result=result)
        return given


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
