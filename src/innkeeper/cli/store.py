"""How far is the database migrated, and how does a bot come to it? What an operator asks for.

Each app migrates at its start; an operator may before.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import click
from click.exceptions import Exit

from innkeeper.cli.codes import FOUND_A_FAULT
from innkeeper.cli.printing import print_columns, print_json
from innkeeper.environment import load_settings
from innkeeper.errors import Fault, SettingsRefused
from innkeeper.settings import Settings
from innkeeper.shelf import make_shelf
from innkeeper.store.addresses import PostgresAddress, vault_beside

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


def copy_from(database: Path, vault: Path | None, *, as_json: bool) -> None:
    """Copy what a bot kept in SQLite's files, and print how many rows of each table.

    Raises:
        SettingsRefused: If the settings name no PostgreSQL, or one that holds something.
        StoreUnavailable: If the files are in use, or PostgreSQL cannot be used.
        KeyMissing: If a key is missing that the files were written with.
    """
    settings = load_settings(Path.cwd(), makes_key=False)
    to_store, to_vault = _places(settings)
    beside = vault or vault_beside(database)
    if not beside.is_file():
        fault = Fault(str(beside), "is not there: it has the keys", "Name it with --vault.")
        raise SettingsRefused([fault])
    found = asyncio.run(_copy((database, beside), (to_store, to_vault), settings))
    if as_json:
        print_json(found)
    else:
        print_columns([(name, str(count)) for name, count in found.items()])
        click.echo("Copied. The files still hold all of it: delete them once it runs.", err=True)


async def _copy(
    files: tuple[Path, Path],
    into: tuple[PostgresAddress, PostgresAddress],
    settings: Settings,
) -> Mapping[str, int]:
    """Copy, and see that a bot would start on it."""
    from innkeeper.store.postgres.moving import move  # noqa: PLC0415  # see above

    counts = await move(files, into, ring=settings.keys, app=settings.client_id)
    store, vault = make_shelf(settings)
    async with AsyncExitStack() as opened:
        await vault.open()
        opened.push_async_callback(vault.close)
        await store.open()
        opened.push_async_callback(store.close)
    return counts


def _schemas() -> list[tuple[PostgresAddress, str]]:
    store, vault = _places(load_settings(Path.cwd(), makes_key=False))
    return [(vault, "postgres_vault"), (store, "postgres")]


def _places(settings: Settings) -> tuple[PostgresAddress, PostgresAddress]:
    store, vault = settings.database, settings.vault
    if isinstance(store, Path) or isinstance(vault, Path):
        fault = Fault("INNKEEPER_DATABASE_URL", "is SQLite", _FIX)
        raise SettingsRefused([fault])
    return store, vault
