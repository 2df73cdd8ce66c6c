"""What can be typed about the emulator, and to it? It runs, and it is asked."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import click

from innkeeper.cli.codes import BAD_CONFIGURATION
from innkeeper.cli.commands import options
from innkeeper.cli.commands.listing import Noun
from innkeeper.cli.commands.ports import check_ports


@click.group(cls=Noun)
def emulator() -> None:
    """A faithful Zoom on your own machine."""


@emulator.command("start")
@options.port(options.EMULATOR_PORT)
@click.option(
    "--seed", type=options.PLACE, help="A JSON file with accounts, users and app manifests."
)
@click.option(
    "--snapshot",
    type=options.PLACE,
    help="A file that GET /_emulator/snapshot gave, to go on from.",
)
@click.option(
    "--allow-host",
    "allow_hosts",
    metavar="HOST",
    multiple=True,
    help="A host beyond this machine that events may be posted to.",
)
def emulator_start(
    *, port: int, seed: Path | None, snapshot: Path | None, allow_hosts: Sequence[str]
) -> None:
    """Start the emulator and print where its pages are."""
    check_ports(port)
    from innkeeper.cli.emulate import run_emulator  # noqa: PLC0415  # --help loads no server

    run_emulator(port=port, seed=seed, snapshot=snapshot, allow_hosts=allow_hosts)


@emulator.command("proxy")
@options.emulator_url
@options.port(options.PROXY_PORT)
@click.option(
    "--ca-file",
    type=options.PLACE,
    default="innkeeper-ca.pem",
    help="Where to put the certificate that your program is to trust.",
)
def emulator_proxy(*, emulator_url: str, port: int, ca_file: Path) -> int | None:
    """Lead a program that has Zoom's hosts written into it to a running emulator."""
    check_ports(port)
    if not emulator_url.startswith("http://") or not urlsplit(emulator_url).hostname:
        said = f"innkeeper: --emulator {emulator_url} is no address; use one like "
        click.echo(f"{said}{options.EMULATOR_URL}.", err=True)
        return BAD_CONFIGURATION
    from innkeeper.cli.proxy import run_proxy  # noqa: PLC0415

    run_proxy(emulator_url=emulator_url.rstrip("/"), port=port, ca_file=ca_file)
    return None


@click.command()
@click.option("--app", help="The app's name or client id; the first if omitted.")
@click.option("--user", help="Your name or id; somebody who added the app, if omitted.")
@click.option("--channel", help="A channel's name, to talk there instead.")
@options.emulator_url
def chat(*, app: str | None, user: str | None, channel: str | None, emulator_url: str) -> int:
    """Talk to a bot of a running emulator, as a person: echo help | innkeeper chat."""
    from innkeeper.cli.chat import run_chat  # noqa: PLC0415

    return run_chat(emulator_url, app=app, user=user, channel=channel)


@click.command()
@click.argument("event", help="The event's name, such as bot_notification.")
@click.option(
    "--set",
    "changes",
    metavar="PATH=VALUE",
    multiple=True,
    help="Change it: payload.cmd=help.",
)
@click.option("--app", help="The app's client id; the only one's if omitted.")
@click.option("--user", help="The person's id; whoever added the app if omitted.")
@options.emulator_url
@options.delivery_as_json
def trigger(
    event: str,
    *,
    changes: Sequence[str],
    app: str | None,
    user: str | None,
    emulator_url: str,
    as_json: bool,
) -> int:
    """Have a running emulator send an event, and tell what became of it."""
    from innkeeper.cli.trigger import order, send  # noqa: PLC0415

    return send(order(event, changes, app=app, user=user), emulator_url, as_json=as_json)


@click.command()
@click.argument("delivery", required=False, help="The delivery's id; the last one's if omitted.")
@options.emulator_url
@options.delivery_as_json
def replay(delivery: str | None, *, emulator_url: str, as_json: bool) -> int:
    """Have a running emulator deliver an event once more, byte for byte."""
    from innkeeper.cli.trigger import replay as send_again  # noqa: PLC0415

    return send_again(delivery, emulator_url, as_json=as_json)
