"""What can be typed about a bot? Begin it, try it, look at it, run it."""

from pathlib import Path

import click

from innkeeper.cli.commands import options
from innkeeper.cli.commands.ports import check_ports


@click.command()
@click.option("--once", is_flag=True, help="Stop after the walk.")
@options.port(options.EMULATOR_PORT)
@click.option("--bot-port", type=int, default=options.BOT_PORT, help="The example bot's port.")
def demo(*, once: bool, port: int, bot_port: int) -> int:
    """Walk the whole lifecycle, then stay up."""
    check_ports(port, bot_port)
    from innkeeper.cli.demo import run_demo  # noqa: PLC0415  # --help loads no server

    return run_demo(once=once, port=port, bot_port=bot_port)


@click.command()
@click.argument("name", type=options.PLACE, help="The folder to make, such as front-desk.")
@click.option(
    "--template", default="minimal", help="minimal: a bot; webapp: a web site with a bot in it."
)
def new(name: Path, *, template: str) -> None:
    """Begin a bot: a folder with code, tests and what they need."""
    from innkeeper.cli.newbot import begin  # noqa: PLC0415

    for file in begin(name, template):
        click.echo(str(file))
    click.echo(f"Next: cd {name} && innkeeper dev", err=True)


@click.command()
@options.bot_file
@options.port(options.BOT_PORT)
@click.option(
    "--emulator-port", type=int, default=options.EMULATOR_PORT, help="The emulator's port."
)
def dev(bot: Path, *, port: int, emulator_port: int) -> None:
    """Run your bot beside an emulator; what you save is reloaded."""
    check_ports(port, emulator_port)
    from innkeeper.cli.develop import develop  # noqa: PLC0415

    develop(bot, port=port, emulator_port=emulator_port)


@click.command()
@options.bot_file
@click.option("--host", default="127.0.0.1", help="The address to listen on.")
@click.option("--port", type=int, help="The port; else the public URL's, or 8080.")
def run(bot: Path, *, host: str, port: int | None) -> None:
    """Run your bot for Zoom, as configured."""
    if port is not None:
        check_ports(port)
    from innkeeper.cli.serve import run_bot  # noqa: PLC0415

    run_bot(bot, host=host, port=port)


@click.command()
@options.bot_file
def worker(bot: Path) -> None:
    """Handle events that your bot's web processes took in, on PostgreSQL."""
    from innkeeper.cli.worker import run_worker  # noqa: PLC0415

    run_worker(bot)


@click.command()
@options.bot_file
@click.option("--explain", metavar="TEXT", help="Tell which command takes this text.")
@options.as_json
def routes(bot: Path, *, explain: str | None, as_json: bool) -> int | None:
    """List your bot's handlers, or tell which of them takes a text."""
    from innkeeper.cli.routes import explain_text, list_routes  # noqa: PLC0415

    if explain is not None:
        return explain_text(bot, explain, as_json=as_json)
    list_routes(bot, as_json=as_json)
    return None
