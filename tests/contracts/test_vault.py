import asyncio
from dataclasses import replace
from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from innkeeper.errors import ReceiptRefused
from innkeeper.ids import InstallationId, ReceiptId
from innkeeper.store.base import Vault
from innkeeper.store.records import Receipt, Tombstone
from innkeeper.store.seal import KeyRing
from tests.contracts.houses import DAY, MINUTE, NOW, House, owner

pytestmark = pytest.mark.anyio


def tombstone(name: str = "ins_1", generation: int = 1) -> Tombstone:
    at = NOW + generation * MINUTE
    return Tombstone(InstallationId(name), generation, at, at + MINUTE)


async def test_makes_one_key_for_each_subject(vault: Vault) -> None:
    keys = await asyncio.gather(*(vault.make_key("ins_1") for _ in range(20)))
    assert len(set(keys)) == 1
    assert len(keys[0][1]) == 32
    assert await vault.find_key("ins_1") == keys[0]
    assert await vault.find_key("ins_2") is None
    assert await vault.make_key("ins_2") != keys[0]


async def test_keys_survive_a_restart(house: House, vault: Vault) -> None:
    made = await vault.make_key("ins_1")
    await vault.close()
    vault = house.vault()
    await vault.open()
    assert await vault.find_key("ins_1") == made
    await vault.close()


async def test_a_destroyed_key_is_gone(house: House, vault: Vault) -> None:
    made = await vault.make_key("ins_1")
    assert await vault.destroy_key("ins_1")
    assert not await vault.destroy_key("ins_1")
    assert await vault.find_key("ins_1") is None
    await vault.close()
    vault = house.vault()
    await vault.open()
    assert await vault.find_key("ins_1") is None
    assert await vault.make_key("ins_1") != made
    await vault.close()


async def test_destroys_the_keys_of_earlier_days_only(vault: Vault) -> None:
    subjects = ["day:2025-12-31", "day:2026-11-22", "day:2026-11-23", "app", "ins_1"]
    for subject in subjects:
        await vault.make_key(subject)
    assert await vault.destroy_days_before(date(2026, 11, 23)) == 2
    assert await vault.destroy_days_before(date(2026, 11, 23)) == 0
    left = [subject for subject in subjects if await vault.find_key(subject) is not None]
    assert left == ["day:2026-11-23", "app", "ins_1"]


async def test_burying_twice_is_burying_once(vault: Vault) -> None:
    await vault.bury(tombstone(), owner=owner())
    await vault.bury(replace(tombstone(), generation=9), owner=owner())
    assert await vault.tombstones() == {"ins_1": tombstone()}
    assert await vault.find_tombstone(owner()) == tombstone()
    assert await vault.find_tombstone(owner("bob")) is None


async def test_of_two_removals_the_later_one_counts(vault: Vault) -> None:
    later = replace(tombstone(), at=tombstone().at + MINUTE, buried_at=tombstone().at + MINUTE)
    for each in (tombstone(), later, tombstone()):
        await vault.bury(each, owner=owner())
    assert await vault.tombstones() == {"ins_1": later}


async def test_finds_the_latest_tombstone_of_an_owner(vault: Vault) -> None:
    for generation in (2, 3, 1):
        await vault.bury(tombstone(f"ins_{generation}", generation), owner=owner())
    assert await vault.find_tombstone(owner()) == tombstone("ins_3", 3)
    assert len(await vault.tombstones()) == 3


async def test_forgets_owners_and_keeps_tombstones(vault: Vault) -> None:
    await vault.bury(tombstone(), owner=owner())
    assert await vault.forget_owners(buried_before=NOW) == 0
    assert await vault.forget_owners(buried_before=NOW + 31 * DAY) == 1
    assert await vault.forget_owners(buried_before=NOW + 31 * DAY) == 0
    assert await vault.find_tombstone(owner()) is None
    assert await vault.tombstones() == {"ins_1": tombstone()}


async def test_makes_the_signing_key_once(house: House, vault: Vault) -> None:
    assert await vault.signing_keys() == []
    keys = await asyncio.gather(*(vault.signing_key() for _ in range(10)))
    assert {key.id for key in keys} == {keys[0].id}
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(keys[0].private.reveal()))
    assert private.public_key().public_bytes_raw() == keys[0].public
    assert (keys[0].endorsed_by, keys[0].endorsement) == (None, b"")
    await vault.close()
    vault = house.vault()
    await vault.open()
    assert await vault.signing_key() == keys[0]
    await vault.close()


