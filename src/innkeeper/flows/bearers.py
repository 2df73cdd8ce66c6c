"""Which tokens may Zoom show us? Those that we gave it: signed, short-lived, kept nowhere."""

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from innkeeper.clock import Clock
from innkeeper.store.seal import KeyRing, joined
from innkeeper.wire.credentials import Credential

LIFETIME: Final = timedelta(hours=1)
LEEWAY: Final = timedelta(minutes=5)
"""How long a token is good beyond what was told: a delivery may be on its way as it ends."""

_MOMENT_BYTES: Final = 8
_CHARACTERS: Final = 54
_PURPOSE: Final = "webhook token 1"


class Bearers:
    """Gives tokens to known clients, and knows them again.

    A token is when it ends, and a MAC of that. The MAC's key is made of a key of the ring, of
    the app and of the client with its secret: so any process on the same ring knows the token,
    and it dies with the client that is taken out, or with the key of the ring.

    Args:
        clients: Who may have one; several while their secret is rotated.
        app: Whose tokens they are.
    """

    def __init__(
        self, clients: Sequence[Credential], ring: KeyRing, *, app: str, clock: Clock
    ) -> None:
        self._clients = clients
        self._ring = ring
        self._app = app
        self._clock = clock
        self._made_of: Sequence[str] = ()
        self._made: Sequence[bytes] = ()

    def recognize(self, pairs: Sequence[tuple[str, str]]) -> Credential | None:
        """Find the client that one of the pairs of name and secret belongs to."""
        found: Credential | None = None
        for name, secret in pairs:
            shown = joined(name, secret)
            for client in self._clients:
                known = joined(client.name, client.secret.reveal())
                found = client if hmac.compare_digest(shown, known) else found
        return found

    def give(self, client: Credential) -> str:
        """Give a client a token that is good for `LIFETIME`."""
        end = int((self._clock.now() + LIFETIME).timestamp()).to_bytes(_MOMENT_BYTES)
        signed = end + _mac(end, self._keys(client)[0])
        return base64.urlsafe_b64encode(signed).decode().rstrip("=")

    def accept(self, token: bytes) -> bool:
        """Tell whether a token is one of ours, and still good."""
        if len(token) != _CHARACTERS:
            return False
        try:
            raw = base64.b64decode(token + b"==", altchars=b"-_", validate=True)
        except binascii.Error:
            return False
        end, mac = raw[:_MOMENT_BYTES], raw[_MOMENT_BYTES:]
        ours = [hmac.compare_digest(_mac(end, key), mac) for key in self._all_keys()]
        good_until = int.from_bytes(end) + LEEWAY.total_seconds()
        return any(ours) and self._clock.now().timestamp() < good_until

    def _all_keys(self) -> Sequence[bytes]:
        """Give every client's keys; they are derived once, until the ring has other keys."""
        ids = self._ring.ids
        if ids != self._made_of:
            self._made = [key for client in self._clients for key in self._keys(client)]
            self._made_of = ids
        return self._made

    def _keys(self, client: Credential) -> Sequence[bytes]:
        """Derive a client's keys, that of the ring's newest key first."""
        return self._ring.derive(_PURPOSE, self._app, client.name, client.secret.reveal())


def _mac(end: bytes, key: bytes) -> bytes:
    return hmac.digest(key, end, "sha256")
