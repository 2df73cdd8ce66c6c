"""A receipt and a chain of them: what holds, and which link does not."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.errors import ReceiptRefused
from innkeeper.flows.receipts import hand_out, verify_chain, verify_file, write_receipt
from innkeeper.ids import InstallationId, ReceiptId
from innkeeper.secret import Secret
from innkeeper.store.records import Purge, Receipt, SigningKey

WHEN = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)


def signing(seed: int, older: SigningKey | None = None) -> SigningKey:
    private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    public = private.public_key().public_bytes_raw()
    endorsement = b""
    if older is not None:
        signer = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(older.private.reveal()))
        endorsement = signer.sign(public)
    secret = Secret(private.private_bytes_raw().hex())
    return SigningKey(f"key-{seed}", public, secret, older.id if older else None, endorsement)


FIRST = signing(1)
SECOND = signing(2, FIRST)
THIRD = signing(3, SECOND)
KEYS = [FIRST, SECOND, THIRD]


def purge(number: int) -> Purge:
    return Purge(
        installation_id=InstallationId(f"ins_{number}"),
        generation=1,
        receipt_id=ReceiptId(f"rcp_{number}"),
        owner=None,
        authorized_at=WHEN,
        removed_at=WHEN,
        started_at=WHEN,
        deadline_at=WHEN,
        done={"grants": number},
        attempts=0,
        next_at=WHEN,
    )


def chain(keys: list[SigningKey]) -> list[bytes]:
    """Write a chain, each receipt signed by the next key."""
    files: list[bytes] = []
    previous: Receipt | None = None
    for number, key in enumerate(keys, 1):
        previous = write_receipt(purge(number), key=key, previous=previous, purged_at=WHEN)
        files.append(hand_out(previous, public=key.public, keys=KEYS))
    return files


CHAIN = chain([FIRST, FIRST, SECOND, SECOND, THIRD])


def test_a_whole_chain_holds_in_any_order_and_over_changes_of_the_key() -> None:
    for files in (CHAIN, CHAIN[::-1], CHAIN[2:4]):
        statements = verify_chain(files, public=FIRST.public)
        assert [each.sequence for each in statements] == sorted(
            each.sequence for each in statements
        )
        assert len(statements) == len(files)
    assert verify_chain(CHAIN[2:], public=SECOND.public)
    assert verify_file(CHAIN[4], public=THIRD.public).sequence == 5


@given(st.integers(0, len(CHAIN) - 1), st.data())
def test_one_flipped_byte_names_the_broken_link(number: int, data: st.DataObject) -> None:
    given_file: dict[str, Any] = json.loads(CHAIN[number])
    part = data.draw(st.sampled_from(["document", "signature"]))
    raw = bytearray(base64.b64decode(given_file[part]))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    given_file[part] = base64.b64encode(raw).decode()
    files = [*CHAIN]
    files[number] = json.dumps(given_file).encode()
    with pytest.raises(ReceiptRefused, match=f"file {number + 1} of {len(CHAIN)}"):
        verify_chain(files, public=FIRST.public)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_receipt_that_was_taken_out_is_missed(number: int) -> None:
    files = [file for place, file in enumerate(CHAIN) if place != number]
    with pytest.raises(ReceiptRefused, match=f"number {number + 2} comes after number {number}"):
        verify_chain(files, public=FIRST.public)


def test_a_receipt_that_was_put_in_another_ones_place_is_noticed() -> None:
    other = write_receipt(purge(1), key=FIRST, previous=None, purged_at=WHEN.replace(year=2027))
    files = [hand_out(other, public=FIRST.public, keys=KEYS), *CHAIN[1:]]
    with pytest.raises(ReceiptRefused, match="number 2 follows another number 1"):
        verify_chain(files, public=FIRST.public)


def test_a_key_that_nobody_endorsed_is_not_believed() -> None:
    stranger = signing(9)
    [_, receipt] = [*CHAIN[:1], CHAIN[4]]
    forged: dict[str, Any] = json.loads(receipt)
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(stranger.private.reveal()))
    document = base64.b64decode(forged["document"])
    forged["signature"] = base64.b64encode(private.sign(document)).decode()
    for endorsement in (forged["endorsements"][-1]["endorsement"], "", "00" * 64):
        forged["endorsements"][-1] = {
            "public_key": stranger.public.hex(),
            "endorsement": endorsement,
        }
        with pytest.raises(ReceiptRefused, match="does not match the key"):
            verify_file(json.dumps(forged).encode(), public=FIRST.public)


@given(st.binary(max_size=200) | st.sampled_from(CHAIN).map(lambda file: file[:-40]))
def test_garbage_is_no_receipt(file: bytes) -> None:
    with pytest.raises(ReceiptRefused):
        verify_file(file, public=FIRST.public)
