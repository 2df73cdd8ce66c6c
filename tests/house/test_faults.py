"""Is there a test for every fault that one machine can have? A test says which by its number."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

FAULTS = {
    "F01": "killed before a body is whole",
    "F02": "killed when the MAC is right, and nothing is written",
    "F03": "killed between the insert and the commit",
    "F04": "killed when it is durable, and not answered",
    "F05": "killed within the answer",
    "F06": "killed when it is claimed, and no handler has begun",
    "F07": "killed after the effect, before the end",
    "F08": "killed between the end and its commit",
    "F09": "stands still beyond its lease, and goes on",
    "F10": "told to end twice, with 500 under way",
    "F11": "killed at random, events doubled and shuffled",
    "F12": "dies between a code's exchange and its commit",
    "F13": "dies between a refresh and its commit",
    "F14": "the answer to a refresh is lost",
    "F15": "eight at one expiry",
    "F16": "the holder of a refresh's lease stands still",
    "F17": "the token endpoint is down",
    "F18": "the token endpoint drips",
    "F19": "429 for minutes",
    "F20": "5,000 grants expire together",
    "F21": "a callback comes twice at once",
    "F22": "a backup is put back within an install",
    "F23": "a key rotation is killed",
    "F24": "the key service is gone",
    "F25": "killed before a tombstone",
    "F26": "killed before any step of a purge",
    "F27": "killed before a receipt",
    "F28": "a purge meets anybody, in any order",
    "F29": "what stands elsewhere is not deleted, or is said to be",
    "F32": "a removal that never came",
    "F33": "a reinstall races a purge",
    "F34": "a purge of very much, while others are served",
    "F35": "another process locks the database",
    "F36": "the disk is full",
    "F37": "the disk fails to write, or to sync",
    "F38": "read only, or the folder is gone",
    "F39": "a damaged file",
    "F40": "a slow disk",
    "F41": "PostgreSQL restarts again and again",
    "F42": "a commit whose answer is lost",
    "F43": "PostgreSQL fails over to its standby",
    "F44": "PostgreSQL is crowded, locked, or gives up a transaction",
    "F45": "a migration fails, or two versions run at once",
    "F46": "two processes on one SQLite file",
    "F47": "the clock jumps",
    "F48": "the clock is wrong",
    "F49": "odd moments",
    "F50": "the machine is paused for two hours",
    "F51": "no way to the database, or to Zoom",
    "F52": "requests arrive, and answers do not",
    "F53": "a bad line: late, in pieces, cut off",
    "F54": "names lead nowhere, or somewhere else",
    "F55": "events doubled and in any order",
    "F56": "Zoom asks again while the first is still under way",
    "F57": "our answer is lost",
    "F58": "very many at once, and then nobody",
    "F59": "no memory left",
    "F60": "no descriptors left",
    "F61": "a handler that never ends",
    "F62": "an event that ends the process each time",
    "F63": "a log that takes nothing",
    "F64": "the file with the keys is replaced, or cannot be read any more",
    "F65": "one after the other is replaced, under traffic",
    "F66": "the event loop stands still",
}
ELSEWHERE = {
    "F30": "leavings in free pages and logs: tests/store/sqlite/test_leavings.py, for every table",
    "F31": "an old backup is put back: tests/contracts and tests/journeys/test_forgetting.py",
}
"""Why no test has its number."""

_NAMED = re.compile(r"(?:def test_|\bids?=|^\s*\"|#).*", re.MULTILINE)
_NUMBER = re.compile(r"(?<![A-Za-z0-9])[Ff](\d\d)(?![0-9])")


@pytest.fixture(scope="module")
def named() -> set[str]:
    """Collect the numbers that tests name: in their own names, their ids, or beside them."""
    found: set[str] = set()
    for file in TESTS.rglob("test_*.py"):
        if file == Path(__file__) or "node_modules" in file.parts:
            continue
        for line in _NAMED.findall(file.read_text(encoding="utf-8")):
            found.update(f"F{number}" for number in _NUMBER.findall(line))
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_a_test_names_it(fault: str, named: set[str]) -> None:
    assert fault in named, FAULTS[fault]


def test_every_number_is_accounted_for_once() -> None:
    assert not FAULTS.keys() & ELSEWHERE.keys()
    assert FAULTS.keys() | ELSEWHERE.keys() == {f"F{number:02}" for number in range(1, 67)}
