"""How are events handled apart from where they come in? By workers, as many as you like."""

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import typer

from innkeeper.cli.foreground import run_until_done, until_stopped
from innkeeper.cli.serve import loaded
from innkeeper.errors import Fault, InnkeeperError, SettingsRefused
from innkeeper.logs import configure, crashes_told
from innkeeper.settings import Settings

_FIX = "Name a PostgreSQL; on SQLite `innkeeper run` does the work itself."


def run_worker(path: Path) -> None:
    """Handle events with the settings of the environment, and listen to nobody.

    Raises:
        SettingsRefused: If the database is SQLite, on which one process works.
    """
    settings = Settings.load()
    if isinstance(settings.database, Path):
        fault = Fault("INNKEEPER_DATABASE_URL", "is SQLite, on which one process works", _FIX)
        raise SettingsRefused([fault])
    configure(settings.secrets, amount=settings.log)
    app = loaded(path, settings)
    app.configure(replace(settings, handles_events=True))

    async def main() -> None:
        async with AsyncExitStack() as stack:
            await app.start()
            stack.push_async_callback(app.stop)
            typer.echo(f"{path} works for {settings.public_url}", err=True)
            await until_stopped()

    with crashes_told(InnkeeperError, OSError, typer.Exit):
        run_until_done(main())
