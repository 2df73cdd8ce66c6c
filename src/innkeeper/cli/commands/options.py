"""Which options and arguments do many commands have?"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

EMULATOR_PORT: Final = 8700
BOT_PORT: Final = 8701
PROXY_PORT: Final = 8702
EMULATOR_URL: Final = f"http://127.0.0.1:{EMULATOR_PORT}"

PLACE: Final = click.Path(path_type=Path)
"""A file or folder that need not be there yet."""
FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
"""A file that is there."""

_F = TypeVar("_F", bound=Callable[..., Any])

bot_file = click.argument(
    "bot",
    type=PLACE,
    default="bot.py",
    help="The file that holds your `app`; bot.py if omitted.",
)
emulator_url = click.option(
    "--emulator", "emulator_url", default=EMULATOR_URL, help="Where the emulator is."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
delivery_as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print the delivery as JSON."
)
yes = click.option("--yes", is_flag=True, help="Delete; without it nothing is done.")


def port(default: int) -> Callable[[_F], _F]:
    """Take the port of what is started."""
    said = "The port to listen on, on this machine only."
    return click.option("--port", type=int, default=default, help=said)


def its_id(name: str) -> Callable[[_F], _F]:
    """Take the id of what is meant."""
    return click.argument(name, metavar="ID", help="Its id, as in the list and the log.")
