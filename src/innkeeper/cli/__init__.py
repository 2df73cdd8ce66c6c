"""What can be typed? `innkeeper <noun> <verb>`: data on stdout, talk on stderr.

Exit codes: 0 done, 1 failed, 2 misused, 3 a check found a fault, 71 the machine has no
such port free, 78 bad configuration. A server that is asked to end (SIGINT, SIGTERM)
has done its work: 0. If it was not up yet, or is asked a second time: 130 or 143.
"""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import typer

from innkeeper.cli.case import case
from innkeeper.cli.codes import BAD_CONFIGURATION
from innkeeper.cli.delivery import delivery
from innkeeper.cli.options import AsJson, InstallationId, Yes
from innkeeper.errors import InnkeeperError, SettingsRefused

app = typer.Typer(
    name="innkeeper",
    help="Authorize, run and test Zoom Team Chat chatbots.",
    epilog="In full: innkeeper emulator start, innkeeper keys new, innkeeper receipt verify.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
emulator = typer.Typer(no_args_is_help=True, help="A faithful Zoom on your own machine.")
keys = typer.Typer(no_args_is_help=True, help="The keys that seal what is stored.")
receipt = typer.Typer(no_args_is_help=True, help="Signed proofs of deletion.")
installation = typer.Typer(no_args_is_help=True, help="Who has authorized the app.")
purge = typer.Typer(no_args_is_help=True, help="Deletions under way.")
store = typer.Typer(no_args_is_help=True, help="The database on PostgreSQL.")
manifest = typer.Typer(no_args_is_help=True, help="What Zoom's manifest of the app must say.")
app.add_typer(installation, name="installation")
app.add_typer(manifest, name="manifest")
app.add_typer(case, name="case")
app.add_typer(delivery, name="delivery")
app.add_typer(purge, name="purge")
app.add_typer(emulator, name="emulator")
app.add_typer(keys, name="keys")
app.add_typer(store, name="store")
app.add_typer(receipt, name="receipt")

EMULATOR_PORT = 8700
BOT_PORT = 8701
PROXY_PORT = 8702

Port = Annotated[int, typer.Option(help="The port to listen on, on this machine only.")]
EmulatorUrl = Annotated[str, typer.Option("--emulator", help="Where the emulator is.")]
BotFile = Annotated[Path, typer.Argument(help="The file that holds your `app`.")]


@app.command()
def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Stop after the walk.")] = False,
    port: Port = EMULATOR_PORT,
    bot_port: Annotated[int, typer.Option(help="The example bot's port.")] = BOT_PORT,
) -> None:
    """Walk the whole lifecycle, then stay up."""
    _checked(port, bot_port)
    from innkeeper.cli.demo import run_demo  # noqa: PLC0415  # --help loads no server

    raise typer.Exit(run_demo(once=once, port=port, bot_port=bot_port))


@app.command()
def new(
    name: Annotated[Path, typer.Argument(help="The folder to make, such as front-desk.")],
    *,
    template: Annotated[
        str, typer.Option(help="minimal: a bot; webapp: a web site with a bot in it.")
    ] = "minimal",
) -> None:
    """Begin a bot: a folder with code, tests and what they need."""
    from innkeeper.cli.newbot import begin  # noqa: PLC0415

    for file in begin(name, template):
        typer.echo(str(file))
    typer.echo(f"Next: cd {name} && innkeeper dev", err=True)


@app.command()
def dev(
    bot: BotFile = Path("bot.py"),
    *,
    port: Port = BOT_PORT,
    emulator_port: Annotated[int, typer.Option(help="The emulator's port.")] = EMULATOR_PORT,
) -> None:
    """Run your bot beside an emulator; what you save is reloaded."""
    _checked(port, emulator_port)
    from innkeeper.cli.develop import develop  # noqa: PLC0415

    develop(bot, port=port, emulator_port=emulator_port)


@app.command()
def run(
    bot: BotFile = Path("bot.py"),
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="The port; else the public URL's, or 8080.")
    ] = None,
) -> None:
    """Run your bot for Zoom, as configured."""
    if port is not None:
        _checked(port)
    from innkeeper.cli.serve import run_bot  # noqa: PLC0415

    run_bot(bot, host=host, port=port)


