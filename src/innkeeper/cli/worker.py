"""How are events handled apart from where they come in? By workers, as many as you like."""

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import click
from click.exceptions import Exit

from innkeeper.admin import admin_site
from innkeeper.cli.foreground import run_until_done, until_stopped
from innkeeper.cli.serve import loaded
from innkeeper.environment import load_settings
from innkeeper.errors import Fault, InnkeeperError, SettingsRefused
from innkeeper.logs import configure, crashes_told
from innkeeper.net.serving import LOCAL, bind, serving

_FIX = "Name a PostgreSQL; on SQLite `innkeeper run` does the work itself."


def run_worker(path: Path) -> None:
    """Handle events with the settings of the environment, and listen to the operator alone.

    Raises:
        PortTaken: If the operator's port cannot be used.
        SettingsRefused: If the database is SQLite, on which one process works.
    """
    settings = load_settings()
    if isinstance(settings.database, Path):
        fault = Fault("INNKEEPER_DATABASE_URL", "is SQLite, on which one process works", _FIX)
        raise SettingsRefused([fault])
    configure(settings.secrets, amount=settings.log)
    app = loaded(path, settings)
    admin = bind(LOCAL, settings.admin_port) if settings.admin_port else None
    app.configure(replace(settings, handles_events=True))

    async def main() -> None:
        async with AsyncExitStack() as stack:
            parts = await app.start()
            stack.push_async_callback(app.stop)
            if admin is not None:
                await stack.enter_async_context(serving(admin_site(parts), admin))
            click.echo(f"{path} works for {settings.public_url}", err=True)
            await until_stopped()

    with crashes_told(InnkeeperError, OSError, Exit):
        run_until_done(main())
