"""Is this bot ready to run? Its settings, its handlers, and tables that nobody would purge."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import click

from innkeeper.bot.table import Table
from innkeeper.cli.botfile import load_bot
from innkeeper.cli.codes import DONE, FOUND_A_FAULT
from innkeeper.cli.printing import print_json
from innkeeper.environment import load_settings
from innkeeper.errors import BotRefused, SettingsRefused, StoreUnavailable
from innkeeper.settings import Settings, is_loopback
from innkeeper.store.keysource import KeyFile
from innkeeper.store.owned import Database, OwnedDatabase
from innkeeper.webhooktoken import PATH as TOKEN_PATH

_EMPTIED: Final = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108  # told of, not used


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and what to do about it."""

    where: str
    why: str
    fix: str


def check(path: Path, *, as_json: bool, deploy: bool = False) -> int:
    """Print all that is wrong with a bot; the exit code is 0 if that is nothing, else 3.

    Args:
        deploy: Tell also what does for a machine of one's own, and not for serving people.
    """
    settings, found = _settings()
    found += _findings(path, settings, deploy=deploy)
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        for each in found:
            click.echo(f"{each.where}: {each.why}. {each.fix}")
    if settings is not None and settings.demands:
        click.echo(_demanded(settings), err=True)
    if not found:
        click.echo(f"{path}: nothing is wrong.", err=True)
    return FOUND_A_FAULT if found else DONE


def _settings() -> tuple[Settings | None, list[Finding]]:
    """Read the settings, or find what is wrong with them."""
    try:
        return load_settings(Path.cwd(), makes_key=False), []
    except SettingsRefused as refusal:
        return None, [Finding(each.name, each.why, each.fix) for each in refusal.faults]


def _demanded(settings: Settings) -> str:
    """Say what webhooks must show beside the signature; of a header, the name alone."""
    demands = settings.demands
    kinds = [
        "Basic (INNKEEPER_WEBHOOK_BASIC)" if demands.basic else "",
        f"a token from {settings.public_url}{TOKEN_PATH} (INNKEEPER_WEBHOOK_BEARER)"
        if demands.bearer
        else "",
        *(f"the header {each.name} (INNKEEPER_WEBHOOK_HEADER)" for each in demands.header),
    ]
    whose = "every webhook" if demands.everywhere else "what event subscriptions bring"
    return f"Beside the signature, {whose} must show {', or '.join(filter(None, kinds))}."


def _findings(path: Path, settings: Settings | None, *, deploy: bool) -> Iterator[Finding]:
    if settings is not None and deploy:
        yield from _undeployable(settings)
    try:
        table = Table(load_bot(path))
    except BotRefused as refusal:
        yield _finding(refusal)
        return
    if settings is not None:
        yield from map(_finding, table.faults(settings.management))
    yield from _forgotten(table)


def _undeployable(settings: Settings) -> Iterator[Finding]:
    """Find settings that only suit a machine of one's own."""
    if is_loopback(settings.public_url):
        fix = "Set it to the https address at which people and Zoom reach the app."
        yield Finding("INNKEEPER_PUBLIC_URL", "is on this machine, where nobody reaches it", fix)
    for name, url in (("ZOOM_OAUTH_URL", settings.oauth_url), ("ZOOM_API_URL", settings.api_url)):
        if is_loopback(url):
            yield Finding(name, "is an emulator's", "Leave it out to use Zoom.")
    if isinstance(settings.key_source, KeyFile) and settings.key_source.ours:
        why = "lies beside the database: whoever copies the directory can read everything"
        fix = "Give the ring in INNKEEPER_KEYS or INNKEEPER_KEYS_FILE, from another place."
        yield Finding(settings.key_source.name, why, fix)
    if isinstance(settings.database, Path) and _is_volatile(settings.database):
        fix = "Name a file on a disk that stays: INNKEEPER_DATABASE_URL."
        yield Finding(str(settings.database), "is in a directory that is emptied", fix)


def _is_volatile(path: Path) -> bool:
    return any(path.resolve().is_relative_to(each) for each in _EMPTIED)


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
