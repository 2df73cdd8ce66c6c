"""Why does a delivery's signature not fit? For whoever has its bytes, its head and the secrets.

A receiver says nothing of this to a sender: it has one answer for every bad delivery.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from innkeeper.errors import SignatureRefused
from innkeeper.secret import Secret
from innkeeper.wire.signature import (
    FUTURE,
    PAST,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    Claim,
    Verifier,
    read_claim,
)

_ALWAYS: Final = timedelta(days=400_000)
_HEADS: Final[Mapping[str, tuple[str, str]]] = {
    "TimestampMissing": (f"there is no {TIMESTAMP_HEADER}", "Let your proxy hand it on."),
    "SignatureMissing": (
        f"there is no {SIGNATURE_HEADER}",
        "Let your proxy hand it on; without it, it is not from Zoom.",
    ),
    "AmbiguousHeader": ("one of the two headers is there twice", "Have your proxy add none."),
    "TimestampMalformed": (f"{TIMESTAMP_HEADER} is not 10 or 13 digits", "It is not Zoom's."),
    "SignatureMalformed": (
        f"{SIGNATURE_HEADER} is not v0= and 64 lower-case hex digits",
        "It is not Zoom's, or was cut off when it was copied.",
    ),
}
_ELSEWHERE: Final = (
    "Compare the Secret Token under Features > Access, of the same environment: development and"
    " production each have their own. Save the exact bytes of the body, before anything reads it."
)


class Diagnosis(NamedTuple):
    """Whether a delivery is genuine, and if not, why not."""

    reason: str
    """As the log has it; empty if it is genuine."""
    why: str
    fix: str


def diagnose(
    body: bytes,
    *,
    timestamps: Sequence[bytes],
    signatures: Sequence[bytes],
    secrets: Sequence[Secret],
    others: Mapping[str, Secret] | None = None,
    now: datetime,
) -> Diagnosis:
    """Tell why a delivery is refused, or that it is not; no secret is named but by its place.

    Args:
        secrets: The secret tokens, newest first.
        others: Secrets that are for something else, by the names of their settings.
        now: When it was received.

    Example:
        >>> from datetime import UTC
        >>> diagnose(
        ...     b"{}",
        ...     timestamps=[],
        ...     signatures=[],
        ...     secrets=[Secret("secret")],
        ...     now=datetime(2026, 11, 27, tzinfo=UTC),
        ... ).reason
        'TimestampMissing'
    """
    try:
        claim = read_claim(timestamps, signatures)
    except SignatureRefused as refused:
        return Diagnosis(refused.reason, *_HEADS[refused.reason])
    for number, secret in enumerate(secrets, 1):
        if _fits(body, claim, secret, now):
            return _judge_time(claim, f"secret token {number} of {len(secrets)} fits", now)
    for what, changed in _changes(body):
        if any(_fits(changed, claim, secret, now) for secret in secrets):
            why = f"the body was changed on the way: it fits {what}"
            fix = "Hash the bytes as they come: nothing may read, write or trim them before."
            return Diagnosis("SignatureMismatch", why, fix)
    for name, secret in (others or {}).items():
        if _fits(body, claim, secret, now):
            fix = f"What stands there is the Secret Token: is it swapped with {name}?"
            return Diagnosis("SignatureMismatch", f"it is signed with {name}", fix)
    why = f"none of {len(secrets)} secret tokens signed these bytes"
    return Diagnosis("SignatureMismatch", why, _ELSEWHERE)


def _fits(body: bytes, claim: Claim, secret: Secret, now: datetime) -> bool:
    verifier = Verifier([secret], past=_ALWAYS, future=_ALWAYS)
    try:
        verifier.check(claim, body, now=now)
    except SignatureRefused:
        return False
    return True


def _judge_time(claim: Claim, fits: str, now: datetime) -> Diagnosis:
    stamp = int(claim.timestamp) / (1000 if len(claim.timestamp) == 13 else 1)
    age = timedelta(seconds=round(now.timestamp() - stamp))
    if age > PAST:
        fix = "If it was saved long ago, say when it came (--at); else set this machine's clock."
        return Diagnosis("TimestampOutOfWindow", f"{fits}, but it was signed {age} before", fix)
    if age < -FUTURE:
        why = f"{fits}, but it was signed {-age} after it came"
        return Diagnosis("TimestampOutOfWindow", why, "Set this machine's clock.")
    return Diagnosis("", f"it is genuine: {fits}", "")


def _changes(body: bytes) -> Iterator[tuple[str, bytes]]:
    """List what the body may have been before somebody changed it."""
    yield "without the line's end behind it", body.rstrip(b"\r\n")
    yield "with a line's end behind it", body + b"\n"
    yield "with other line ends", body.replace(b"\r\n", b"\n")
    yield "without the byte order mark before it", body.removeprefix(b"\xef\xbb\xbf")
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    for spaces, separators in (("no spaces", (",", ":")), ("spaces", (", ", ": "))):
        for escapes, ascii_only in (("as it is", False), ("escaped", True)):
            what = f"as JSON with {spaces} between, and what is not ASCII {escapes}"
            written = json.dumps(value, ensure_ascii=ascii_only, separators=separators)
            yield what, written.encode("utf-8", "surrogatepass")
