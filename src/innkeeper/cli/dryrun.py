"""What would a purge delete? Counted beside the running app; nothing is changed."""

from pathlib import Path
from typing import Any

import click

from innkeeper.bot.table import Table
from innkeeper.cli.botfile import load_bot
from innkeeper.cli.kept import NothingKept, look, print_rows
from innkeeper.cli.printing import print_json
from innkeeper.flows.steps import DATA_KEY, own_name
from innkeeper.ids import InstallationId
from innkeeper.store.base import Store


def dry_run(installation_id: str | None, *, bot: Path | None, as_json: bool) -> None:
    """Print what a purge would delete now, step by step, and change nothing.

    Args:
        installation_id: Whose; of each purge under way when omitted.
        bot: The bot's file, whose own steps are named; nobody can count what they find.

    Raises:
        NothingKept: If there is no such installation, and no purge of it.
        BotRefused: If the bot's file cannot be loaded.
    """
    own = [own_name(step) for step in Table(load_bot(bot)).purges] if bot else []

    async def count(store: Store, _: object) -> list[dict[str, Any]]:
        under_way = {each.installation_id: each.done for each in await store.purges()}
        wanted = [InstallationId(installation_id)] if installation_id else list(under_way)
        counted: list[dict[str, Any]] = []
        for each in wanted:
            there = await store.get_installation(each) is not None
            if not there and each not in under_way:
                raise NothingKept("no such installation", each[:80])
            steps: dict[str, int | None] = {**await store.count_erasable(each)}
            steps |= dict.fromkeys(own)
            steps |= {"installation": int(there), DATA_KEY: int(there)}
            done = under_way.get(each, {})
            left = {step: count for step, count in steps.items() if step not in done}
            counted.append({"installation": each, "under_way": each in under_way, "steps": left})
        return counted

    found = look(count)
    if as_json:
        print_json(found)
        return
    rows = [
        (each["installation"], step, "not counted" if count is None else f"{count} to delete")
        for each in found
        for step, count in each["steps"].items()
    ]
    print_rows(rows, "no purges under way")
    if bot is None:
        click.echo("Your bot's own steps run too; name it with --bot to see which.", err=True)
