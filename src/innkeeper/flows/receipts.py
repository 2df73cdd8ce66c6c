"""What proves that somebody's data is gone? A document, signed and chained.

A receipt names the installation by its random id alone. The link from that id to a
person is what the purge destroyed.
"""

import base64
import hashlib
import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, cast

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from innkeeper.errors import ReceiptRefused
from innkeeper.flows.steps import DATA_KEY, is_own
from innkeeper.ids import ReceiptId
from innkeeper.store.records import Purge, Receipt, SigningKey

FORMAT = "innkeeper-receipt-v1"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt says. Times are ISO 8601 in UTC; `steps` maps a step to what it deleted."""

    format: str
    receipt: str
    sequence: int
    installation: str
    generation: int
    removed_at: str
    purged_at: str
    steps: dict[str, int]
    complete: bool
    """Whether no step was left out."""
    previous: str
    """SHA-256 of the receipt before, in hex; empty for the first."""
    kept: list[str] = []
    """The bot's own steps that were left out."""
    tries: dict[str, int] = {}
    """Steps that were begun more than once, and how often: a try that was cut off may have
    deleted what no count tells."""
    outcome: Literal["purged", "nothing_held"] = "purged"
    """Whether there was anything of theirs when the removal was heard of."""


class Endorsement(msgspec.Struct, frozen=True, kw_only=True):
    """A key, and the signature over it by the key before; both in hex."""

    public_key: str
    endorsement: str


class ReceiptFile(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt as it is handed out: the exact bytes signed, in base64."""

    document: str
    signature: str
    key_id: str
    public_key: str
    endorsements: list[Endorsement] = []
    """From the first key that the operator ever had to the one that signed this."""


def write_receipt(
    purge: Purge,
    *,
    kept: Sequence[str] = (),
    key: SigningKey,
    previous: Receipt | None,
    purged_at: datetime,
) -> Receipt:
    """Sign what a finished purge deleted, chained to the receipt before."""
    sequence = previous.sequence + 1 if previous else 1
    document = msgspec.json.encode(
        Statement(
            format=FORMAT,
            receipt=purge.receipt_id,
            sequence=sequence,
            installation=purge.installation_id,
            generation=purge.generation,
            removed_at=purge.removed_at.isoformat(),
            purged_at=purged_at.isoformat(),
            steps=dict(purge.done),
            complete=not kept,
            previous=digest(previous) if previous else "",
            kept=list(kept),
            tries={step: times for step, times in purge.tries.items() if _uncounted(step, times)},
            outcome="purged" if purge.held else "nothing_held",
        )
    )
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key.private.reveal()))
    return Receipt(purge.receipt_id, sequence, document, private.sign(document), key.id)


def _uncounted(step: str, times: int) -> bool:
    """Tell whether a count may be too low: rows are counted as they go, the rest is not."""
    return times > 1 and (is_own(step) or step == DATA_KEY)


def digest(receipt: Receipt) -> str:
    """Compute what the next receipt says of this one."""
    return hashlib.sha256(receipt.document + receipt.signature).hexdigest()


def hand_out(receipt: Receipt, *, public: bytes, keys: Sequence[SigningKey] = ()) -> bytes:
    """Write the file that a person keeps.

    Args:
        public: The key that signed it.
        keys: All signing keys, oldest first: whoever trusts an older one can check it too.
    """
    older = itertools.takewhile(lambda key: key.public != public, keys)
    endorsed = [*older, *(key for key in keys if key.public == public)]
    return msgspec.json.format(
        msgspec.json.encode(
            ReceiptFile(
                document=base64.b64encode(receipt.document).decode(),
                signature=base64.b64encode(receipt.signature).decode(),
                key_id=receipt.key_id,
                public_key=public.hex(),
                endorsements=[
                    Endorsement(public_key=key.public.hex(), endorsement=key.endorsement.hex())
                    for key in endorsed
                ],
            )
        ),
        indent=2,
    )


def read_statement(receipt: Receipt) -> Statement:
    """Read what a kept receipt says."""
    return msgspec.json.decode(receipt.document, type=Statement)


def verify_file(file: bytes, *, public: bytes) -> Statement:
    """Check a handed-out receipt against the operator's public key, offline.

    A key that an older one has signed is as good as the older.

    Raises:
        ReceiptRefused: If it is no receipt, was altered, or was signed by another key.
    """
    return _opened(file, public)[1]


def verify_chain(files: Sequence[bytes], *, public: bytes) -> Sequence[Statement]:
    """Check receipts that follow one another, in whatever order they are given.

    Raises:
        ReceiptRefused: If one does not hold, or does not follow the one before; it says which.
    """
    opened: list[tuple[Receipt, Statement]] = []
    for place, file in enumerate(files, 1):
        try:
            opened.append(_opened(file, public))
        except ReceiptRefused as refusal:
            what = f"{refusal.what}: file {place} of {len(files)}{_said(file)}"
            raise ReceiptRefused(what, refusal.why) from None
    opened.sort(key=lambda each: each[1].sequence)
    for (before, _), (_, statement) in itertools.pairwise(opened):
        if statement.sequence != before.sequence + 1:
            why = f"number {statement.sequence} comes after number {before.sequence}"
            raise ReceiptRefused("the chain is broken: a receipt is missing", why)
        if statement.previous != digest(before):
            why = f"number {statement.sequence} follows another number {before.sequence}"
            raise ReceiptRefused("the chain is broken", why)
    return [statement for _, statement in opened]


def _opened(file: bytes, public: bytes) -> tuple[Receipt, Statement]:
    try:
        given = msgspec.json.decode(file, type=ReceiptFile)
        document = base64.b64decode(given.document, validate=True)
        signature = base64.b64decode(given.signature, validate=True)
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise ReceiptRefused("not a receipt", "the file has another form") from None
    try:
        signer = Ed25519PublicKey.from_public_bytes(_trusted(given, public))
        signer.verify(signature, document)
    except (InvalidSignature, ValueError):
        raise ReceiptRefused("receipt refused", "the signature does not match the key") from None
    statement: Any = msgspec.json.decode(document)
    if not isinstance(statement, dict) or cast("dict[str, Any]", statement).get("format") != FORMAT:
        raise ReceiptRefused("receipt refused", "it is of a format this version does not know")
    said = msgspec.convert(statement, Statement)
    kept = Receipt(ReceiptId(said.receipt), said.sequence, document, signature, given.key_id)
    return kept, said


def _trusted(given: ReceiptFile, public: bytes) -> bytes:
    """Follow the endorsements from the key that is trusted to the one that signed.

    Raises:
        InvalidSignature: If one of them does not hold.
        ValueError: If one of them is no key.
    """
    trusted: bytes | None = None
    for each in given.endorsements:
        key = bytes.fromhex(each.public_key)
        if trusted is not None:
            older = Ed25519PublicKey.from_public_bytes(trusted)
            older.verify(bytes.fromhex(each.endorsement), key)
            trusted = key
        elif key == public:
            trusted = key
    return trusted or public


def _said(file: bytes) -> str:
    """Tell which receipt a file says that it is, though nobody vouches for that."""
    try:
        given = msgspec.json.decode(file, type=ReceiptFile)
        said = msgspec.json.decode(base64.b64decode(given.document), type=Statement)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return ""
    return f", which says it is number {said.sequence}"
