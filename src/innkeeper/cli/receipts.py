"""Does this receipt hold? Checked offline, with nothing but the operator's public key."""

from pathlib import Path

import typer

from innkeeper.errors import ReceiptRefused
from innkeeper.flows.receipts import verify_file

_FAULT_FOUND = 3


def verify(file: Path, key: str) -> int:
    """Print what a receipt says, and return the exit code: 0 it holds, 3 it does not.

    Raises:
        ReceiptRefused: If the file or the key cannot be read.
    """
    try:
        public = bytes.fromhex(key.strip())
        content = file.read_bytes()
    except ValueError:
        raise ReceiptRefused("not a public key", "it must be 64 hexadecimal digits") from None
    except OSError as error:
        raise ReceiptRefused("the receipt cannot be read", error.strerror or "") from None
    try:
        statement = verify_file(content, public=public)
    except ReceiptRefused as refusal:
        typer.echo(f"innkeeper: {refusal}", err=True)
        return _FAULT_FOUND
    typer.echo(f"valid: receipt {statement.receipt}, number {statement.sequence}")
    typer.echo(f"installation {statement.installation}, generation {statement.generation}")
    typer.echo(f"removed {statement.removed_at}, purged {statement.purged_at}")
    for step, deleted in statement.steps.items():
        typer.echo(f"  {step}: {deleted} deleted")
    return 0
