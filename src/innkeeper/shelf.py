"""Where is everything kept? In the store and the vault that the settings name.

PostgreSQL's driver is an extra, and is imported where it is named.
"""

from pathlib import Path
from typing import NamedTuple

from innkeeper.settings import Settings
from innkeeper.store.base import Store, Vault
from innkeeper.store.sqlite import SqliteStore
from innkeeper.store.vault import SqliteVault


class Shelf(NamedTuple):
    """Where everything is kept."""

    store: Store
    vault: Vault


def make_shelf(settings: Settings, *, read_only: bool = False, guest: bool = False) -> Shelf:
    """Make the store and the vault; neither is opened yet. Open the vault first.

    Args:
        read_only: Look only, also while the app runs.
        guest: Write little and seldom while the app runs; the vault is only looked at.
    """
    vault = make_vault(settings, read_only=read_only or guest)
    place, app = settings.database, settings.client_id
    if isinstance(place, Path):
        store = SqliteStore(str(place), vault=vault, app=app, read_only=read_only, guest=guest)
        return Shelf(store, vault)
    from innkeeper.store.postgres import PostgresStore  # noqa: PLC0415  # see above

    return Shelf(PostgresStore(place, vault=vault, app=app, read_only=read_only), vault)


def make_vault(settings: Settings, *, read_only: bool = False) -> Vault:
    """Make the vault; it is not opened yet."""
    place, app = settings.vault, settings.client_id
    if isinstance(place, Path):
        return SqliteVault(str(place), settings.keys, app=app, read_only=read_only)
    from innkeeper.store.postgres import PostgresVault  # noqa: PLC0415  # see above

    return PostgresVault(place, settings.keys, app=app, read_only=read_only)
