"""How much memory does a web process hold, and does it grow with what it has taken in?

`python -m bench.memory` prints a table; `make soak` plays the whole million.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench import load, webhooks
from bench.tables import Row, show

AT_ONCE = 20_000
SOME = 200_000
WANTED_MB = 70


@dataclass(frozen=True, slots=True)
class Held:
    """What the process held once it had taken in so many events, in MB."""

    events: int
    megabytes: float


def held(pid: int) -> float:
    """Read how much memory a process has in use, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    [resident] = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
    return int(resident) / 1024


def taking(events: int) -> Iterator[Held]:
    """Have a web process take in and handle so many events, as fast as it can.

    Raises:
        RuntimeError: If it refused one.
    """
    with webhooks.serving("innkeeper") as (port, pid):
        yield Held(0, held(pid))
        for done in range(0, events, AT_ONCE):
            queue = webhooks.batch("innkeeper", AT_ONCE, done + 1)
            tally = uvloop.run(load.saturate(port, queue, connections=webhooks.CONNECTIONS))
            if tally.refused:
                message = f"{tally.refused} events were refused"
                raise RuntimeError(message)
            time.sleep(0.5)  # what was taken in is handled
            yield Held(done + AT_ONCE, held(pid))


def rows() -> list[Row]:
    """Give the rows of the table."""
    found = list(taking(SOME))
    return [
        (
            f"memory of a web process after {each.events:,} events",
            f"{each.megabytes:.0f} MB",
            f"<= {WANTED_MB} MB",
        )
        for each in (found[0], found[1], found[-1])
    ]


def main() -> None:
    show(rows())


if __name__ == "__main__":
    main()
