"""The page that draws the floors draws what is there."""

import re

from tests.docs.blocks import ROOT, all_blocks

SOURCE = ROOT / "src" / "innkeeper"
FLOORS = next(b.text for b in all_blocks("") if b.path == ROOT / "ARCHITECTURE.md")


def test_every_file_it_names_is_there():
    files = set(re.findall(r"\b\w+\.py\b", FLOORS))
    folders = set(re.findall(r"\b(\w+)/(?=\s)", FLOORS))

    assert "receive.py" in files
    assert "emulator" in folders
    assert files - {path.name for path in SOURCE.rglob("*.py")} == set()
    assert folders - {path.name for path in SOURCE.rglob("*") if path.is_dir()} == set()


def test_every_module_and_folder_is_named():
    there = {path.name for path in SOURCE.iterdir() if path.suffix == ".py"} - {"__init__.py"}
    flows = {path.name for path in (SOURCE / "flows").glob("*.py")} - {"__init__.py"}
    folders = {f"{path.parent.name}/" for path in SOURCE.glob("*/__init__.py")}

    assert [name for name in there | flows | folders if name not in FLOORS] == []


def test_it_is_one_page():
    assert len((ROOT / "ARCHITECTURE.md").read_text("utf-8").splitlines()) <= 120
