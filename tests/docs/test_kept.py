"""Everything that is kept is listed for whoever must answer for it."""

import re
from importlib import resources
from pathlib import Path

import pytest

from innkeeper.store.sqlite.connection import connect, make_private, migrate
from tests.docs.blocks import ROOT

PAGE = (ROOT / "docs" / "explanation" / "what-is-kept.md").read_text("utf-8")
PARTS = {"The database": ("sqlite", "postgres"), "The vault": ("vault", "postgres_vault")}
Tables = dict[str, set[str]]


def listed(part: str) -> dict[str, list[str]]:
    """Read a part's table: the cells after the name of each table."""
    section = re.split(r"^## ", PAGE.partition(f"\n## {part}\n")[2], flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in rows}


def columns_listed(part: str) -> Tables:
    return {name: set(re.findall(r"`(\w+)`", cells[0])) for name, cells in listed(part).items()}


def on_sqlite(schema: str, folder: Path) -> Tables:
    path = str(folder / schema)
    make_private(path)
    connection = connect(path)
    migrate(connection, schema=schema, path=path)
    names = connection.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")
    found = {
        name: {row[1] for row in connection.rows(f"PRAGMA table_info({name})")}
        for (name,) in names
        if not name.startswith("sqlite_")
    }
    connection.close()
    return found


def on_postgres(schema: str) -> Tables:
    """Read what the migrations make, as they write it: one column a line."""
    files = resources.files("innkeeper.store").joinpath("schema", schema).iterdir()
    text = "\n".join(file.read_text("utf-8") for file in sorted(files, key=lambda each: each.name))
    found = {
        name: set(re.findall(r"^    ([a-z_]+) [A-Z]", body, re.MULTILINE))
        for name, body in re.findall(r"^CREATE TABLE (\w+) \(\n(.*?)^\)", text, re.M | re.S)
    }
    for name, column in re.findall(r"ALTER TABLE (\w+) ADD COLUMN (\w+)", text):
        found[name].add(column)
    return found


@pytest.mark.parametrize("part", PARTS)
def test_every_table_and_column_is_listed_and_no_other(part: str, tmp_path: Path) -> None:
    sqlite, postgres = PARTS[part]
    there = on_sqlite(sqlite, tmp_path)
    assert len(there) >= 5
    for name, columns in on_postgres(postgres).items():
        there[name] = there.get(name, set()) | columns
    assert columns_listed(part) == there


@pytest.mark.parametrize("part", PARTS)
def test_each_says_why_how_long_and_what_is_sealed_with_what(part: str) -> None:
    for name, (columns, about, why, key, how_long) in listed(part).items():
        assert about.endswith("."), name
        assert why.endswith("."), name
        assert how_long.endswith("."), name
        sealed = {"`sealed`", "`wrapped`"} & set(columns.split())
        assert bool(key) is bool(sealed), name
