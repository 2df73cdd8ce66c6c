"""How far is the database migrated? Each app migrates at its start; an operator may before."""

import asyncio
from pathlib import Path
from typing import Final

import click
from click.exceptions import Exit

from innkeeper.cli.codes import FOUND_A_FAULT
from innkeeper.cli.printing import print_columns, print_json
from innkeeper.environment import load_settings
from innkeeper.errors import Fault, SettingsRefused
from innkeeper.store.addresses import PostgresAddress

_FIX: Final = "Name a PostgreSQL; SQLite is migrated when the app starts."


def show_standing(*, as_json: bool) -> None:
    """Print how far each schema is migrated.

    Raises:
        SettingsRefused: If the database is SQLite.
        StoreUnavailable: If it cannot be reached.
        Exit: With 3, if a schema is not up to date.
    """
    from innkeeper.store.postgres.standing import look  # noqa: PLC0415  # its driver is an extra

    found = [(each, asyncio.run(look(each, folder))) for each, folder in _schemas()]
    if as_json:
        print_json(
            [
                {"schema": each.schema, "made": it.made, "newest": it.newest, "fits": it.fits}
                for each, it in found
            ]
        )
    else:
        print_columns([(each.schema, f"{it.made} of {it.newest}") for each, it in found])
    if any(it.made < it.newest for _, it in found):
        raise Exit(FOUND_A_FAULT)


def bring_up_to_date() -> None:
    """Bring each schema up to date, beside running apps.

    Raises:
        SettingsRefused: If the database is SQLite.
        StoreUnavailable: If it cannot be reached, or is too new for this version.
    """
    from innkeeper.store.postgres.standing import make_missing  # noqa: PLC0415  # see above

    for each, folder in _schemas():
        count = asyncio.run(make_missing(each, folder))
        click.echo(f"{each.schema}: {count} steps made", err=True)


def _schemas() -> list[tuple[PostgresAddress, str]]:
    settings = load_settings(Path.cwd(), makes_key=False)
    store, vault = settings.database, settings.vault
    if isinstance(store, Path) or isinstance(vault, Path):
        fault = Fault("INNKEEPER_DATABASE_URL", "is SQLite", _FIX)
        raise SettingsRefused([fault])
    return [(vault, "postgres_vault"), (store, "postgres")]
