"""What is said to be met is held by tests that exist, and every wish has its line."""

import ast
import re

import pytest

from tests.docs.blocks import ROOT

ROWS = re.findall(
    r"^\| (\d+) \| (.+?) \| (met|in part|not yet) \| (.*?) \|$",
    (ROOT / "docs/reference/wishes.md").read_text("utf-8"),
    re.MULTILINE,
)
NAMED = sorted({name for *_, held in ROWS for name in re.findall(r"`([\w/]+\.py::\w+)`", held)})


def test_every_wish_has_its_line():
    assert [int(number) for number, *_ in ROWS] == list(range(1, 62))


def test_what_is_met_is_held_and_what_is_not_says_what_is_missing():
    for number, _, state, held in ROWS:
        said = re.sub(r"`[\w/]+\.py::\w+`[,;]? ?", "", held)
        assert state != "met" or "`" in held, number
        assert state == "met" or said, number


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_is_named_exists(name: str):
    file, _, wanted = name.partition("::")
    tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    assert wanted in {node.name for node in ast.walk(tree) if isinstance(node, functions)}
