import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from innkeeper.errors import KeyServiceUnavailable, KeysRefused, StoreInUse
from innkeeper.secret import Secret
from innkeeper.store import keysource
from innkeeper.store.keysource import KeyFile, KeyText, new_entry
from innkeeper.store.seal import KeyRing
from innkeeper.store.sqlite.connection import FileLock
from tests.store.keyservices import FakeService


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeService]:
    monkeypatch.setattr(keysource, "SERVICE_SECONDS", 0.05)
    service = FakeService()
    yield service
    service.released.set()
    for thread in threading.enumerate():
        if thread.name == "innkeeper key service":
            thread.join()


def written(tmp_path: Path, text: str, mode: int = 0o600) -> KeyFile:
    path = tmp_path / "ring"
    path.write_text(text)
    path.chmod(mode)
    return KeyFile("INNKEEPER_KEYS_FILE", path)


def id_of(entry: str) -> str:
    return entry.partition(":")[0]


# a text


def test_reads_a_ring_that_was_given_as_a_text() -> None:
    old, new = KeyRing.generate(), KeyRing.generate()
    source = KeyText("INNKEEPER_KEYS", Secret(f"{new}, {old}"))
    assert source.ring().ids == (id_of(new), id_of(old))
    assert not source.changed()
    assert source.secrets == (Secret(new.split(":")[1]), Secret(old.split(":")[1]))
    assert new.split(":")[1] not in repr(source)


def test_says_what_is_wrong_with_a_text_without_repeating_it() -> None:
    with pytest.raises(KeysRefused, match="INNKEEPER_KEYS: is no key ring: key 1") as refused:
        KeyText("INNKEEPER_KEYS", Secret("k1:c2VjcmV0")).ring()
    assert "c2VjcmV0" not in f"{refused.value} {refused.value!r}"


# a file


def test_notices_that_the_file_is_another(tmp_path: Path) -> None:
    old, new = KeyRing.generate(), KeyRing.generate()
    source = written(tmp_path, old)
    assert source.changed()
    assert source.ring().ids == (id_of(old),)
    assert not source.changed()
    source.path.write_text(f"{new},\n{old}\n")
    assert source.changed()
    assert source.ring().ids == (id_of(new), id_of(old))
    source.path.rename(tmp_path / "elsewhere")
    assert source.changed()
    (tmp_path / "elsewhere").rename(source.path)
    source.ring()
    source.path.chmod(0o644)
    assert source.changed()


@pytest.mark.parametrize(
    "mode", [0o644, 0o604, 0o660, 0o666, 0o777], ids=lambda mode: f"C06-{mode:o}"
)
def test_refuses_a_file_that_others_can_read(tmp_path: Path, mode: int) -> None:
    with pytest.raises(KeysRefused, match="chmod 600 ring"):
        written(tmp_path, KeyRing.generate(), mode).ring()


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o640])
def test_takes_a_file_as_it_is_mounted(tmp_path: Path, mode: int) -> None:
    ring = KeyRing.generate()
    mounted = written(tmp_path, ring, mode)
    (tmp_path / "link").symlink_to(mounted.path)
    assert KeyFile("INNKEEPER_KEYS_FILE", tmp_path / "link").ring().ids == (id_of(ring),)


def test_a_file_beside_the_database_is_its_owners_alone(tmp_path: Path) -> None:
    mounted = written(tmp_path, KeyRing.generate(), 0o640)
    with pytest.raises(KeysRefused):
        KeyFile("innkeeper.key", mounted.path, ours=True).ring()


@pytest.mark.parametrize(
    "content",
    ["", "zzz", "ü" * 9, "\0" * 2_000_000],
    ids=["C06-empty", "C06-garbage", "C06-other", "C06-large"],
)
def test_refuses_a_file_without_a_ring(tmp_path: Path, content: str) -> None:
    with pytest.raises(KeysRefused, match="is no key ring"):
        written(tmp_path, content).ring()


def test_refuses_a_file_that_is_not_there_or_a_directory(tmp_path: Path) -> None:
    with pytest.raises(KeysRefused, match="cannot be read: No such file"):
        KeyFile("INNKEEPER_KEYS_FILE", tmp_path / "none").ring()
    with pytest.raises(KeysRefused, match="not a plain file"):
        KeyFile("INNKEEPER_KEYS_FILE", tmp_path).ring()


def test_c06_refuses_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ring", 0o600)
    with pytest.raises(KeysRefused, match="not a plain file"):
        KeyFile("INNKEEPER_KEYS_FILE", tmp_path / "ring").ring()


def test_c06_refuses_the_file_of_another_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, me = written(tmp_path, KeyRing.generate()), os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    if me == 0:
        source.ring()  # what root gives may be read by whom it is given
        os.chown(source.path, 12345, 12345)
    with pytest.raises(KeysRefused, match="belongs to another user"):
        source.ring()


def test_makes_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    source = KeyFile("innkeeper.key", tmp_path / "innkeeper.key", ours=True)
    source.make()
    assert stat.S_IMODE(source.path.stat().st_mode) == 0o600
    assert len(source.ring().ids) == 1
    with pytest.raises(KeysRefused, match="cannot be made: File exists"):
        source.make()