@app.command()
def worker(bot: BotFile = Path("bot.py")) -> None:
    """Handle events that your bot's web processes took in, on PostgreSQL."""
    from innkeeper.cli.worker import run_worker  # noqa: PLC0415

    run_worker(bot)


@emulator.command("start")
def emulator_start(
    *,
    port: Port = EMULATOR_PORT,
    seed: Annotated[
        Path | None, typer.Option(help="A JSON file with accounts, users and app manifests.")
    ] = None,
    snapshot: Annotated[
        Path | None, typer.Option(help="A file that GET /_emulator/snapshot gave, to go on from.")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A host beyond this machine that events may be posted to."),
    ] = None,
) -> None:
    """Start the emulator and print where its pages are."""
    _checked(port)
    from innkeeper.cli.emulate import run_emulator  # noqa: PLC0415

    run_emulator(port=port, seed=seed, snapshot=snapshot, allow_hosts=allow_host or [])


@emulator.command("proxy")
def emulator_proxy(
    *,
    emulator_url: EmulatorUrl = f"http://127.0.0.1:{EMULATOR_PORT}",
    port: Port = PROXY_PORT,
    ca_file: Annotated[
        Path, typer.Option(help="Where to put the certificate that your program is to trust.")
    ] = Path("innkeeper-ca.pem"),
) -> None:
    """Lead a program that has Zoom's hosts written into it to a running emulator."""
    _checked(port)
    if not emulator_url.startswith("http://") or not urlsplit(emulator_url).hostname:
        said = f"innkeeper: --emulator {emulator_url} is no address; use one like "
        typer.echo(f"{said}http://127.0.0.1:{EMULATOR_PORT}.", err=True)
        raise typer.Exit(BAD_CONFIGURATION)
    from innkeeper.cli.proxy import run_proxy  # noqa: PLC0415

    run_proxy(emulator_url=emulator_url.rstrip("/"), port=port, ca_file=ca_file)


@app.command()
def chat(
    *,
    client_id: Annotated[
        str | None, typer.Option("--app", help="The app's name or client id; the first if omitted.")
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(help="Your name or id; somebody who added the app, if omitted."),
    ] = None,
    channel: Annotated[
        str | None, typer.Option(help="A channel's name, to talk there instead.")
    ] = None,
    emulator_url: EmulatorUrl = f"http://127.0.0.1:{EMULATOR_PORT}",
) -> None:
    """Talk to a bot of a running emulator, as a person: echo help | innkeeper chat."""
    from innkeeper.cli.chat import run_chat  # noqa: PLC0415

    raise typer.Exit(run_chat(emulator_url, app=client_id, user=user, channel=channel))


@app.command()
def trigger(
    event: Annotated[str, typer.Argument(help="The event's name, such as bot_notification.")],
    *,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Change it: payload.cmd=help."),
    ] = None,
    client_id: Annotated[
        str | None, typer.Option("--app", help="The app's client id; the only one's if omitted.")
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="The person's id; whoever added the app if omitted.")
    ] = None,
    emulator_url: EmulatorUrl = f"http://127.0.0.1:{EMULATOR_PORT}",
    as_json: Annotated[bool, typer.Option("--json", help="Print the delivery as JSON.")] = False,
) -> None:
    """Have a running emulator send an event, and tell what became of it."""
    from innkeeper.cli.trigger import order, send  # noqa: PLC0415

    asked = order(event, changes or [], app=client_id, user=user)
    raise typer.Exit(send(asked, emulator_url, as_json=as_json))


@app.command()
def replay(
    delivery: Annotated[
        str | None, typer.Argument(help="The delivery's id; the last one's if omitted.")
    ] = None,
    *,
    emulator_url: EmulatorUrl = f"http://127.0.0.1:{EMULATOR_PORT}",
    as_json: Annotated[bool, typer.Option("--json", help="Print the delivery as JSON.")] = False,
) -> None:
    """Have a running emulator deliver an event once more, byte for byte."""
    from innkeeper.cli.trigger import replay as send_again  # noqa: PLC0415

    raise typer.Exit(send_again(delivery, emulator_url, as_json=as_json))


