"""Which key seals this? The vault's keys, at hand as seals."""

from typing import Final

from innkeeper.store.base import Vault
from innkeeper.store.records import Owner
from innkeeper.store.seal import BlindIndex, Seal

APP: Final = "app"
INDEX: Final = "index"

_CACHE_SIZE: Final = 10_000


class Keys:
    """The vault's data keys, as seals. What the vault has destroyed is not found here."""

    def __init__(self, vault: Vault, *, app: str) -> None:
        self.app = app
        self.vault = vault
        self._seals: dict[str, Seal] = {}

    async def make(self, subject: str) -> Seal:
        """Find a subject's seal; make its key first if there is none.

        Raises:
            StoreUnavailable: If the vault cannot keep it.
        """
        return self._seal(subject, await self.vault.make_key(subject))

    async def find(self, subject: str) -> Seal | None:
        """Find a subject's seal; None if its key is destroyed or was never made.

        Raises:
            StoreUnavailable: If the vault cannot be read.
            KeyMissing: If the key ring lacks the key that wraps it.
        """
        known = await self.vault.find_key(subject)
        if known is None:
            self._seals.pop(subject, None)
            return None
        return self._seal(subject, known)

    async def index(self) -> tuple[str, BlindIndex]:
        """Find the index key, made on first use: its id and the index.

        Raises:
            StoreUnavailable: If the vault cannot keep it.
        """
        key_id, key = await self.vault.make_key(INDEX)
        return key_id, BlindIndex(key, app=self.app)

    def clear(self) -> None:
        """Drop the seals at hand; the vault's own memory is the vault's."""
        self._seals.clear()

    def _seal(self, subject: str, known: tuple[str, bytes]) -> Seal:
        key_id, key = known
        seal = self._seals.get(subject)
        if seal is None or seal.key_id != key_id:
            if len(self._seals) >= _CACHE_SIZE:
                self._seals.clear()
            seal = self._seals[subject] = Seal(key_id, key, app=self.app)
        return seal


def owner_index(index: BlindIndex, owner: Owner) -> bytes:
    """Compute what an owner is found by."""
    if owner.user_id is None:
        return index.of("owner", owner.account_id)
    return index.of("owner", owner.account_id, owner.user_id)
