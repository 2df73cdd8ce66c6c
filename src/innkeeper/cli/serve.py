"""How does a server run? Bound before anything starts, stopped by a signal, told in a line."""

import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import typer

from innkeeper.app import App
from innkeeper.bot.table import Table
from innkeeper.cli.botfile import load_bot
from innkeeper.cli.foreground import run_until_done, until_stopped
from innkeeper.emulator import Emulator
from innkeeper.emulator.seed import Seed
from innkeeper.emulator.serving import hosting
from innkeeper.local import local_settings, point_at
from innkeeper.logs import configure
from innkeeper.net.outbound import HttpTransport
from innkeeper.net.serving import LOCAL, bind, serving
from innkeeper.settings import Settings


def run_bot(path: Path, *, host: str, port: int | None) -> None:
    """Run a bot with the settings of the environment."""
    settings = Settings.load()
    configure(settings.secrets)
    app = load_bot(path)
    port = port or urlsplit(settings.public_url).port or 8080
    listener = bind(host, port)
    app.configure(settings)

    async def main() -> None:
        async with AsyncExitStack() as stack:
            await app.start()
            stack.push_async_callback(app.stop)
            await stack.enter_async_context(serving(app, listener))
            where = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            typer.echo(f"{path} listens on {where} for {settings.public_url}", err=True)
            await until_stopped()

    run_until_done(main())


def develop(path: Path, *, port: int, emulator_port: int) -> None:
    """Run a bot beside an emulator whose app already points at it; both forget at the end."""
    configure()
    app = load_bot(path)
    bot_socket, zoom_socket = bind(LOCAL, port), bind(LOCAL, emulator_port)
    bot_url, zoom_url = f"http://{LOCAL}:{port}", f"http://{LOCAL}:{emulator_port}"

    async def main() -> None:
        async with AsyncExitStack() as stack:
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="innkeeper-"))
            emulator = Emulator(seed=Seed.default(), transport=HttpTransport(), base_url=zoom_url)
            record = next(iter(emulator.world.apps.values()))
            record.name, record.environment = app.name, "production"  # so that removal is told
            settings = local_settings(
                record, public_url=bot_url, zoom_url=zoom_url, directory=Path(directory)
            )
            configure(settings.secrets)
            app.configure(settings)
            await app.start()
            stack.push_async_callback(app.stop)
            await stack.enter_async_context(hosting(emulator, zoom_socket))
            await stack.enter_async_context(serving(app, bot_socket))
            record.welcome.mode = "dynamic"
            await point_at(emulator, record, bot_url)
            typer.echo(_first_screen(path, app, settings), err=True)
            await until_stopped()

    run_until_done(main())


def _first_screen(path: Path, app: App, settings: Settings) -> str:
    table, zoom_url = Table(app), settings.oauth_url
    named: dict[str, list[str]] = {}
    for route in table.routes():
        named.setdefault(route.decorator, []).append(route.usage or route.key or "(any other)")
    found = [
        f"commands  {', '.join(named.get('command', ())) or 'none'}",
        f"buttons   {', '.join(named.get('action', ())) or 'none'}",
        f"welcome   {'yes' if 'on_install' in named else 'none: write @app.on_install'}",
        f"purge     {', '.join(step.name for step in table.purges) or 'built-in data only'}",
    ]
    return "\n".join(
        [
            f"{path} runs at {settings.public_url}, beside an emulated Zoom. It has:",
            *(f"  {line}" for line in found),
            "Start here:",
            f"  add it    {zoom_url}/marketplace/apps/{settings.client_id}/local-test",
            f"  chat      {zoom_url}/chat",
            f"  traffic   {zoom_url}/traffic",
            "Ctrl-C stops both and forgets everything.",
        ]
    )
