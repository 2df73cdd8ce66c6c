"""What can be typed about what an app keeps, and what it has deleted?"""

from collections.abc import Sequence
from pathlib import Path

import click

from innkeeper.cli.commands import options
from innkeeper.cli.commands.listing import Noun


@click.group(cls=Noun)
def installation() -> None:
    """Who has authorized the app."""


@installation.command("list")
@options.as_json
def installation_list(*, as_json: bool) -> None:
    """List every installation by its own id, oldest first."""
    from innkeeper.cli.kept import list_installations  # noqa: PLC0415  # --help loads no store

    list_installations(as_json=as_json)


@installation.command("show")
@options.its_id("installation_id")
@options.as_json
def installation_show(installation_id: str, *, as_json: bool) -> None:
    """Show one installation, and whose it is."""
    from innkeeper.cli.kept import show_installation  # noqa: PLC0415

    show_installation(installation_id, as_json=as_json)


@installation.command("revoke")
@options.its_id("installation_id")
@options.yes
@options.as_json
def installation_revoke(installation_id: str, *, yes: bool, as_json: bool) -> None:
    """End somebody's tokens at Zoom and purge all, as if they had removed the app."""
    from innkeeper.cli.orders import revoke  # noqa: PLC0415

    revoke(installation_id, yes=yes, as_json=as_json)


@click.group(cls=Noun)
def purge() -> None:
    """Deletions under way."""


@purge.command("list")
@options.as_json
def purge_list(*, as_json: bool) -> None:
    """List the deletions under way, and the steps that are done."""
    from innkeeper.cli.kept import list_purges  # noqa: PLC0415

    list_purges(as_json=as_json)


@purge.command("run")
@options.as_json
def purge_run(*, as_json: bool) -> None:
    """Have every deletion that waits for its next attempt tried again now."""
    from innkeeper.cli.orders import run_purges  # noqa: PLC0415

    run_purges(as_json=as_json)


@purge.command("dry-run")
@click.argument(
    "installation_id",
    metavar="[ID]",
    required=False,
    help="An installation's id; every one being purged if omitted.",
)
@click.option("--bot", type=options.PLACE, help="Your bot's file, to name its own steps.")
@options.as_json
def purge_dry_run(installation_id: str | None, *, bot: Path | None, as_json: bool) -> None:
    """Count what a purge would delete, step by step; change nothing."""
    from innkeeper.cli.dryrun import dry_run  # noqa: PLC0415

    dry_run(installation_id, bot=bot, as_json=as_json)


@click.group(cls=Noun)
def receipt() -> None:
    """Signed proofs of deletion."""


@receipt.command("list")
@options.as_json
def receipt_list(*, as_json: bool) -> None:
    """List every receipt in the order of their chain."""
    from innkeeper.cli.kept import list_receipts  # noqa: PLC0415

    list_receipts(as_json=as_json)


@receipt.command("show")
@click.argument("receipt_id", metavar="ID", help="Its id, as in the list.")
def receipt_show(receipt_id: str) -> None:
    """Print the file of one receipt, which `receipt verify` reads."""
    from innkeeper.cli.kept import show_receipt  # noqa: PLC0415

    show_receipt(receipt_id)


@receipt.command("verify")
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=options.PLACE,
    help="The JSON file of a receipt, or of each.",
)
@click.option("--key", required=True, help="The operator's public key, in hex.")
@options.as_json
def receipt_verify(files: Sequence[Path], *, key: str, as_json: bool) -> int:
    """Check a receipt offline, or that several follow one another: which link is broken?"""
    from innkeeper.cli.receipts import verify, verify_all  # noqa: PLC0415

    if len(files) == 1:
        return verify(files[0], key, as_json=as_json)
    return verify_all(files, key, as_json=as_json)
