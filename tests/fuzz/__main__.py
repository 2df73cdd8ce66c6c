"""Let Atheris lead, which sees the branches that an input takes: for as long as you like.

    python -m tests.fuzz [NAME] [--seconds N] [--seed N] [--json]
    python -m tests.fuzz NAME --again found-NAME

Without a name all surfaces share the seconds. What went wrong is kept in a file beside you.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tests.fuzz import guided


def main() -> None:
    """Play, and say of each surface what came of it."""
    if not guided.belongs_here():
        sys.exit(guided.NEEDS)
    guide = guided.Guide()
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("name", nargs="?", choices=guide.names, help="of a surface (all)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long, all told (60)")
    parser.add_argument("--seed", type=int, default=0, help="libFuzzer's (another each time)")
    parser.add_argument("--keep", type=Path, default=Path(), help="where what failed is kept (.)")
    parser.add_argument("--again", type=Path, help="play an input that was kept, and end")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each surface")
    asked = parser.parse_args()
    if asked.again:
        guide.again(asked.name, asked.again.read_bytes())
        return
    wrong = False
    for name in [asked.name] if asked.name else guide.names:
        share = asked.seconds if asked.name else asked.seconds / len(guide.names)
        came = guide.play(name, seconds=share, seed=asked.seed, kept=asked.keep)
        told = f"{name}: {came.played:,} inputs in {came.seconds:.0f} s; {came.wrong or 'nothing'}"
        print(json.dumps(asdict(came)) if asked.json else told, flush=True)  # noqa: T201
        wrong = wrong or bool(came.wrong)
    sys.exit(wrong)


if __name__ == "__main__":
    main()
