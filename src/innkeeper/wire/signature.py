"""Did Zoom sign these exact bytes, recently? And how does Zoom sign them?

Source: https://developers.zoom.us/docs/api/webhooks/ and zoom/webhook-sample.
"""

import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from innkeeper.errors import ChallengeMalformed, SignatureRefused
from innkeeper.secret import Secret

TIMESTAMP_HEADER = "x-zm-request-timestamp"
SIGNATURE_HEADER = "x-zm-signature"
TRACKING_HEADER = "x-zm-trackingid"
URL_VALIDATION = "endpoint.url_validation"

PAST = timedelta(minutes=120)
"""Zoom retries 5, 25 and 85 minutes after the first try, perhaps without a new stamp."""
FUTURE = timedelta(minutes=5)

_TIMESTAMP = re.compile(rb"[0-9]{10}(?:[0-9]{3})?")
_SIGNATURE_BYTES = len("v0=") + 64
_BLOCK_BYTES = 64
_PLAIN_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)


def sign(body: bytes, *, timestamp: str, secret: Secret) -> str:
    """Make the value of `x-zm-signature` for a body and its timestamp header.

    Example:
        >>> sign(b"{}", timestamp="1654503849", secret=Secret("secret"))[:11]
        'v0=7877c90f'
    """
    message = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


class Claim(NamedTuple):
    """What a delivery's head claims: that Zoom signed its body, and when."""

    timestamp: bytes
    mac: bytes


class Verified(NamedTuple):
    """What a good signature proves."""

    secret: Secret
    """The secret that matched: a challenge is answered with this one."""
    signed_at: datetime
    """The moment in the timestamp header."""


def read_claim(timestamps: Sequence[bytes], signatures: Sequence[bytes]) -> Claim:
    """Read the two headers, before there is a body; each is given by all of its values.

    Raises:
        SignatureRefused: If one is missing, repeated, or not of Zoom's shape.
    """
    timestamp = _only(timestamps, "Timestamp")
    signature = _only(signatures, "Signature")
    if _TIMESTAMP.fullmatch(timestamp) is None:
        raise SignatureRefused("TimestampMalformed")
    if len(signature) != _SIGNATURE_BYTES or not signature.startswith(b"v0="):
        raise SignatureRefused("SignatureMalformed")
    try:
        mac = binascii.unhexlify(signature[3:])
    except binascii.Error:
        raise SignatureRefused("SignatureMalformed") from None
    if signature != signature.lower():
        raise SignatureRefused("SignatureMalformed")
    return Claim(timestamp, mac)


class Verifier:
    """Accepts a delivery only if Zoom signed these exact bytes, recently.

    The raw body is hashed: parsing JSON and writing it again changes the bytes.

    Args:
        secrets: Every secret token still valid, so that one can be rotated without
            refusing deliveries already in flight.
        past: How old a signed delivery may be.
        future: How far ahead of our clock it may be stamped.

    Raises:
        ValueError: If no secret, or a blank one, is given: an empty key would
            verify anything for anyone.
    """

    def __init__(
        self, secrets: Sequence[Secret], *, past: timedelta = PAST, future: timedelta = FUTURE
    ) -> None:
        if not secrets or not all(secret.reveal().strip() for secret in secrets):
            message = "a verifier needs at least one secret, and none may be blank"
            raise ValueError(message)
        self._keyed = [(secret, _Mac(secret.encode())) for secret in secrets]
        self._past = past.total_seconds()
        self._future = future.total_seconds()

    def verify(
        self,
        body: bytes,
        *,
        timestamps: Sequence[bytes],
        signatures: Sequence[bytes],
        now: datetime,
    ) -> Verified:
        """Check one delivery; `timestamps` and `signatures` are the headers' values.

        Raises:
            SignatureRefused: For every bad input alike, garbage included, so a caller
                has one failure to handle and a sender learns nothing.
        """
        claim = read_claim(timestamps, signatures)
        secret = self.check(claim, body, now=now)
        return Verified(secret, datetime.fromtimestamp(_seconds(claim.timestamp), tz=now.tzinfo))

    def check(self, claim: Claim, body: bytes, *, now: datetime) -> Secret:
        """Check what a delivery's head claims of its body; give the secret that matched.

        Raises:
            SignatureRefused: As `verify`.
        """
        message = b"%b:%b" % (claim.timestamp, body)
        found: Secret | None = None
        for secret, mac in self._keyed:
            if hmac.compare_digest(mac.of(message), claim.mac):
                found = found or secret
        if found is None:
            raise SignatureRefused("SignatureMismatch")
        if not -self._future <= now.timestamp() - _seconds(claim.timestamp) <= self._past:
            raise SignatureRefused("TimestampOutOfWindow")
        return found


class _Mac:
    """HMAC-SHA256 (RFC 2104) of `v0:` and a message, its key taken in once.

    The library's own takes the key in anew for each message, which costs three times as much.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        if len(key) > _BLOCK_BYTES:
            key = hashlib.sha256(key).digest()
        key = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + b"v0:")
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))

    def of(self, message: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


def _seconds(timestamp: bytes) -> float:
    return int(timestamp) / (1000 if len(timestamp) == 13 else 1)


def _only(values: Sequence[bytes], name: str) -> bytes:
    if len(values) == 1:
        return values[0]
    raise SignatureRefused("AmbiguousHeader" if values else f"{name}Missing")


class _Challenge(msgspec.Struct):
    plain_token: str = msgspec.field(name="plainToken")


class _ChallengeEvent(msgspec.Struct):
    payload: _Challenge


def challenge_body(plain_token: str, *, event_ts: int) -> bytes:
    """Write the body of a URL validation, as Zoom sends it. `event_ts` is in ms."""
    return msgspec.json.encode(
        {"payload": {"plainToken": plain_token}, "event_ts": event_ts, "event": URL_VALIDATION}
    )


def encrypt_token(plain_token: str, secret: Secret) -> str:
    """Compute the `encryptedToken` that proves who holds the secret token."""
    return hmac.new(secret.encode(), plain_token.encode(), hashlib.sha256).hexdigest()


def answer_challenge(body: bytes, *, secret: Secret) -> Mapping[str, str]:
    """Answer a verified URL validation.

    Call it only after the signature: answering an unverified challenge would sign
    anything for anyone. For the same reason only tokens of `[A-Za-z0-9_-]{1,128}`
    are answered: one with a colon could be the message of a delivery's signature.

    Raises:
        ChallengeMalformed: If the token is missing or is of another shape.
    """
    try:
        token = msgspec.json.decode(body, type=_ChallengeEvent).payload.plain_token
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ChallengeMalformed from None
    if _PLAIN_TOKEN.fullmatch(token) is None:
        raise ChallengeMalformed
    return {"plainToken": token, "encryptedToken": encrypt_token(token, secret)}
