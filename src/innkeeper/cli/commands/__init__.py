"""What can be typed, and how? Only that: what a command does is loaded when it is typed."""

from typing import Final

import click

from innkeeper.cli.commands.bot import demo, dev, new, routes, run, worker
from innkeeper.cli.commands.case import case
from innkeeper.cli.commands.delivery import delivery
from innkeeper.cli.commands.emulator import chat, emulator, replay, trigger
from innkeeper.cli.commands.judging import check, manifest, verify
from innkeeper.cli.commands.kept import installation, purge, receipt
from innkeeper.cli.commands.listing import Line
from innkeeper.cli.commands.upkeep import keys, store

VERSION: Final = "0.1.0"
"""Written out, for asking the installed package takes half as long as all the rest."""

_SECTIONS: Final = {
    "Write a bot": (demo, new, dev, routes, check),
    "Try it with the emulator": (emulator, chat, trigger, replay),
    "Run it for Zoom": (run, worker, manifest, verify, keys, store),
    "See what it keeps": (installation, delivery, case, purge, receipt),
}


@click.group(
    "innkeeper",
    cls=Line,
    sections=_SECTIONS,
    context_settings={"show_default": True},
    epilog="In full: innkeeper emulator start, innkeeper keys new, innkeeper receipt verify.",
)
@click.version_option(VERSION, message="%(prog)s %(version)s")
def command_line() -> None:
    """Authorize, run and test Zoom Team Chat chatbots."""
