"""What may a bot keep? Values of its own, owned by an installation and purged with it."""

from typing import Any

import msgspec

from innkeeper.ids import InstallationId
from innkeeper.store.base import BotStateStore


class State:
    """The bot's own values for one installation; they are purged with it."""

    def __init__(self, store: BotStateStore, installation_id: InstallationId) -> None:
        self._store = store
        self._installation_id = installation_id

    async def get(self, key: str, default: Any = None) -> Any:
        """Read a value."""
        found = await self._store.get_state(self._installation_id, key)
        return default if found is None else msgspec.json.decode(found)

    async def set(self, key: str, value: Any) -> None:
        """Keep a value: anything that JSON can hold.

        Raises:
            Fenced: If the person removed the app meanwhile.
        """
        await self._store.set_state(self._installation_id, key, msgspec.json.encode(value))

    async def delete(self, key: str) -> bool:
        """Drop a value; False if there was none."""
        return await self._store.delete_state(self._installation_id, key)
