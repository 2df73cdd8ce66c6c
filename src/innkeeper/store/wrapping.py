"""How is a key kept in a vault? Wrapped by the newest key of the ring, for its subject only."""

import hashlib
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from innkeeper.errors import KeyBroken
from innkeeper.secret import Secret
from innkeeper.store.records import SigningKey
from innkeeper.store.rows import Row
from innkeeper.store.seal import KeyRing

SIGNING: Final = "signing:"
"""What the subjects of signing keys begin with."""
SIGNING_KEY: Final = (
    "SELECT id, public, ring_id, wrapped, endorsed_by, endorsement FROM signing_keys"
)


class Wrapping:
    """The key ring at work for one app's vault."""

    def __init__(self, ring: KeyRing, *, app: str) -> None:
        self.ring = ring
        self.app = app

    def wrap(self, key: bytes, subject: str) -> tuple[str, bytes]:
        """Wrap a key: the id of the ring's key, and the blob."""
        return self.ring.wrap(key, app=self.app, subject=subject)

    def unwrap(self, ring_id: str, wrapped: bytes, subject: str) -> bytes:
        """Unwrap a key.

        Raises:
            KeyMissing: If the ring has no key of that id.
            KeyBroken: If the blob was altered, or is another subject's.
        """
        return self.ring.unwrap(ring_id, wrapped, app=self.app, subject=subject)

    def opens_any(self, ring_id: str, rows: Sequence[Row]) -> bool:
        """Tell whether the ring's key of that id opens one of these: subject and blob.

        Raises:
            KeyMissing: If the ring has no key of that id.
        """
        return any(self._opens(ring_id, subject, wrapped) for subject, wrapped in rows)

    def _opens(self, ring_id: str, subject: str, wrapped: bytes) -> bool:
        try:
            self.unwrap(ring_id, wrapped, subject)
        except KeyBroken:
            return False
        return True

    def draw_signing_key(self, older: SigningKey | None) -> tuple[object, ...]:
        """Draw a key to sign with, endorsed by the older one: the columns of `SIGNING_KEY`."""
        private = Ed25519PrivateKey.generate()
        public = private.public_key().public_bytes_raw()
        key_id = hashlib.sha256(public).hexdigest()[:16]
        endorsed_by, endorsement = None, b""
        if older is not None:
            signer = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(older.private.reveal()))
            endorsed_by, endorsement = older.id, signer.sign(public)
        wrapped = self.wrap(private.private_bytes_raw(), SIGNING + key_id)
        return (key_id, public, *wrapped, endorsed_by, endorsement)

    def read_signing_key(self, row: Row) -> SigningKey:
        """Read a row of `SIGNING_KEY`.

        Raises:
            KeyMissing: If the ring has no key of that id.
            KeyBroken: If it was altered.
        """
        key_id, public, ring_id, wrapped, endorsed_by, endorsement = row
        private = self.unwrap(ring_id, wrapped, SIGNING + key_id)
        return SigningKey(key_id, public, Secret(private.hex()), endorsed_by, endorsement)
