"""What does an app keep, and what has it deleted? Read beside the running app, never written.

The database is the one that the settings name, opened only to look. What Zoom calls a person
is shown where one installation is asked for, and nowhere else.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from innkeeper.cli.printing import print_columns, print_json
from innkeeper.environment import load_settings
from innkeeper.errors import InnkeeperError
from innkeeper.flows.receipts import Statement, hand_out, read_statement
from innkeeper.ids import InstallationId, ReceiptId
from innkeeper.shelf import make_shelf
from innkeeper.store.base import Store, Vault
from innkeeper.store.records import Installation, Purge

MOST: Final = 100_000
T = TypeVar("T")


class NothingKept(InnkeeperError):
    """What was asked for is not kept here."""

    code = "nothing_kept"
    fix = "Run this where the app runs, with its settings; the lists say what there is."


def list_installations(*, as_json: bool) -> None:
    """Print every installation, oldest first, by our own ids."""
    found = look(lambda store, _: store.installations(limit=MOST))
    if as_json:
        print_json([_installation(each) for each in found])
        return
    rows = [
        (each.id, each.status.value, f"generation {each.generation}", moment(each.authorized_at))
        for each in found
    ]
    print_rows(rows, "no installations")


def show_installation(installation_id: str, *, as_json: bool) -> None:
    """Print one installation, with whom it is of.

    Raises:
        NothingKept: If there is none with this id.
    """
    found = look(lambda store, _: store.get_installation(InstallationId(installation_id)))
    if found is None:
        raise NothingKept("no such installation", installation_id[:80])
    person = found.person
    told = _installation(found) | {
        "account_id": found.owner.account_id,
        "user_id": found.owner.user_id,
        "authorized_by": person.user_id,
        "jid": person.jid,
        "name": person.name,
        "receipt": found.receipt_id,
    }
    tell(told, as_json=as_json)


def list_purges(*, as_json: bool) -> None:
    """Print the purges under way, with the steps that are done."""
    found = look(lambda store, _: store.purges())
    if as_json:
        print_json([_purge(each) for each in found])
        return
    rows = [
        (
            each.installation_id,
            f"removed {moment(each.removed_at)}",
            f"due {moment(each.deadline_at)}",
            f"attempts {each.attempts}",
            f"{each.alarm} % of its time" if each.alarm else "in time",
            f"done {', '.join(each.done) or 'nothing yet'}",
        )
        for each in found
    ]
    print_rows(rows, "no purges under way")


def list_receipts(*, as_json: bool) -> None:
    """Print every receipt in the order of their chain."""
    found = look(lambda store, _: store.receipts(limit=MOST))
    statements = [read_statement(each) for each in found]
    if as_json:
        print_json(statements)
        return
    rows = [
        (str(each.sequence), each.receipt, f"purged {each.purged_at}", _counted(each))
        for each in statements
    ]
    print_rows(rows, "no receipts")


def show_receipt(receipt_id: str) -> None:
    """Print the file of one receipt, as the person gets it and `receipt verify` reads it.

    Raises:
        NothingKept: If there is none with this id.
    """

    async def file(store: Store, vault: Vault) -> bytes:
        receipt = await store.get_receipt(ReceiptId(receipt_id))
        if receipt is None:
            raise NothingKept("no such receipt", receipt_id[:80])
        signing = await vault.signing_keys()
        keys = {key.id: key.public for key in signing}
        return hand_out(receipt, public=keys[receipt.key_id], keys=signing)

    click.echo(look(file).decode())


def look(ask: Callable[[Store, Vault], Awaitable[T]]) -> T:
    """Ask what is kept, also while the app runs.

    Raises:
        NothingKept: If there is no database.
        StoreUnavailable: If it cannot be opened.
        KeyMissing: If the key ring lacks a key that is needed.
    """

    async def looked() -> T:
        async with opened() as (store, vault):
            return await ask(store, vault)

    return asyncio.run(looked())


@asynccontextmanager
async def opened(*, guest: bool = False) -> AsyncGenerator[tuple[Store, Vault]]:
    """Open what an app keeps, also while it runs: to look, or as a guest who writes a little.

    Raises:
        NothingKept: If there is no database.
        StoreUnavailable: If it cannot be opened.
        KeyMissing: If the key ring lacks a key that is needed.
    """
    settings = load_settings(Path.cwd(), makes_key=False)
    if isinstance(settings.database, Path) and not settings.database.is_file():
        raise NothingKept("there is no database", f"{settings.database} is not there")
    store, vault = make_shelf(settings, read_only=not guest, guest=guest)
    await vault.open()
    try:
        await store.open()
        try:
            yield store, vault
        finally:
            await store.close()
    finally:
        await vault.close()


def _installation(found: Installation) -> dict[str, Any]:
    return {
        "id": found.id,
        "status": found.status.value,
        "generation": found.generation,
        "authorized_at": moment(found.authorized_at),
        "welcomed": found.welcomed,
    }


def _purge(found: Purge) -> dict[str, Any]:
    return {
        "installation": found.installation_id,
        "generation": found.generation,
        "receipt": found.receipt_id,
        "removed_at": moment(found.removed_at),
        "deadline_at": moment(found.deadline_at),
        "attempts": found.attempts,
        "alarm_percent": found.alarm,
        "next_at": moment(found.next_at),
        "done": dict(found.done),
    }


def _counted(statement: Statement) -> str:
    return f"{sum(statement.steps.values())} deleted in {len(statement.steps)} steps"


def moment(at: datetime) -> str:
    """Write a time as every command does."""
    return at.isoformat()


def print_rows(rows: Sequence[tuple[str, ...]], nothing: str) -> None:
    """Print rows in columns, or say that there are none."""
    if rows:
        print_columns(rows)
    else:
        click.echo(f"There are {nothing}.", err=True)


def tell(told: dict[str, Any], *, as_json: bool) -> None:
    """Print what is known of one thing."""
    if as_json:
        print_json(told)
    else:
        print_columns([(name, "" if value is None else str(value)) for name, value in told.items()])
