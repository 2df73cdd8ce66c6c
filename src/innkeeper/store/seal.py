"""How is a value sealed, so that it opens only where it belongs and while its key lives?

Three things: the operator's key ring wraps data keys; a data key seals values, each
bound to its place; the index key turns what we search for into blind values.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from innkeeper.errors import KeyBroken, KeyMissing, SealBroken

KEY_BYTES: Final = 32
_KEY_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_FORMAT: Final = b"\x01"
_SHORTEST: Final = 1 + _KEY_ID_BYTES + _NONCE_BYTES + 16

_RING_ID = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_RING_KEY = re.compile(r"[A-Za-z0-9_-]{43}=?", re.ASCII)
_WRAPPED = "wrapped:"
_WRAPPED_KEY = re.compile(r"[A-Za-z0-9_-]{1,8192}={0,2}", re.ASCII)

Unwrap = Callable[[bytes], bytes]
"""Turns a wrapped key of the ring into the key itself."""


def joined(*parts: str) -> bytes:
    """Join parts so that no two lists of parts give the same bytes.

    Example:
        >>> joined("a|b", "c") == joined("a", "b|c")
        False
    """
    return "|".join([part.replace("%", "%25").replace("|", "%7C") for part in parts]).encode()


def new_key() -> tuple[str, bytes]:
    """Draw a data key: its id and 32 bytes."""
    return secrets.token_hex(_KEY_ID_BYTES), secrets.token_bytes(KEY_BYTES)


class Seal:
    """One data key at work: AES-256-GCM, each value bound to its place.

    A sealed value is `0x01 | key id (8) | nonce (12) | ciphertext and tag`. Its place
    (app, table, column, row, version) is authenticated with it, so that a value copied
    elsewhere does not open there.
    """

    __slots__ = ("_cipher", "_head", "_prefix", "_suffix", "key_id")

    def __init__(self, key_id: str, key: bytes, *, app: str) -> None:
        self.key_id = key_id
        self._cipher = AESGCM(key)
        self._head = _FORMAT + bytes.fromhex(key_id)
        self._prefix = joined("v1", app).decode()
        self._suffix = key_id

    def __repr__(self) -> str:
        return f"Seal({self.key_id})"

    def seal(self, plain: bytes, *, table: str, column: str, row: str, version: int = 0) -> bytes:
        """Seal a value for one place."""
        nonce = os.urandom(_NONCE_BYTES)
        place = self._place(table, column, row, version)
        return self._head + nonce + self._cipher.encrypt(nonce, plain, place)

    def unseal(self, blob: bytes, *, table: str, column: str, row: str, version: int = 0) -> bytes:
        """Open a value at its place.

        Raises:
            SealBroken: If it was altered, moved, or sealed with another key.
        """
        if len(blob) < _SHORTEST or not blob.startswith(self._head):
            raise SealBroken("sealed value refused", f"{table}.{column} has another key's seal")
        nonce, body = blob[9 : 9 + _NONCE_BYTES], blob[9 + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, body, self._place(table, column, row, version))
        except InvalidTag:
            why = f"{table}.{column} was altered or moved"
            raise SealBroken("sealed value refused", why) from None

    def _place(self, table: str, column: str, row: str, version: int) -> bytes:
        row = row.replace("%", "%25").replace("|", "%7C")
        return f"{self._prefix}|{table}|{column}|{row}|{version}|{self._suffix}".encode()


class BlindIndex:
    """Finds a value without showing it: HMAC-SHA256 under the vault's index key."""

    __slots__ = ("_app", "_key")

    def __init__(self, key: bytes, *, app: str) -> None:
        self._key = key
        self._app = app

    def __repr__(self) -> str:
        return "BlindIndex(…)"

    def of(self, kind: str, *values: str) -> bytes:
        """Compute the index of a value, which may have several parts."""
        return hmac.digest(self._key, joined(self._app, kind, *values), "sha256")


