"""What two strict type checkers say of a bot: nothing of a good one, all of a bad one."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from innkeeper.cli.botfile import load_bot

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GOOD, BAD = HERE / "bot_that_passes.py", HERE / "bot_of_mistakes.py"
MARK = re.compile(r"  # wrong: ")

pytestmark = pytest.mark.slow


Found = dict[Path, dict[int, str]]


@cache
def mypy() -> Found:
    """Give what mypy finds in both, by line."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--enable-error-code=unused-awaitable",
         "--no-error-summary", "--no-pretty", "--hide-error-context", str(GOOD), str(BAD)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.findall(r"^(.*?):(\d+): error: (.*)$", done.stdout, re.MULTILINE)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    assert bool(found) == bool(done.returncode), done.stdout
    return _by_file((ROOT / name, int(line), text) for name, line, text in found)


@cache
def pyright() -> Found:
    """Give what pyright finds in both, by line."""
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", str(GOOD), str(BAD)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = json.loads(done.stdout)["generalDiagnostics"]
    return _by_file(
        (Path(each["file"]), each["range"]["start"]["line"] + 1, each["message"])
        for each in found
        if each["severity"] == "error"
    )


def _by_file(found: Iterable[tuple[Path, int, str]]) -> Found:
    by_file: Found = {GOOD: {}, BAD: {}}
    for file, line, text in found:
        by_file[file][line] = text
    return by_file


def test_the_bot_that_passes_starts():
    assert len(load_bot(GOOD).routes()) > 10


@pytest.mark.parametrize("check", [mypy, pyright], ids=lambda check: check.__name__)
def test_a_bot_as_its_author_would_write_it_passes(check):
    assert check()[GOOD] == {}


@pytest.mark.parametrize("check", [mypy, pyright], ids=lambda check: check.__name__)
def test_each_typical_mistake_is_found_on_its_line(check):
    lines = BAD.read_text("utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if MARK.search(line)}
    found = check()[BAD]

    assert len(wrong) > 50
    assert {number: lines[number - 1] for number in wrong - set(found)} == {}
    assert {number: (lines[number - 1], found[number]) for number in set(found) - wrong} == {}