async def test_each_signing_key_is_endorsed_by_the_one_before(vault: Vault) -> None:
    first = await vault.signing_key()
    second = await vault.replace_signing_key()
    third = await vault.replace_signing_key()
    assert await vault.signing_key() == third
    assert await vault.signing_keys() == [first, second, third]
    for older, newer in ((first, second), (second, third)):
        assert newer.endorsed_by == older.id
        Ed25519PublicKey.from_public_bytes(older.public).verify(newer.endorsement, newer.public)


async def test_tells_which_keys_are_missing(vault: Vault) -> None:
    for subject in ("ins_1", "ins_2", 'ins_"odd"'):
        await vault.make_key(subject)
    await vault.destroy_key("ins_2")
    asked = ["ins_1", "ins_2", 'ins_"odd"', "ins_3"]
    assert set(await vault.missing_keys(asked)) == {"ins_2", "ins_3"}
    assert await vault.missing_keys([]) == []


def receipt(name: str, sequence: int) -> Receipt:
    return Receipt(ReceiptId(name), sequence, b'{"complete":true}', b"signature", "key-1")


async def test_keeps_receipts_in_one_chain(house: House, vault: Vault) -> None:
    assert await vault.last_receipt() is None
    assert await vault.receipts() == []
    for _ in range(2):
        await vault.keep_receipt(receipt("rcp_1", 1))
    with pytest.raises(ReceiptRefused):
        await vault.keep_receipt(receipt("rcp_2", 1))
    await vault.keep_receipt(receipt("rcp_2", 2))
    await vault.keep_receipt(receipt("rcp_3", 3))
    await vault.close()
    vault = house.vault()
    await vault.open()
    assert await vault.last_receipt() == receipt("rcp_3", 3)
    assert await vault.get_receipt(ReceiptId("rcp_2")) == receipt("rcp_2", 2)
    assert await vault.get_receipt(ReceiptId("rcp_4")) is None
    assert [each.sequence for each in await vault.receipts()] == [1, 2, 3]
    assert [each.sequence for each in await vault.receipts(after=1, limit=1)] == [2]
    await vault.close()


async def test_counts_what_each_key_of_the_ring_wraps(house: House, vault: Vault) -> None:
    [old] = KeyRing.parse(house.ring).ids
    assert await vault.wrapped_by() == {}
    for subject in ("app", "ins_1", "ins_2"):
        await vault.make_key(subject)
    assert await vault.wrapped_by() == {old: 3}
    await vault.signing_key()
    assert await vault.wrapped_by() == {old: 4}
    await vault.close()
    house.ring = f"{KeyRing.generate()},{house.ring}"
    new, _ = KeyRing.parse(house.ring).ids
    vault = house.vault()
    await vault.open()
    await vault.make_key("ins_3")
    assert await vault.wrapped_by() == {old: 4, new: 1}
    await vault.close()


async def test_wraps_anew_what_older_keys_wrap_some_at_a_time(house: House, vault: Vault) -> None:
    subjects = [f"ins_{number}" for number in range(7)]
    made = [await vault.make_key(subject) for subject in subjects]
    signing = [await vault.signing_key(), await vault.replace_signing_key()]
    assert await vault.wrap_anew(limit=4) == 0
    for _ in range(2):  # one older key whose work was not finished, and another
        await vault.close()
        house.ring = f"{KeyRing.generate()},{house.ring}"
        vault = house.vault()
        await vault.open()
        assert await vault.wrap_anew(limit=4) == 4
        assert sum((await vault.wrapped_by()).values()) == 9
    counts = [await vault.wrap_anew(limit=4) for _ in range(4)]
    assert sum(counts) == 5
    assert counts[-1] == 0
    await vault.close()
    house.ring = house.ring.partition(",")[0]
    vault = house.vault()
    await vault.open()
    assert await vault.wrapped_by() == {KeyRing.parse(house.ring).ids[0]: 9}
    assert [await vault.find_key(subject) for subject in subjects] == made
    assert await vault.signing_keys() == signing
    await vault.close()
