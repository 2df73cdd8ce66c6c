"""How is the emulator run alone? Without a bot, and so without what a bot needs."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from innkeeper.cli.foreground import run_until_done, until_stopped
from innkeeper.emulator import Emulator
from innkeeper.emulator.seed import Seed
from innkeeper.emulator.serving import hosting
from innkeeper.emulator.snapshot import SnapshotRefused
from innkeeper.errors import BodyRefused
from innkeeper.net.serving import LOCAL, bind
from innkeeper.wire import lossless


def read_seed(path: Path | None) -> Seed | None:
    """Read a seed file, if one is given."""
    return Seed.read(path) if path is not None else None


def read_snapshot(path: Path | None) -> Any:
    """Read a snapshot's file, if one is given.

    Raises:
        SnapshotRefused: If it cannot be read, or is no JSON.
    """
    if path is None:
        return None
    fix = "Give a file that GET /_emulator/snapshot gave."
    try:
        return lossless.parse(path.read_bytes())
    except OSError as error:
        why = f"{path} cannot be read ({error.strerror})"
        raise SnapshotRefused("", why, fix) from None
    except BodyRefused as error:
        raise SnapshotRefused("", f"{path} is no JSON ({error.reason})", fix) from None


class FirstWord(logging.Handler):
    """Sets the log up once a library has something to say: of most runs none has."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, and leave the next ones to the log."""
        from innkeeper.logs import configure  # noqa: PLC0415  # structlog

        root = logging.getLogger()
        root.removeHandler(self)
        configure()
        root.handle(record)


def run_emulator(
    *,
    port: int,
    seed: Path | None,
    snapshot: Path | None = None,
    allow_hosts: Iterable[str] = (),
) -> None:
    """Run the emulator alone, from a seed or on from a snapshot.

    Args:
        allow_hosts: Hosts beyond this machine that events may be posted to.
    """
    logging.getLogger().addHandler(FirstWord(logging.WARNING))
    planted, kept = read_seed(seed), read_snapshot(snapshot)
    listener = bind(LOCAL, port)
    url = f"http://{LOCAL}:{port}"

    async def main() -> None:
        emulator = Emulator(seed=planted, base_url=url, allow_hosts=allow_hosts)
        if kept is not None:
            await emulator.restore(kept)
        async with hosting(emulator, listener):
            click.echo(f"The emulated Zoom is at {url}", err=True)
            click.echo(f"  Apps  {url}/marketplace\n  Chat  {url}/chat", err=True)
            click.echo(f"  State {url}/_emulator/state", err=True)
            await until_stopped()

    run_until_done(main())