@app.command()
def routes(
    bot: BotFile = Path("bot.py"),
    *,
    explain: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Tell which command takes this text.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List your bot's handlers, or tell which of them takes a text."""
    from innkeeper.cli.routes import explain_text, list_routes  # noqa: PLC0415

    if explain is None:
        list_routes(bot, as_json=as_json)
    else:
        raise typer.Exit(explain_text(bot, explain, as_json=as_json))


@app.command()
def check(
    bot: BotFile = Path("bot.py"),
    *,
    deploy: Annotated[
        bool, typer.Option("--deploy", help="Tell also what does not do for serving people.")
    ] = False,
    review: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Ask the app that runs there as a reviewer of Zoom's."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what is wrong with your bot: settings, handlers, tables that no step purges."""
    if review is not None:
        if not review.startswith(("https://", "http://")) or not urlsplit(review).hostname:
            raise typer.BadParameter("it is no address; use one like https://bot.example.com")
        from innkeeper.cli.review import review as ask  # noqa: PLC0415

        raise typer.Exit(ask(review, as_json=as_json))
    from innkeeper.cli.check import check as look  # noqa: PLC0415

    raise typer.Exit(look(bot, as_json=as_json, deploy=deploy))


@app.command()
def verify(
    *,
    body: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="The body's exact bytes.")
    ],
    headers: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="Its headers, one a line.")
    ],
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z"], help="When it came; now if omitted."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell whether Zoom signed a delivery that was saved, or why it is refused."""
    from innkeeper.cli.verify import verify as look  # noqa: PLC0415

    raise typer.Exit(look(body, headers, at=at, as_json=as_json))


Environment = Annotated[
    Literal["development", "production"], typer.Option(help="Whose addresses are meant.")
]


@manifest.command("show")
def manifest_show(
    bot: BotFile = Path("bot.py"), *, environment: Environment = "production"
) -> None:
    """Print what your bot and its settings need in the manifest; send nothing."""
    from innkeeper.cli.manifest import show  # noqa: PLC0415

    show(bot, environment=environment)


@manifest.command("diff")
def manifest_diff(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The manifest that Zoom exported.")
    ],
    bot: BotFile = Path("bot.py"),
    *,
    environment: Environment = "production",
    as_json: AsJson = False,
) -> None:
    """Tell where Zoom's manifest disagrees with your bot and its settings; change neither."""
    from innkeeper.cli.manifest import diff  # noqa: PLC0415

    raise typer.Exit(diff(file, bot, environment=environment, as_json=as_json))


@keys.command("new")
def keys_new() -> None:
    """Print a fresh key for INNKEEPER_KEYS; put it before the ones you have."""
    from innkeeper.cli.keys import print_new  # noqa: PLC0415

    print_new()


@keys.command("rotate")
def keys_rotate(*, as_json: AsJson = False) -> None:
    """Put a new key first, and have it wrap everything; go on where that was stopped."""
    from innkeeper.cli.keys import rotate  # noqa: PLC0415

    rotate(as_json=as_json)


@keys.command("status")
def keys_status(*, as_json: AsJson = False) -> None:
    """Tell which keys of the ring are still needed."""
    from innkeeper.cli.keys import show_status  # noqa: PLC0415

    show_status(as_json=as_json)


@store.command("status")
def store_status(*, as_json: AsJson = False) -> None:
    """Tell how far the schemas are migrated."""
    from innkeeper.cli.store import show_standing  # noqa: PLC0415

    show_standing(as_json=as_json)


@store.command("migrate")
def store_migrate() -> None:
    """Bring the schemas up to date, beside running apps."""
    from innkeeper.cli.store import bring_up_to_date  # noqa: PLC0415

    bring_up_to_date()


@installation.command("list")
def installation_list(*, as_json: AsJson = False) -> None:
    """List every installation by its own id, oldest first."""
    from innkeeper.cli.kept import list_installations  # noqa: PLC0415

    list_installations(as_json=as_json)


