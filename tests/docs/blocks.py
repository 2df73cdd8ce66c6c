"""What code stands in the documents? Blocks, by the name in their first line.

A Python block that begins with `# bot.py` is a whole bot; `# bot.py, continued` goes on
where the one before ended. `# test_bot.py` holds tests of the bot above it. All of these
are run. Other Python blocks show a part; they are compiled.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
BOT = "# bot.py"
MORE_BOT = "# bot.py, continued"
TESTS = "# test_bot.py"

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^\1```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    path: Path
    language: str
    text: str

    @property
    def first_line(self) -> str:
        return self.text.partition("\n")[0].strip()

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}: {self.first_line[:60]}"


@dataclass
class Story:
    """A bot as far as a document has got with it, and the tests of it there."""

    path: Path
    bot: str
    tests: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}, {len(self.bot.splitlines())} lines"


def documents() -> list[Path]:
    """Every document that is ours: at the root and under docs/."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("changelog.d/README.md")]
    return sorted(path for path in found if "node_modules" not in path.parts)


def blocks(path: Path) -> Iterator[Block]:
    for found in _FENCE.finditer(path.read_text("utf-8")):
        indent = found["indent"]
        lines = [line.removeprefix(indent) for line in found["text"].splitlines()]
        yield Block(path, found["language"], "\n".join(lines) + "\n")


def all_blocks(language: str) -> list[Block]:
    return [each for path in documents() for each in blocks(path) if each.language == language]


def stories() -> list[Story]:
    """Every bot that a document tells, in each of its stages."""
    told: list[Story] = []
    for path in documents():
        here: list[Story] = []
        for block in blocks(path):
            if block.language != "python":
                continue
            if block.first_line == BOT:
                here.append(Story(path, block.text))
            elif block.first_line == MORE_BOT:
                here.append(Story(path, here[-1].bot + "\n\n" + block.text))
            elif block.first_line == TESTS:
                here[-1].tests.append(block.text)
        told += here
    return told
