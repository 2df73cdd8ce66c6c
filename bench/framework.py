"""What does the framework cost a developer, and a crowd? Import, a test, ten thousand handlers.

`python -m bench.framework` prints a table.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from bench import load, servers, webhooks
from bench.tables import Row, show
from innkeeper import Action, App, Card, Command, Installed
from innkeeper.secret import Secret
from innkeeper.testing import Zoom

STARTS = 20
TESTS = 15
CROWD = 10_000
PER_SECOND = 1_000
SLEEP_SECONDS = CROWD / PER_SECOND
BURST_PER_SECOND = 2_000
BURST_SLEEP_SECONDS = 1.0


def imports(statement: str) -> list[float]:
    """Time a statement in fresh processes, bytecode cached as a user has it."""
    begun = "import time; begun = time.perf_counter()"
    code = f"{begun}; {statement}; print(time.perf_counter() - begun)"
    taken = []
    with tempfile.TemporaryDirectory() as cache:
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment = {**kept, "PYTHONPYCACHEPREFIX": cache}
        for _ in range(STARTS + 2):
            argv = [sys.executable, "-c", code]
            told = subprocess.run(argv, capture_output=True, check=True, env=environment)
            taken.append(float(told.stdout) * 1000)
    return taken[2:]


def bot() -> App:
    app = App("The bench's bot")

    @app.on_install
    async def hello(ctx: Installed) -> str:
        return "Hello"

    @app.command("ask")
    async def ask(ctx: Command) -> Card:
        return Card("Sure?").button("Yes", "yes")

    @app.action("yes")
    async def yes(ctx: Action) -> None:
        await ctx.update("Done")

    return app


async def one_test(app: App) -> float:
    """Time what a test does: begin, install, a command, a click, end."""
    begun = time.perf_counter()
    async with Zoom(app) as zoom:
        ana = zoom.person("Ana")
        await ana.add_app()
        await ana.says("/bot ask")
        await ana.clicks("Yes")
        ana.chat.expect("Done")
    return (time.perf_counter() - begun) * 1000


def tests() -> list[float]:
    app = bot()
    return [asyncio.run(one_test(app)) for _ in range(TESTS + 1)][1:]


def crowd(events: int, *, per_second: int, seconds: float) -> tuple[list[float], int]:
    """Have handlers wait; give each ack's time in ms, and the most memory in MB."""
    queue = load.requests(
        events, secret=Secret(servers.SECRET), robot_jid=servers.ROBOT, path="/events", start=1
    )
    with webhooks.serving(f"slow {seconds}") as (port, pid):
        taken = uvloop.run(load.paced(port, queue, per_second=per_second))
        status = Path(f"/proc/{pid}/status").read_text()
    [most] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return taken, int(most) // 1024


def _spread(taken: list[float]) -> str:
    return f"{statistics.median(taken):.0f} ms ({min(taken):.0f} to {max(taken):.0f})"


def rows() -> list[Row]:
    """Give the rows of the table."""
    tested = tests()
    acks, megabytes = crowd(CROWD * 2, per_second=PER_SECOND, seconds=SLEEP_SECONDS)
    acks = sorted(acks[CROWD:])
    rush, rushed = crowd(CROWD, per_second=BURST_PER_SECOND, seconds=BURST_SLEEP_SECONDS)
    burst = f"{CROWD:,} events at {BURST_PER_SECOND:,}/s, each handler waits 1 s"
    name = f"{CROWD:,} handlers waiting {SLEEP_SECONDS:.0f} s, {PER_SECOND:,} events/s"
    return [
        (
            f"import innkeeper; median of {STARTS}",
            _spread(imports("import innkeeper")),
            "<= 150 ms",
        ),
        (
            "from innkeeper import App, Card, Command",
            _spread(imports("from innkeeper import App, Card, Command")),
            "",
        ),
        (
            f"a test: install, command, click; median of {TESTS}",
            _spread(tested),
            "<= 150 ms",
        ),
        (f"{name}: ack p99", f"{acks[len(acks) * 99 // 100]:.1f} ms", "<= 100 ms"),
        ("the same: most memory", f"{megabytes} MB", "<= 400 MB"),
        (f"{burst}: ack p99", f"{webhooks.at(sorted(rush), 99)}", "<= 100 ms"),
        ("the same: most memory", f"{rushed} MB", "<= 400 MB"),
    ]


def main() -> None:
    show(rows())


if __name__ == "__main__":
    main()
