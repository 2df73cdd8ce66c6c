"""How long can a monkey rage before something is lost? The long form, and a table of it.

    python -m tests.chaos [--minutes N] [--seed N] [--write PATH]

Half of the time is played on PostgreSQL, and half on SQLite, in rounds of a minute.
"""

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.monkey import Came, rage
from tests.postgres import begun

ROUND_SECONDS = 60.0
RISES_WITHIN_SECONDS = 5.0
HEAD = """\
# What `make chaos` found last

{when:%Y-%m-%d}, {minutes:g} minutes in rounds of one, seeds from {seed}. Restarts are of
PostgreSQL; the disk fails for SQLite alone. The seconds are what one web process took after
a kill, with the others up, and what all took after all had been killed at once.

| Where | Seed | Kills | Restarts | Disk fails | Sent | Taken | Effects | Set aside \
| One ready (s) | All ready (s) | Wrong |
|---|---|---|---|---|---|---|---|---|---|---|---|
"""


def _row(where: str, seed: int, came: Came) -> str:
    tale = came.tale
    happened = (seed, came.kills, came.restarts, came.full)
    counts = (*happened, len(tale.sent), len(tale.acked), len(tale.had), tale.aside)
    seconds = (f"{came.restarted:.1f}", f"{came.rose:.1f}")
    cells = [where, *(f"{each:,}" for each in counts), *seconds]
    return f"| {' | '.join([*cells, '; '.join(_wrong(came)) or 'nothing'])} |\n"


def _wrong(came: Came) -> list[str]:
    slow = came.restarted > RISES_WITHIN_SECONDS
    return [*came.wrong, *(["one took too long to be ready"] if slow else [])]


def _round(*, shared: bool, seed: int, seconds: float) -> Came:
    server = begun() if shared else None
    try:
        with tempfile.TemporaryDirectory() as folder:
            return rage(Path(folder), server, seed=seed, seconds=seconds)
    finally:
        if server is not None:
            server.stop()


def main() -> None:
    """Play, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (10)")
    parser.add_argument("--seed", type=int, default=1, help="of the first round (1)")
    parser.add_argument("--write", type=Path, help="where the table is kept")
    asked = parser.parse_args()
    end, seed, wrong = time.monotonic() + asked.minutes * 60, asked.seed, False
    table = HEAD.format(when=datetime.now(UTC), minutes=asked.minutes, seed=asked.seed)
    while (left := end - time.monotonic()) > 0:
        shared = (seed - asked.seed) % 2 == 0
        came = _round(shared=shared, seed=seed, seconds=min(ROUND_SECONDS, left))
        where = "2 web, 2 workers, PostgreSQL" if shared else "1 process, SQLite"
        row = _row(where, seed, came)
        print(row, end="", file=sys.stderr, flush=True)  # noqa: T201
        table += row
        wrong = wrong or bool(_wrong(came))
        seed += 1
    print(table, end="")  # noqa: T201
    if asked.write:
        asked.write.write_text(table, encoding="utf-8")
    sys.exit(wrong)


if __name__ == "__main__":
    main()
