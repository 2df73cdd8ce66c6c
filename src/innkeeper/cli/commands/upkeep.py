"""What can be typed about keys and the database? What an operator does once in a while."""

from pathlib import Path

import click

from innkeeper.cli.commands import options
from innkeeper.cli.commands.listing import Noun


@click.group(cls=Noun)
def keys() -> None:
    """The keys that seal what is stored."""


@keys.command("new")
def keys_new() -> None:
    """Print a fresh key for INNKEEPER_KEYS; put it before the ones you have."""
    from innkeeper.cli.keys import print_new  # noqa: PLC0415  # --help loads no store

    print_new()


@keys.command("rotate")
@options.as_json
def keys_rotate(*, as_json: bool) -> None:
    """Put a new key first, and have it wrap everything; go on where that was stopped."""
    from innkeeper.cli.keys import rotate  # noqa: PLC0415

    rotate(as_json=as_json)


@keys.command("status")
@options.as_json
def keys_status(*, as_json: bool) -> None:
    """Tell which keys of the ring are still needed."""
    from innkeeper.cli.keys import show_status  # noqa: PLC0415

    show_status(as_json=as_json)


@click.group(cls=Noun)
def store() -> None:
    """The database on PostgreSQL."""


@store.command("status")
@options.as_json
def store_status(*, as_json: bool) -> None:
    """Tell how far the schemas are migrated."""
    from innkeeper.cli.store import show_standing  # noqa: PLC0415

    show_standing(as_json=as_json)


@store.command("migrate")
def store_migrate() -> None:
    """Bring the schemas up to date, beside running apps."""
    from innkeeper.cli.store import bring_up_to_date  # noqa: PLC0415

    bring_up_to_date()


@store.command("copy")
@click.argument("database", type=options.FILE, help="The SQLite file, such as innkeeper.db.")
@click.option(
    "--vault",
    type=options.FILE,
    help="The file with the keys; if omitted, the one beside it, such as innkeeper.vault.db.",
)
@options.as_json
def store_copy(database: Path, vault: Path | None, *, as_json: bool) -> None:
    """Copy all that a bot kept in SQLite into the PostgreSQL of the settings."""
    from innkeeper.cli.store import copy_from  # noqa: PLC0415

    copy_from(database, vault, as_json=as_json)
