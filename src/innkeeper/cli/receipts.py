"""Does this receipt hold? Checked offline, with nothing but the operator's public key."""

from collections.abc import Sequence
from pathlib import Path

import click

from innkeeper.cli.printing import print_json
from innkeeper.errors import ReceiptRefused
from innkeeper.flows.receipts import Statement, verify_chain, verify_file

_FAULT_FOUND = 3
_KEY_BYTES = 32
_LARGEST_BYTES = 1_048_576


def verify(file: Path, key: str, *, as_json: bool = False) -> int:
    """Print what a receipt says, and return the exit code: 0 it holds, 3 it does not.

    Raises:
        ReceiptRefused: If the file or the key cannot be read.
    """
    public, content = _key(key), _content(file)
    try:
        statement = verify_file(content, public=public)
    except ReceiptRefused as refusal:
        return _refused(refusal, as_json=as_json)
    if as_json:
        return _valid([statement])
    click.echo(f"valid: receipt {statement.receipt}, number {statement.sequence}")
    click.echo(f"installation {statement.installation}, generation {statement.generation}")
    click.echo(f"removed {statement.removed_at}, purged {statement.purged_at}")
    for step, deleted in statement.steps.items():
        click.echo(f"  {step}: {deleted} deleted")
    for step in statement.kept:
        click.echo(f"  {step}: kept")
    return 0


def verify_all(files: Sequence[Path], key: str, *, as_json: bool = False) -> int:
    """Check receipts and that each follows the one before; return the exit code, as `verify`.

    Raises:
        ReceiptRefused: If a file or the key cannot be read.
    """
    public, contents = _key(key), [_content(file) for file in files]
    try:
        statements = verify_chain(contents, public=public)
    except ReceiptRefused as refusal:
        return _refused(refusal, as_json=as_json)
    if as_json:
        return _valid(statements)
    first, last = statements[0].sequence, statements[-1].sequence
    click.echo(f"valid: {len(statements)} receipts, numbers {first} to {last}, none is missing")
    return 0


def _valid(statements: Sequence[Statement]) -> int:
    print_json({"valid": True, "receipts": statements})
    return 0


def _refused(refusal: ReceiptRefused, *, as_json: bool) -> int:
    if as_json:
        print_json({"valid": False, "what": refusal.what, "why": refusal.why})
    click.echo(f"innkeeper: {refusal}", err=True)
    return _FAULT_FOUND


def _key(key: str) -> bytes:
    try:
        public = bytes.fromhex(key.strip())
    except ValueError:
        public = b""
    if len(public) != _KEY_BYTES:
        raise ReceiptRefused("not a public key", "it must be 64 hexadecimal digits")
    return public


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise ReceiptRefused("the receipt cannot be read", error.strerror or "") from None
    if len(content) > _LARGEST_BYTES:
        raise ReceiptRefused("the receipt cannot be read", "no receipt is that large")
    return content
