import base64
import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.errors import KeyMissing, SealBroken
from innkeeper.store.seal import BlindIndex, KeyRing, Seal, joined, new_key

KEY_ID, KEY = new_key()
TEXT = st.text(max_size=20)


def seal(app: str = "app") -> Seal:
    return Seal(KEY_ID, KEY, app=app)


def encoded(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@given(plain=st.binary(max_size=2000), row=TEXT, version=st.integers(0, 2**40))
def test_opens_what_it_sealed(plain: bytes, row: str, version: int) -> None:
    blob = seal().seal(plain, table="t", column="c", row=row, version=version)
    assert seal().unseal(blob, table="t", column="c", row=row, version=version) == plain
    assert blob[:1] == b"\x01"
    assert blob[1:9].hex() == KEY_ID
    assert len(blob) == 1 + 8 + 12 + len(plain) + 16


def test_never_seals_alike() -> None:
    blobs = {seal().seal(b"same", table="t", column="c", row="r") for _ in range(100)}
    assert len(blobs) == 100


PLACE: dict[str, str | int] = {"app": "app", "table": "t", "column": "c", "row": "r", "version": 1}


@pytest.mark.parametrize(
    "moved",
    [
        {"app": "other"},
        {"table": "u"},
        {"column": "d"},
        {"row": "s"},
        {"version": 2},
        {"row": "r|1", "version": 0},
        {"app": "app|t", "table": "c"},
    ],
)
def test_refuses_a_value_that_was_moved(moved: dict[str, str | int]) -> None:
    def at(place: dict[str, str | int]) -> tuple[Seal, dict[str, str | int]]:
        return seal(str(place["app"])), {key: place[key] for key in place if key != "app"}

    sealer, place = at(PLACE)
    blob = sealer.seal(b"plain", **place)  # type: ignore[arg-type]
    opener, elsewhere = at(PLACE | moved)
    with pytest.raises(SealBroken):
        opener.unseal(blob, **elsewhere)  # type: ignore[arg-type]


@given(data=st.data())
def test_refuses_a_value_with_any_bit_flipped(data: st.DataObject) -> None:
    blob = bytearray(seal().seal(b"plain", table="t", column="c", row="r"))
    place = data.draw(st.integers(0, len(blob) * 8 - 1))
    blob[place // 8] ^= 1 << place % 8
    with pytest.raises(SealBroken):
        seal().unseal(bytes(blob), table="t", column="c", row="r")


@given(blob=st.binary(max_size=64))
def test_refuses_whatever_was_never_sealed(blob: bytes) -> None:
    for candidate in (blob, b"\x01" + bytes.fromhex(KEY_ID) + blob):
        with pytest.raises(SealBroken):
            seal().unseal(candidate, table="t", column="c", row="r")


def test_refuses_a_value_of_another_key() -> None:
    blob = seal().seal(b"plain", table="t", column="c", row="r")
    same_id = Seal(KEY_ID, new_key()[1], app="app")
    for other in (Seal(*new_key(), app="app"), same_id):
        with pytest.raises(SealBroken):
            other.unseal(blob, table="t", column="c", row="r")


def test_shows_no_key() -> None:
    shown = repr((seal(), BlindIndex(KEY, app="app"), KeyRing({"k1": KEY})))
    assert shown == f"(Seal({KEY_ID}), BlindIndex(…), KeyRing(k1))"


@given(left=st.lists(TEXT), right=st.lists(TEXT))
def test_joins_different_parts_differently(left: list[str], right: list[str]) -> None:
    alike = left == right or ({*map(tuple, (left, right))} == {(), ("",)})
    assert (joined(*left) == joined(*right)) is alike


def test_a_blind_index_depends_on_key_app_kind_and_value() -> None:
    indexes = {
        BlindIndex(KEY, app="a").of("owner", "x", "y"),
        BlindIndex(KEY, app="b").of("owner", "x", "y"),
        BlindIndex(new_key()[1], app="a").of("owner", "x", "y"),
        BlindIndex(KEY, app="a").of("state", "x", "y"),
        BlindIndex(KEY, app="a").of("owner", "x", "z"),
        BlindIndex(KEY, app="a").of("owner", "x|y"),
        BlindIndex(KEY, app="a").of("owner", "x"),
        BlindIndex(KEY, app="a").of("owner", "x", ""),
    }
    assert len(indexes) == 8
    assert {len(index) for index in indexes} == {32}


# the key ring


def test_parses_what_it_generates() -> None:
    first, second = KeyRing.generate(), KeyRing.generate()
    ring = KeyRing.parse(f" {first} , {second},\n")
    assert ring.ids == (first.split(":")[0], second.split(":")[0])
    assert len(set(ring.ids)) == 2
    assert KeyRing.parse(first + "=").ids == ring.ids[:1]


def test_wraps_with_the_newest_key_and_unwraps_with_any() -> None:
    old, new = KeyRing.generate(), KeyRing.generate()
    ring_id, blob = KeyRing.parse(old).wrap(KEY, app="a", subject="s")
    both = KeyRing.parse(f"{new},{old}")
    assert both.unwrap(ring_id, blob, app="a", subject="s") == KEY
    assert both.wrap(KEY, app="a", subject="s")[0] == both.ids[0] == new.split(":")[0]
    with pytest.raises(KeyMissing, match=ring_id):
        KeyRing.parse(new).unwrap(ring_id, blob, app="a", subject="s")


def test_whoever_holds_a_ring_holds_what_it_has_become() -> None:
    old, new = KeyRing.generate(), KeyRing.generate()
    ring = KeyRing.parse(old)
    ring_id, blob = ring.wrap(KEY, app="a", subject="s")
    ring.become(KeyRing.parse(f"{new},{old}"))
    assert ring.unwrap(ring_id, blob, app="a", subject="s") == KEY
    assert ring.wrap(KEY, app="a", subject="s")[0] == new.split(":")[0]
    ring.become(KeyRing.parse(new))
    with pytest.raises(KeyMissing):
        ring.unwrap(ring_id, blob, app="a", subject="s")


def test_knows_another_key_of_the_same_id() -> None:
    old, new = KeyRing.generate(), KeyRing.generate()
    impostor = f"{old.split(':')[0]}:{new.split(':')[1]}"
    for fine in (old, new, f"{new},{old}"):
        assert not KeyRing.parse(old).contradicts(KeyRing.parse(fine))
    assert KeyRing.parse(old).contradicts(KeyRing.parse(f"{new},{impostor}"))


def test_is_not_pickled_or_copied() -> None:
    ring = KeyRing.parse(KeyRing.generate())
    for write in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            write(ring)


def flipped(value: bytes) -> bytes:
    return bytes(byte ^ 0xFF for byte in value)


def test_parses_a_ring_whose_keys_a_service_has_wrapped() -> None:
    wrapped, plain = KeyRing.generate_wrapped(flipped), KeyRing.generate()
    ring = KeyRing.parse(f"{wrapped},{plain}", flipped)
    assert ring.ids == (wrapped.split(":")[0], plain.split(":")[0])
    ring_id, blob = ring.wrap(KEY, app="a", subject="s")
    unwrapped = encoded(flipped(decoded(wrapped.split(":")[2])))
    alone = KeyRing.parse(f"{ring_id}:{unwrapped}")
    assert alone.unwrap(ring_id, blob, app="a", subject="s") == KEY
    for text in ("k1:wrapped:", "k1:wrapped:+", "k1:wrapped:AAAAA"):
        with pytest.raises(ValueError, match="key 1 is wrapped, and not written"):
            KeyRing.parse(text, flipped)
    with pytest.raises(ValueError, match="no INNKEEPER_KEY_SERVICE is set"):
        KeyRing.parse(wrapped)
    for odd, why in ((KEY + KEY, "not 32 bytes"), (bytes(32), "not drawn at random")):
        with pytest.raises(ValueError, match=why):
            KeyRing.parse(wrapped, lambda _, odd=odd: odd)


def test_refuses_a_wrapped_key_of_another_subject_or_app() -> None:
    ring = KeyRing.parse(KeyRing.generate())
    ring_id, blob = ring.wrap(KEY, app="a", subject="s")
    for app, subject in (("b", "s"), ("a", "t")):
        with pytest.raises(SealBroken):
            ring.unwrap(ring_id, blob, app=app, subject=subject)


GOOD = encoded(KEY)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must be written"),
        ("   ", "must be written"),
        (GOOD, "must be written"),
        (f":{GOOD}", "must be written"),
        (f"{'i' * 33}:{GOOD}", "must be written"),
        (f"k 1:{GOOD}", "must be written"),
        (f"k1:{GOOD},,k2:{GOOD}", "key 2 must be written"),
        (f"k1:{GOOD},k1:{GOOD}", "key 2 has the id of an earlier one"),
        ("k1:", "not base64url"),
        (f"k1:{GOOD[:-1]}", "not base64url"),
        (f"k1:{GOOD}AAA", "not base64url"),
        (f"k1:{'+' * 43}", "not base64url"),
        (f"k1:{encoded(KEY[:31])}", "not base64url"),
        (f"k1:{encoded(KEY + KEY)}", "not base64url"),
        (f"k1:{encoded(bytes(32))}", "not drawn at random"),
        (f"k1:{encoded(b'0123456789abcdef' * 2)}", "not drawn at random"),
        (f"k1:{encoded(bytes(range(8)) * 4)}", "not drawn at random"),
    ],
    ids=[
        "C04-empty",
        "C04-blank",
        "C04-no-id",
        "C04-empty-id",
        "C04-long-id",
        "C04-odd-id",
        "C04-empty-entry",
        "C04-same-id",
        "C04-no-key",
        "C04-42",
        "C04-46",
        "C04-plus",
        "C04-31",
        "C04-64",
        "C04-zeros",
        "C04-ascii",
        "C04-low-entropy",
    ],
)
def test_refuses_a_key_ring_without_repeating_any_of_it(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        KeyRing.parse(text)
    assert GOOD[:8] not in str(refused.value)
    assert text.strip() == "" or text not in str(refused.value)


def test_refuses_an_empty_ring() -> None:
    with pytest.raises(ValueError, match="empty"):
        KeyRing({})