@installation.command("show")
def installation_show(installation_id: InstallationId, *, as_json: AsJson = False) -> None:
    """Show one installation, and whose it is."""
    from innkeeper.cli.kept import show_installation  # noqa: PLC0415

    show_installation(installation_id, as_json=as_json)


@installation.command("revoke")
def installation_revoke(
    installation_id: InstallationId, *, yes: Yes = False, as_json: AsJson = False
) -> None:
    """End somebody's tokens at Zoom and purge all, as if they had removed the app."""
    from innkeeper.cli.orders import revoke  # noqa: PLC0415

    revoke(installation_id, yes=yes, as_json=as_json)


@purge.command("list")
def purge_list(*, as_json: AsJson = False) -> None:
    """List the deletions under way, and the steps that are done."""
    from innkeeper.cli.kept import list_purges  # noqa: PLC0415

    list_purges(as_json=as_json)


@purge.command("run")
def purge_run(*, as_json: AsJson = False) -> None:
    """Have every deletion that waits for its next attempt tried again now."""
    from innkeeper.cli.orders import run_purges  # noqa: PLC0415

    run_purges(as_json=as_json)


@purge.command("dry-run")
def purge_dry_run(
    installation_id: Annotated[
        str | None, typer.Argument(help="An installation's id; every one being purged if omitted.")
    ] = None,
    *,
    bot: Annotated[
        Path | None, typer.Option(help="Your bot's file, to name its own steps.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Count what a purge would delete, step by step; change nothing."""
    from innkeeper.cli.dryrun import dry_run  # noqa: PLC0415

    dry_run(installation_id, bot=bot, as_json=as_json)


@receipt.command("list")
def receipt_list(*, as_json: AsJson = False) -> None:
    """List every receipt in the order of their chain."""
    from innkeeper.cli.kept import list_receipts  # noqa: PLC0415

    list_receipts(as_json=as_json)


@receipt.command("show")
def receipt_show(
    receipt_id: Annotated[str, typer.Argument(help="Its id, as in the list.")],
) -> None:
    """Print the file of one receipt, which `receipt verify` reads."""
    from innkeeper.cli.kept import show_receipt  # noqa: PLC0415

    show_receipt(receipt_id)


@receipt.command("verify")
def receipt_verify(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="The JSON file of a receipt, or of each."),
    ],
    *,
    key: Annotated[str, typer.Option(help="The operator's public key, in hex.")],
    as_json: AsJson = False,
) -> None:
    """Check a receipt offline, or that several follow one another: which link is broken?"""
    from innkeeper.cli.receipts import verify, verify_all  # noqa: PLC0415

    if len(files) == 1:
        raise typer.Exit(verify(files[0], key, as_json=as_json))
    raise typer.Exit(verify_all(files, key, as_json=as_json))


def _checked(*ports: int) -> None:
    for port in ports:
        if not 0 < port < 65_536:
            typer.echo(f"innkeeper: {port} is not a port; use one from 1 to 65535.", err=True)
            raise typer.Exit(BAD_CONFIGURATION)
    if len(set(ports)) < len(ports):
        typer.echo(
            f"innkeeper: two servers cannot share port {ports[0]}; give each its own.", err=True
        )
        raise typer.Exit(BAD_CONFIGURATION)


def main() -> None:
    """Run the command line; an error is one clear line, never a traceback."""
    try:
        app()
    except SettingsRefused as refusal:
        lines = [f"  {fault.name} {fault.why}.\n    {fault.fix}" for fault in refusal.faults]
        count = "one setting is" if len(lines) == 1 else f"{len(lines)} settings are"
        typer.echo("\n".join([f"innkeeper: {count} not usable:", *lines]), err=True)
        sys.exit(refusal.exit_code)
    except InnkeeperError as error:
        typer.echo(f"innkeeper: {error}", err=True)
        sys.exit(getattr(error, "exit_code", 1))
    except OSError as error:  # such as no space left where stdout goes
        typer.echo(f"innkeeper: {error.strerror or error}.", err=True)
        sys.exit(1)
