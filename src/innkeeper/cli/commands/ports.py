"""Can a server listen there? Looked at before anything is loaded."""

import click
from click.exceptions import Exit

from innkeeper.cli.codes import BAD_CONFIGURATION


def check_ports(*ports: int) -> None:
    """See that these are ports, each another one.

    Raises:
        Exit: With 78, once the reason is told.
    """
    for port in ports:
        if not 0 < port < 65_536:
            click.echo(f"innkeeper: {port} is not a port; use one from 1 to 65535.", err=True)
            raise Exit(BAD_CONFIGURATION)
    if len(set(ports)) < len(ports):
        click.echo(
            f"innkeeper: two servers cannot share port {ports[0]}; give each its own.", err=True
        )
        raise Exit(BAD_CONFIGURATION)