class KeyRing:
    """The operator's keys, newest first: they wrap the data keys, and keys derive from them.

    Whoever holds a ring holds what it has become: it is changed in one place, while it is used.
    """

    __slots__ = ("_keys", "_seals")

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = dict(keys)
        self._seals: dict[tuple[str, str], Seal] = {}
        if not self._keys:
            message = "the key ring is empty"
            raise ValueError(message)

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._keys)})"

    def __reduce__(self) -> NoReturn:
        message = "a KeyRing is not pickled"
        raise TypeError(message)

    @classmethod
    def parse(cls, text: str, unwrap: Unwrap | None = None) -> "KeyRing":
        """Read a key ring as INNKEEPER_KEYS writes it: `id:base64url of 32 bytes`, by commas.

        Args:
            unwrap: Opens the keys that are written `id:wrapped:base64url`.

        Raises:
            ValueError: If an entry is not usable; the message counts entries and never
                repeats any part of one.
        """
        keys: dict[str, bytes] = {}
        for place, entry in enumerate(text.strip().strip(",").split(","), start=1):
            ring_id, colon, encoded = entry.strip().partition(":")
            if not colon or _RING_ID.fullmatch(ring_id) is None:
                message = f"key {place} must be written `id:key`, its id of at most 32 characters"
                raise ValueError(message)
            if ring_id in keys:
                message = f"key {place} has the id of an earlier one"
                raise ValueError(message)
            keys[ring_id] = _ring_key(encoded.strip(), place, unwrap)
        return cls(keys)

    @staticmethod
    def generate() -> str:
        """Draw a key ring of one key, written as `parse` reads it."""
        return f"k{secrets.token_hex(4)}:{_encoded(secrets.token_bytes(KEY_BYTES))}"

    @staticmethod
    def generate_wrapped(wrap: Callable[[bytes], bytes]) -> str:
        """Draw a key ring of one key that is written wrapped, as `parse` reads it."""
        wrapped = wrap(secrets.token_bytes(KEY_BYTES))
        return f"k{secrets.token_hex(4)}:{_WRAPPED}{_encoded(wrapped)}"

    @property
    def ids(self) -> Sequence[str]:
        """The keys' ids, newest first."""
        return tuple(self._keys)

    def contradicts(self, other: "KeyRing") -> bool:
        """Tell whether an id that both have stands for two different keys."""
        return any(other._keys.get(each, key) != key for each, key in self._keys.items())

    def become(self, other: "KeyRing") -> None:
        """Take over another ring's keys; what is under way ends with one or the other."""
        self._keys, self._seals = dict(other._keys), {}

    def derive(self, *purpose: str) -> Sequence[bytes]:
        """Derive a key for what is kept nowhere from each key of the ring, newest first."""
        info = joined(*purpose)
        return [hmac.digest(key, info, "sha256") for key in self._keys.values()]

    def wrap(self, key: bytes, *, app: str, subject: str) -> tuple[str, bytes]:
        """Wrap a data key for its subject with the newest key: that key's id, and the blob."""
        ring_id = self.ids[0]
        blob = self._seal(ring_id, app).seal(key, table="vault", column="wrapped", row=subject)
        return ring_id, blob

    def unwrap(self, ring_id: str, blob: bytes, *, app: str, subject: str) -> bytes:
        """Unwrap a subject's data key.

        Raises:
            KeyMissing: If the ring has no key of that id.
            KeyBroken: If the blob was altered or is another subject's, or the ring's
                key of that id is not the one that wrapped it.
        """
        seal = self._seal(ring_id, app)
        try:
            return seal.unseal(blob, table="vault", column="wrapped", row=subject)
        except SealBroken:
            raise KeyBroken("a key in the vault does not open", f"that of {subject}") from None

    def _seal(self, ring_id: str, app: str) -> Seal:
        keys, seals = self._keys, self._seals
        seal = seals.get((ring_id, app))
        if seal is None:
            key = keys.get(ring_id)
            if key is None:
                raise KeyMissing("the key ring is incomplete", f"no key has the id {ring_id}")
            key_id = hashlib.sha256(ring_id.encode()).hexdigest()[: 2 * _KEY_ID_BYTES]
            seal = seals[ring_id, app] = Seal(key_id, key, app=app)
        return seal


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _decoded(encoded: str) -> bytes:
    encoded = encoded.rstrip("=")
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


def _ring_key(encoded: str, place: int, unwrap: Unwrap | None) -> bytes:
    key = (
        _unwrapped(encoded.removeprefix(_WRAPPED), place, unwrap)
        if encoded.startswith(_WRAPPED)
        else _plain(encoded, place)
    )
    if len(set(key)) < 16 or all(0x20 <= byte < 0x7F for byte in key):
        message = f"key {place} was not drawn at random: make one with `innkeeper keys new`"
        raise ValueError(message)
    return key


def _plain(encoded: str, place: int) -> bytes:
    if _RING_KEY.fullmatch(encoded) is None:
        message = f"key {place} is not base64url of exactly 32 bytes"
        raise ValueError(message)
    return _decoded(encoded)


def _unwrapped(encoded: str, place: int, unwrap: Unwrap | None) -> bytes:
    if unwrap is None:
        message = f"key {place} is wrapped, and no INNKEEPER_KEY_SERVICE is set to unwrap it"
        raise ValueError(message)
    if _WRAPPED_KEY.fullmatch(encoded) is None or len(encoded.rstrip("=")) % 4 == 1:
        message = f"key {place} is wrapped, and not written in base64url"
        raise ValueError(message)
    key = unwrap(_decoded(encoded))
    if len(key) != KEY_BYTES:
        message = f"key {place} is not 32 bytes once the key service has unwrapped it"
        raise ValueError(message)
    return key
