"""How does `innkeeper dev` run? A bot beside an emulator; what is saved is reloaded."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import click
from watchfiles import PythonFilter, awatch  # pyright: ignore[reportUnknownVariableType]  # names trio's types, which are not here

from innkeeper.app import App
from innkeeper.bot.table import Table
from innkeeper.cli.botfile import load_bot
from innkeeper.cli.foreground import run_until_done, until_stopped
from innkeeper.cli.stage import Stage, load_again
from innkeeper.emulator import Emulator
from innkeeper.emulator.seed import Seed
from innkeeper.emulator.serving import hosting
from innkeeper.emulator.world import AppRecord
from innkeeper.errors import InnkeeperError
from innkeeper.local import local_settings, point_at
from innkeeper.logs import configure
from innkeeper.net.outbound import HttpTransport
from innkeeper.net.serving import LOCAL, bind, serving
from innkeeper.settings import Settings

Tell = Callable[[str], None]


def develop(path: Path, *, port: int, emulator_port: int) -> None:
    """Run a bot beside an emulator whose app already points at it; both forget at the end.

    Raises:
        BotRefused: If the bot cannot be loaded.
        PortTaken: If a port is in use.
    """
    configure()
    sys.dont_write_bytecode = True  # two versions of one second would be taken for one
    app, folder = load_bot(path), path.resolve().parent
    bot_socket, zoom_socket = bind(LOCAL, port), bind(LOCAL, emulator_port)
    bot_url, zoom_url = f"http://{LOCAL}:{port}", f"http://{LOCAL}:{emulator_port}"

    async def main() -> None:
        async with AsyncExitStack() as stack:
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="innkeeper-"))
            emulator = Emulator(seed=Seed.default(), transport=HttpTransport(), base_url=zoom_url)
            record = next(iter(emulator.world.apps.values()))
            record.environment = "production"  # so that removal is told
            settings = local_settings(
                record, public_url=bot_url, zoom_url=zoom_url, directory=Path(directory)
            )
            configure(settings.secrets)
            stage = Stage(app)
            prepare = partial(App.configure, settings=settings)
            reloader = Reloader(path, stage, record, prepare=prepare, tell=_tell)
            await stack.enter_async_context(hosting(emulator, zoom_socket))
            await reloader.begin()
            stack.push_async_callback(reloader.end)
            await stack.enter_async_context(serving(stage, bot_socket))
            record.welcome.mode = "dynamic"
            await point_at(emulator, record, bot_url)
            _tell(first_screen(path, app, settings))
            stack.push_async_callback(_over, asyncio.create_task(reloader.follow(saved(folder))))
            await until_stopped()

    run_until_done(main())


class Reloader:
    """Keeps the bot on stage what its file says; installations and chat stay what they are.

    Args:
        record: The emulated app, which is called what the bot calls itself.
        prepare: Tells an app what would else be read from the environment.
        tell: Takes what happened, for whoever develops.
    """

    def __init__(
        self,
        path: Path,
        stage: Stage,
        record: AppRecord,
        *,
        prepare: Callable[[App], None],
        tell: Tell,
    ) -> None:
        self._path = path
        self._stage = stage
        self._record = record
        self._prepare = prepare
        self._tell = tell

    async def begin(self) -> None:
        """Start the bot that is on stage."""
        self._prepare(self._stage.app)
        await self._stage.app.start()
        self._record.name = self._stage.app.name

    async def end(self) -> None:
        """Stop whichever bot is on stage by then."""
        await self._stage.app.stop()

    async def follow(self, changes: AsyncIterator[object]) -> None:
        """Reload at each change; what cannot be loaded is told, and the bot goes on as it was."""
        async for _ in changes:
            try:
                new = load_again(self._path)
                self._prepare(new)
                await self._stage.replace(new)
            except Exception as error:  # whatever it is, the bot goes on
                why = f"{error.what}: {error.why}" if isinstance(error, InnkeeperError) else error
                self._tell(f"Not reloaded: {why}\nThe bot goes on as it was. Save it again.")
            else:
                self._record.name = new.name
                self._tell("\n".join([f"{self._path} is reloaded. It has:", *found_in(new)]))


async def saved(folder: Path) -> AsyncIterator[object]:
    """Wait for Python files in a bot's folder to be saved."""
    try:
        async for changes in awatch(folder, watch_filter=PythonFilter()):
            yield changes
    except OSError as error:  # such as too many watches on this machine
        _tell(f"What you save is not noticed ({error}). Start again after a change.")


async def _over(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def first_screen(path: Path, app: App, settings: Settings) -> str:
    """Say what was found, and where to begin."""
    zoom_url = settings.oauth_url
    at = "" if zoom_url.endswith(":8700") else f" --emulator {zoom_url}"
    return "\n".join(
        [
            f"{path} runs at {settings.public_url}, beside an emulated Zoom. It has:",
            *found_in(app),
            "Start here:",
            f"  add it    {zoom_url}/marketplace/apps/{settings.client_id}/local-test",
            f"  chat      {zoom_url}/chat, or: innkeeper chat{at}",
            f"  trigger   innkeeper trigger bot_notification --set payload.cmd=help{at}",
            f"  traffic   {zoom_url}/traffic",
            "What you save is reloaded; installations and chat stay.",
            "Ctrl-C stops both and forgets everything.",
        ]
    )


def found_in(app: App) -> list[str]:
    """List what a bot answers to."""
    table = Table(app)
    named: dict[str, list[str]] = {}
    for route in table.routes():
        named.setdefault(route.decorator, []).append(route.usage or route.key or "(any other)")
    first = {
        "commands": ", ".join(named.pop("command", ())) or "none",
        "buttons": ", ".join(named.pop("action", ())) or "none",
        "welcome": "yes" if named.pop("on_install", ()) else "none: write @app.on_install",
        "purge": ", ".join(step.name for step in table.purges) or "built-in data only",
    }
    others = {name: ", ".join(keys) for name, keys in named.items() if name != "purge"}
    return [f"  {name:<9} {what}" for name, what in (first | others).items()]


def _tell(text: str) -> None:
    click.echo(text, err=True)
