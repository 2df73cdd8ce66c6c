"""A key that is usable each time; a receipt that holds, or does not."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from innkeeper.cli.receipts import verify, verify_all
from innkeeper.errors import ReceiptRefused
from innkeeper.flows.receipts import hand_out, write_receipt
from innkeeper.ids import AccountId, InstallationId, ReceiptId
from innkeeper.secret import Secret
from innkeeper.store.records import Owner, Purge, SigningKey
from innkeeper.store.seal import KeyRing
from tests.cli.commands import innkeeper

WHEN = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))).public_key().public_bytes_raw()


def a_receipt() -> dict[str, str]:
    purge = Purge(
        installation_id=InstallationId("ins_0a1b"),
        generation=2,
        receipt_id=ReceiptId("rcp_2c3d"),
        owner=Owner(AccountId(""), None),
        authorized_at=WHEN,
        removed_at=WHEN,
        started_at=WHEN,
        deadline_at=WHEN,
        done={"grants": 1, "bot:notes": 3},
        attempts=1,
        next_at=WHEN,
    )
    key = SigningKey("sig_1", PUBLIC, Secret(KEY.private_bytes_raw().hex()))
    receipt = write_receipt(purge, key=key, previous=None, purged_at=WHEN)
    written: dict[str, str] = json.loads(hand_out(receipt, public=PUBLIC))
    return written


@pytest.fixture
def receipt(tmp_path: Path) -> Path:
    return written(tmp_path, a_receipt())


def written(tmp_path: Path, content: object) -> Path:
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(content))
    return file


def test_every_new_key_is_usable_and_another(tmp_path: Path) -> None:
    first, second = (innkeeper("keys", "new", cwd=tmp_path) for _ in range(2))
    [one], [two] = (ended.said.splitlines() for ended in (first, second))
    assert (first.code, second.code) == (0, 0)
    assert one != two
    ring = KeyRing.parse(f"{two},{one}")
    assert ring.ids == (two.partition(":")[0], one.partition(":")[0])


def test_a_receipt_that_holds_says_what_was_deleted(receipt: Path) -> None:
    ended = innkeeper("receipt", "verify", receipt.name, "--key", PUBLIC.hex(), cwd=receipt.parent)
    assert ended.code == 0
    assert ended.err == ""
    assert ended.out.startswith("valid: receipt rcp_2c3d, number 1\n")
    assert "bot:notes: 3 deleted" in ended.out


@pytest.mark.parametrize("count", [1, 2])
def test_says_as_json_what_holds(
    count: int, receipt: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if count == 1:
        assert verify(receipt, PUBLIC.hex(), as_json=True) == 0
    else:
        assert verify_all([receipt], PUBLIC.hex(), as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["valid"] is True
    assert [each["steps"]["bot:notes"] for each in told["receipts"]] == [3]


@pytest.mark.parametrize("count", [1, 2])
def test_says_as_json_what_does_not_hold(receipt: Path, count: int) -> None:
    files = [receipt.name] * count
    ended = innkeeper(
        "receipt", "verify", *files, "--json", "--key", OTHER.hex(), cwd=receipt.parent
    )
    told = json.loads(ended.out)
    assert ended.code == 3
    assert told["valid"] is False
    assert told["why"]
    assert told["why"] in ended.err


def test_another_key_did_not_sign_it(receipt: Path) -> None:
    ended = innkeeper("receipt", "verify", receipt.name, "--key", OTHER.hex(), cwd=receipt.parent)
    assert ended.code == 3
    assert "the signature does not match the key" in ended.line


def test_one_altered_byte_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = a_receipt()
    document = base64.b64decode(content["document"])
    for place in range(0, len(document), 7):
        altered = bytearray(document)
        altered[place] ^= 1
        file = written(tmp_path, {**content, "document": base64.b64encode(altered).decode()})
        assert verify(file, PUBLIC.hex()) == 3
    assert "valid" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        {**a_receipt(), "signature": "?"},
        {**a_receipt(), "signature": ""},
        {**a_receipt(), "document": None},
        {**a_receipt(), "document": ""},
    ],
    ids=["a list", "empty", "no base64", "no signature", "no document", "empty document"],
)
def test_what_is_no_receipt_does_not_hold(content: object, tmp_path: Path) -> None:
    assert verify(written(tmp_path, content), PUBLIC.hex()) == 3


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 200_000], ids=["none", "bin", "deep"])
def test_a_file_that_is_no_json_does_not_hold(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    file.write_bytes(content)
    assert verify(file, PUBLIC.hex()) == 3


@pytest.mark.parametrize("key", ["", "zz", PUBLIC.hex()[:-2], PUBLIC.hex() + "00", "ü" * 64])
def test_what_is_no_key_is_told(key: str, receipt: Path) -> None:
    with pytest.raises(ReceiptRefused, match="64 hexadecimal digits"):
        verify(receipt, key)


def test_a_file_that_cannot_be_read_is_told_in_a_line(tmp_path: Path) -> None:
    ended = innkeeper("receipt", "verify", "none.json", "--key", PUBLIC.hex(), cwd=tmp_path)
    assert ended.code == 1
    assert "the receipt cannot be read: No such file" in ended.line


def test_a_directory_or_a_flood_is_no_receipt(tmp_path: Path) -> None:
    flood = tmp_path / "receipt.json"
    flood.write_bytes(b" " * 1_048_577)
    for file in (tmp_path, flood):
        with pytest.raises(ReceiptRefused, match="cannot be read"):
            verify(file, PUBLIC.hex())
