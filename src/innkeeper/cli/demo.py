"""How does `innkeeper demo` run? An emulator and an example bot, both real servers, and a walk."""

import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import click

from innkeeper.app import App
from innkeeper.cli import example
from innkeeper.cli.foreground import run_until_done, until_stopped
from innkeeper.cli.walk import Walk
from innkeeper.emulator import Emulator
from innkeeper.emulator.seed import Seed
from innkeeper.emulator.serving import hosting
from innkeeper.local import local_settings
from innkeeper.logs import configure
from innkeeper.net.outbound import HttpTransport
from innkeeper.net.serving import LOCAL, bind, serving
from innkeeper.settings import Settings


def run_demo(*, once: bool, port: int, bot_port: int) -> int:
    """Start both servers, walk, and stay up unless `once`; return the exit code.

    Raises:
        WalkFailed: Naming the step.
        PortTaken: If a port is in use.
    """
    configure(level=40)  # errors only: the walk tells the rest
    zoom_socket, bot_socket = bind(LOCAL, port), bind(LOCAL, bot_port)

    async def main() -> None:
        zoom_url, bot_url = f"http://{LOCAL}:{port}", f"http://{LOCAL}:{bot_port}"
        async with AsyncExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="innkeeper-")))
            emulator = Emulator(seed=Seed.default(), transport=HttpTransport(), base_url=zoom_url)
            await stack.enter_async_context(hosting(emulator, zoom_socket))
            record = next(iter(emulator.world.apps.values()))
            record.name, record.description = example.app.name, example.app.description
            record.command = "porter"
            settings = local_settings(
                record, public_url=bot_url, zoom_url=zoom_url, directory=directory
            )
            bot = await _started(stack, settings)
            await stack.enter_async_context(serving(bot, bot_socket))
            transport = HttpTransport()
            stack.push_async_callback(transport.aclose)
            await Walk(transport, settings, directory, click.echo).go()
            if not once:
                _invite(zoom_url, bot_url, record.client_id)
                await until_stopped()

    run_until_done(main())
    return 0


async def _started(stack: AsyncExitStack, settings: Settings) -> App:
    bot = example.app
    bot.configure(settings)
    await bot.start()
    stack.push_async_callback(bot.stop)
    return bot


def _invite(zoom_url: str, bot_url: str, client_id: str) -> None:
    click.echo("\nTry it yourself:")
    click.echo(f"  Add the app   {zoom_url}/marketplace/apps/{client_id}/local-test")
    click.echo(f"  Chat          {zoom_url}/chat")
    click.echo(f"  Traffic       {zoom_url}/traffic")
    click.echo(f"  The app       {bot_url}/")
    click.echo("\nBoth servers stay up until Ctrl-C.")
