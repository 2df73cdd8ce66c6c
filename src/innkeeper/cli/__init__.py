"""What can be typed? `innkeeper <noun> <verb>`: data on stdout, talk on stderr.

Exit codes: 0 done, 1 failed, 2 misused, 3 a check found a fault, 71 the machine has no
such port free, 78 bad configuration. A server that is asked to end (SIGINT, SIGTERM)
has done its work: 0. If it was not up yet, or is asked a second time: 130 or 143.
"""

import sys
from typing import NoReturn

import click

from innkeeper.cli.codes import FAILED, INTERRUPTED
from innkeeper.cli.commands import command_line
from innkeeper.errors import InnkeeperError, SettingsRefused


def main() -> NoReturn:
    """Run the command line; an error is one clear line, never a traceback."""
    sys.exit(_run())


def _run() -> int:
    """Do what was typed; what a command returns is its exit code, and nothing is 0."""
    try:
        return command_line.main(standalone_mode=False) or 0
    except click.ClickException as misuse:
        misuse.show()
        return misuse.exit_code
    except click.Abort:
        return INTERRUPTED
    except SettingsRefused as refusal:
        lines = [f"  {fault.name} {fault.why}.\n    {fault.fix}" for fault in refusal.faults]
        count = "one setting is" if len(lines) == 1 else f"{len(lines)} settings are"
        click.echo("\n".join([f"innkeeper: {count} not usable:", *lines]), err=True)
        return refusal.exit_code
    except InnkeeperError as error:
        click.echo(f"innkeeper: {error}", err=True)
        return getattr(error, "exit_code", FAILED)
    except OSError as error:  # such as no space left where stdout goes
        click.echo(f"innkeeper: {error.strerror or error}.", err=True)
        return FAILED
