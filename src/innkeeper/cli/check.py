"""Is this bot ready to run? Its settings, its handlers, and tables that nobody would purge."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import typer

from innkeeper.bot.table import Table
from innkeeper.cli.botfile import load_bot
from innkeeper.cli.printing import print_json
from innkeeper.errors import BotRefused, SettingsRefused, StoreUnavailable
from innkeeper.settings import Settings
from innkeeper.store.owned import Database, OwnedDatabase

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
        settings = Settings.load(Path.cwd(), makes_key=False)
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
    yield from _forgotten(table)


def _forgotten(table: Table) -> Iterator[Finding]:
    """Find tables that seem to name people, and that no step purges, each in its database."""
    found: dict[str, tuple[OwnedDatabase, Mapping[str, Sequence[str]]]] = {}
    for place, owned in _merged(table.databases).items():
        try:
            found[place] = owned, owned.personal_tables()
        except StoreUnavailable as error:
            fix = "Make it by running the bot once here, or correct its path."
            yield Finding(error.what, error.why, fix)
    covered = {(_place(each.table.database), each.table.name) for each in table.tables}
    steps = {each.name for each in table.purges} - {each.step_name for each in table.tables}
    left = [
        (place, name)
        for place, (_, names) in found.items()
        for name in names
        if (place, name) not in covered
    ]
    several = {name for name, count in Counter(name for _, name in left).items() if count > 1}
    for place, name in left:
        owned, columns = found[place]
        qualified = f"{Path(place).stem}.{name}"
        if qualified not in steps and (name not in steps or name in several):
            yield _unpurged(
                f"{owned.database}: table {name}", name, columns[name], qualified=qualified
            )


def _unpurged(where: str, name: str, columns: Sequence[str], *, qualified: str) -> Finding:
    return Finding(
        where,
        f"no step purges it, and it seems to name people in {', '.join(columns)}",
        f"Write app.purge_table({name!r}, …) or @app.purge({name!r}), or {qualified!r} where two "
        f"databases have such a table; if it is about nobody: app.owns(…, impersonal=[{name!r}]).",
    )


def _merged(databases: Sequence[OwnedDatabase]) -> dict[str, OwnedDatabase]:
    """Put together what is said of the same database in several places."""
    merged: dict[str, OwnedDatabase] = {}
    for each in databases:
        place = _place(each.database)
        known = merged.get(place, each)
        merged[place] = OwnedDatabase(known.database, known.impersonal | each.impersonal)
    return merged


def _place(database: Database) -> str:
    """Say which database it is, however its path is written."""
    return str(Path(database).resolve() if isinstance(database, (str, Path)) else database)


def _finding(refusal: BotRefused) -> Finding:
    return Finding(refusal.what, refusal.why, refusal.fix)
