"""How does a bot run for Zoom? Bound before anything starts, stopped by a signal."""

from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import click
from click.exceptions import Exit

from innkeeper.admin import admin_site
from innkeeper.app import App
from innkeeper.cli.botfile import load_bot
from innkeeper.cli.foreground import run_until_done, until_stopped
from innkeeper.environment import load_settings
from innkeeper.errors import BotRefused, InnkeeperError
from innkeeper.logs import configure, crashes_told, masked
from innkeeper.net.serving import LOCAL, bind, serving
from innkeeper.settings import Settings


def run_bot(path: Path, *, host: str, port: int | None) -> None:
    """Run a bot with the settings of the environment."""
    settings = load_settings()
    configure(settings.secrets, amount=settings.log)
    app = loaded(path, settings)
    port = port or urlsplit(settings.public_url).port or 8080
    listener = bind(host, port)
    admin = bind(LOCAL, settings.admin_port) if settings.admin_port else None
    app.configure(settings)

    async def main() -> None:
        async with AsyncExitStack() as stack:
            parts = await app.start()
            stack.push_async_callback(app.stop)
            await stack.enter_async_context(serving(app, listener, intake=app.intake))
            if admin is not None:
                await stack.enter_async_context(serving(admin_site(parts), admin))
            where = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            click.echo(f"{path} listens on {where} for {settings.public_url}", err=True)
            await until_stopped()

    with crashes_told(InnkeeperError, OSError, Exit):
        run_until_done(main())


def loaded(path: Path, settings: Settings) -> App:
    """Load the bot; what its own code says on failing is shown without our secrets."""
    try:
        return load_bot(path)
    except BotRefused as refused:
        why = masked(refused.why, settings.secrets)
        raise BotRefused(refused.what, why, refused.fix) from None