# a new key in front


def test_puts_a_new_key_before_the_ones_that_are_there(tmp_path: Path) -> None:
    source = written(tmp_path, KeyRing.generate(), 0o640)
    before = source.ring()
    made = source.put_first()
    after = source.ring()
    assert after.ids == (made, *before.ids)
    assert not after.contradicts(before)
    assert stat.S_IMODE(source.path.stat().st_mode) == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == ["ring", "ring.lock"]


def test_puts_nothing_before_what_is_no_ring(tmp_path: Path) -> None:
    source = written(tmp_path, "zzz")
    with pytest.raises(KeysRefused, match="is no key ring"):
        source.put_first()
    assert source.path.read_text() == "zzz"


def test_goes_on_where_a_crash_left_a_new_file_behind(tmp_path: Path) -> None:
    source = written(tmp_path, KeyRing.generate())
    (tmp_path / "ring.new").write_text("half a ri")
    made = source.put_first()
    assert source.ring().ids[0] == made
    assert not (tmp_path / "ring.new").exists()


def test_two_do_not_put_a_key_there_at_once(tmp_path: Path) -> None:
    source = written(tmp_path, KeyRing.generate())
    lock = FileLock(str(source.path))
    with pytest.raises(StoreInUse):
        source.put_first()
    lock.release()
    source.put_first()


def test_does_not_replace_a_link_by_a_file(tmp_path: Path) -> None:
    mounted = written(tmp_path, KeyRing.generate())
    (tmp_path / "link").symlink_to(mounted.path)
    with pytest.raises(KeysRefused, match="is a link"):
        KeyFile("INNKEEPER_KEYS_FILE", tmp_path / "link").put_first()


def test_says_that_a_file_cannot_be_replaced(tmp_path: Path) -> None:
    ring = KeyRing.generate()
    source = written(tmp_path, ring)
    (tmp_path / "ring.new").mkdir()
    with pytest.raises(KeysRefused, match="cannot be written"):
        source.put_first()
    assert source.path.read_text() == ring


# a service


def test_asks_the_service_once_for_each_key_of_the_ring(service: FakeService) -> None:
    ring = f"{service.ring()},{KeyRing.generate()},{service.ring()}"
    source = KeyText("INNKEEPER_KEYS", Secret(ring), service)
    assert len(source.ring().ids) == 3
    assert service.asked == ["unwrap", "unwrap"]
    entry = new_entry(service)
    assert service.asked[2:] == ["wrap"]
    assert KeyText("INNKEEPER_KEYS", Secret(entry), service).ring().ids == (id_of(entry),)


def test_a_file_takes_new_keys_that_the_service_wraps(tmp_path: Path, service: FakeService) -> None:
    source = written(tmp_path, KeyRing.generate())
    source.service = service
    made = source.put_first()
    assert source.ring().ids[0] == made
    assert f"{made}:wrapped:" in source.path.read_text()


def raises() -> bytes:
    message = "canary of the service's"
    raise RuntimeError(message)


def ends() -> bytes:
    raise SystemExit(0)


@pytest.mark.parametrize(
    ("failing", "kind"),
    [
        (raises, "RuntimeError"),
        (ends, "SystemExit"),
        (lambda: None, "TypeError"),
        (lambda: "text", "TypeError"),
        ("hangs", "TimeoutError"),
    ],
    ids=["F24-raises", "F24-exits", "F24-none", "F24-text", "F24-hangs"],
)
def test_a_service_that_fails_is_told_by_the_kind_of_failure(
    service: FakeService, tmp_path: Path, failing: object, kind: str
) -> None:
    ring = service.ring()
    service.failing = service.hangs if failing == "hangs" else failing  # type: ignore[assignment]  # also what it may not
    with pytest.raises(KeyServiceUnavailable, match=f"did not unwrap a key: {kind}") as refused:
        KeyText("INNKEEPER_KEYS", Secret(ring), service).ring()
    assert "canary" not in f"{refused.value} {refused.value.__context__}"
    with pytest.raises(KeyServiceUnavailable, match=f"did not wrap a key: {kind}"):
        KeyFile("innkeeper.key", tmp_path / "innkeeper.key", service, ours=True).make()
    assert list(tmp_path.iterdir()) == []


def test_f24_a_service_that_hangs_does_not_gather_threads(service: FakeService) -> None:
    source = KeyText("INNKEEPER_KEYS", Secret(service.ring()), service)
    service.failing = service.hangs
    before = threading.active_count()
    for _ in range(20):
        with pytest.raises(KeyServiceUnavailable):
            source.ring()
    assert threading.active_count() - before <= 8
    with pytest.raises(KeyServiceUnavailable, match="it still hangs"):
        source.ring()


def test_an_answer_that_is_no_key_is_refused(service: FakeService) -> None:
    ring = service.ring()
    service.failing = lambda: b"too short"
    with pytest.raises(KeysRefused, match="not 32 bytes"):
        KeyText("INNKEEPER_KEYS", Secret(ring), service).ring()
