"""Why is a delivery refused? What was saved of it is looked at with the configured secrets."""

from datetime import datetime
from pathlib import Path

import click

from innkeeper.cli.codes import DONE, FOUND_A_FAULT
from innkeeper.cli.printing import print_json
from innkeeper.clock import SystemClock
from innkeeper.environment import load_signing_secrets
from innkeeper.wire.diagnosis import diagnose
from innkeeper.wire.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER


def verify(body: Path, headers: Path, *, at: datetime | None, as_json: bool) -> int:
    """Print whether Zoom signed a body, or why not; the exit code is 0 if so, else 3.

    Raises:
        OSError: If a file cannot be read.
        SettingsRefused: If there is no usable secret token.
    """
    secrets, others = load_signing_secrets()
    found = diagnose(
        body.read_bytes(),
        timestamps=_values(headers, TIMESTAMP_HEADER),
        signatures=_values(headers, SIGNATURE_HEADER),
        secrets=secrets,
        others=others,
        now=SystemClock().now() if at is None else at.astimezone(),
    )
    if as_json:
        print_json({"genuine": not found.reason, **found._asdict()})
    else:
        refused = f"refused ({found.reason}): " if found.reason else ""
        click.echo(f"{refused}{found.why}. {found.fix}".rstrip())
    return FOUND_A_FAULT if found.reason else DONE


def _values(file: Path, name: str) -> list[bytes]:
    """Read all values of a header from lines such as `x-zm-signature: v0=…`, any others aside."""
    pairs = (line.partition(b":") for line in file.read_bytes().splitlines())
    return [value.strip() for key, _, value in pairs if key.strip().lower() == name.encode()]
