"""Is this bot ready to run? Its settings, its handlers, and tables that nobody would purge."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import typer

from innkeeper.bot.table import Table
from innkeeper.cli.botfile import load_bot
from innkeeper.cli.printing import print_json
from innkeeper.errors import BotRefused, SettingsRefused, StoreUnavailable
from innkeeper.settings import Settings
from innkeeper.store.owned import OwnedDatabase

_DONE: Final = 0
_FOUND_A_FAULT: Final = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and what to do about it."""

    where: str
    why: str
    fix: str


def check(path: Path, *, as_json: bool) -> int:
    """Print all that is wrong with a bot; the exit code is 0 if that is nothing, else 3."""
    found = list(_findings(path))
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        for each in found:
            typer.echo(f"{each.where}: {each.why}. {each.fix}")
    if not found:
        typer.echo(f"{path}: nothing is wrong.", err=True)
    return _FOUND_A_FAULT if found else _DONE


def _findings(path: Path) -> Iterator[Finding]:
    settings: Settings | None = None
    try:
        settings = Settings.load(Path.cwd())
    except SettingsRefused as refusal:
        for fault in refusal.faults:
            yield Finding(fault.name, fault.why, fault.fix)
    try:
        table = Table(load_bot(path))
    except BotRefused as refusal:
        yield _finding(refusal)
        return
    if settings is not None:
        yield from map(_finding, table.faults(settings.management))
    purged = {step.name for step in table.purges}
    for owned in _merged(table.databases):
        yield from _of_database(owned, purged)


def _merged(databases: Sequence[OwnedDatabase]) -> list[OwnedDatabase]:
    """Put together what is said of the same database in several places."""
    merged: dict[str, OwnedDatabase] = {}
    for each in databases:
        known = merged.get(str(each.database), each)
        merged[str(each.database)] = OwnedDatabase(
            each.database, known.impersonal | each.impersonal
        )
    return list(merged.values())


def _of_database(owned: OwnedDatabase, purged: set[str]) -> Iterator[Finding]:
    try:
        tables = owned.personal_tables()
    except StoreUnavailable as error:
        fix = "Make it by running the bot once here, or correct its path."
        yield Finding(error.what, error.why, fix)
        return
    for name, columns in tables.items():
        if name not in purged:
            yield Finding(
                f"{owned.database}: table {name}",
                f"no step purges it, and it seems to name people in {', '.join(columns)}",
                f"Write app.purge_table({name!r}, …) or @app.purge({name!r}); if it is about "
                f"nobody: app.owns(…, impersonal=[{name!r}]).",
            )


def _finding(refusal: BotRefused) -> Finding:
    return Finding(refusal.what, refusal.why, refusal.fix)
