"""A name says what is inside."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
FOLDERS = [ROOT / name for name in ("src", "tests", "examples", "bench", "scripts", "docs")]


@pytest.mark.parametrize("folder", [one for one in FOLDERS if one.exists()], ids=lambda p: p.name)
def test_no_file_has_a_name_that_says_nothing(folder):
    found = [
        path
        for path in folder.rglob("*")
        if "node_modules" not in path.parts
        and NAMELESS & set(path.stem.lower().replace("-", "_").split("_"))
    ]

    assert found == []


def test_the_folders_were_found():
    assert (ROOT / "src" / "innkeeper" / "errors.py") in (ROOT / "src").rglob("errors.py")
