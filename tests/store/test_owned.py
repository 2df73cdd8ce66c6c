"""Tables of a bot's own: what is found, what is deleted, and nothing of anybody else."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.errors import StoreUnavailable
from innkeeper.store.owned import OwnedDatabase, OwnedTable, quoted

ODD = ['odd"name', "drop table notes; --", "select", "naïve", "with space", "'", "[x]"]


def made(path: Path, script: str) -> Path:
    with sqlite3.connect(path) as connection:
        connection.executescript(script)
    connection.close()
    return path


def notes(path: Path, shape: str = "(id INTEGER PRIMARY KEY, user TEXT, text TEXT)") -> Path:
    return made(path, f"CREATE TABLE notes {shape};")


def garbage(path: Path) -> Path:
    path.write_bytes(b"no database" * 100)
    return path


def fill(path: Path, user: str, count: int) -> None:
    with sqlite3.connect(path) as connection:
        rows = [(user, f"canary-of-{user}-{number}") for number in range(count)]
        connection.executemany("INSERT INTO notes (user, text) VALUES (?, ?)", rows)
    connection.close()


@pytest.mark.parametrize(
    "shape",
    [
        "(id INTEGER PRIMARY KEY, user TEXT, text TEXT)",
        "(user TEXT, text TEXT PRIMARY KEY)",
        "(user TEXT, text TEXT PRIMARY KEY) WITHOUT ROWID",
        "(rowid TEXT DEFAULT 'same', user TEXT, text TEXT)",
        "(rowid TEXT DEFAULT 'same', oid TEXT, _rowid_ TEXT, user TEXT, text TEXT)",
    ],
)
def test_deletes_all_of_one_and_nothing_of_another(tmp_path: Path, shape: str) -> None:
    path = notes(tmp_path / "notes.db", shape)
    fill(path, "ana", 1203)
    fill(path, "ben", 7)
    table = OwnedTable("notes", path)
    assert table.count({"user": "ana"}) == 1203
    assert table.delete({"user": "ana"}) == 1203
    assert table.delete({"user": "ana"}) == 0
    assert (table.count({"user": "ana"}), table.count({"user": "ben"})) == (0, 7)


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_leaves_nothing_in_the_file(tmp_path: Path, mode: str) -> None:
    path = made(tmp_path / "notes.db", f"PRAGMA journal_mode = {mode};")
    notes(path)
    fill(path, "ana", 40)
    fill(path, "ben", 1)
    OwnedTable("notes", str(path)).delete({"user": "ana"})
    left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"canary-of-ana" not in left
    assert b"canary-of-ben" in left


def test_says_so_if_the_log_cannot_be_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("innkeeper.store.owned._WAITS_SECONDS", 0.01)
    path = made(tmp_path / "notes.db", "PRAGMA journal_mode = wal;")
    notes(path)
    fill(path, "ana", 3)
    reader = sqlite3.connect(path)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM notes").fetchall()
    with pytest.raises(StoreUnavailable, match="cannot be cut"):
        OwnedTable("notes", path).delete({"user": "ana"})
    reader.close()
    assert OwnedTable("notes", path).delete({"user": "ana"}) == 0


@pytest.mark.parametrize("name", ODD)
def test_a_name_is_a_name_whatever_stands_in_it(tmp_path: Path, name: str) -> None:
    table, column = quoted(name), quoted(name + " of whom")
    path = made(tmp_path / "odd.db", f"CREATE TABLE {table} ({column} TEXT);")
    with sqlite3.connect(path) as connection:
        connection.execute(f"INSERT INTO {table} VALUES ('ana'), ('ben')")  # noqa: S608  # it is what is tested
    connection.close()
    owned = OwnedTable(name, path)
    assert owned.delete({name + " of whom": "ana"}) == 1
    assert owned.count({name + " of whom": "ben"}) == 1


@given(st.text())
def test_a_value_is_never_read_as_a_statement(value: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE notes (user TEXT)")
    connection.execute("INSERT INTO notes VALUES ('ana')")

    class Kept:
        """The same connection each time: what is in memory would be gone."""

        cursor, commit = connection.cursor, connection.commit

        def close(self) -> None: ...

    table = OwnedTable("notes", Kept)
    try:
        assert table.delete({"user": value}) == (1 if value == "ana" else 0)
    except UnicodeEncodeError:  # a lone surrogate is no text
        return
    finally:
        connection.close()


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_refuses_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        quoted(name)


@pytest.mark.parametrize(
    "prepare",
    [Path, notes, garbage],
    ids=["no file", "no table", "no database"],
)
def test_what_cannot_be_looked_into_is_no_success(
    tmp_path: Path, prepare: Callable[[Path], Path]
) -> None:
    prepare(tmp_path / "notes.db")
    for ask in (OwnedTable.count, OwnedTable.delete):
        with pytest.raises(StoreUnavailable):
            ask(OwnedTable("other", tmp_path / "notes.db"), {"user": "ana"})
    assert {file.name for file in tmp_path.iterdir()} <= {"notes.db"}


class Foreign:
    """A DB-API connection of another database, which writes its places as %s."""

    def __init__(self, log: list[tuple[str, tuple[str, ...]]]) -> None:
        self._log = log
        self.rowcount = 3

    def cursor(self) -> "Foreign":
        return self

    def execute(self, operation: str, parameters: tuple[str, ...], /) -> None:
        self._log.append((operation, parameters))

    def fetchone(self) -> tuple[int]:
        return (0,)

    def commit(self) -> None:
        self._log.append(("commit", ()))

    def close(self) -> None:
        self._log.append(("close", ()))


def test_speaks_to_another_database_in_its_manner() -> None:
    log: list[tuple[str, tuple[str, ...]]] = []
    table = OwnedTable("notes", lambda: Foreign(log), "format")
    assert table.delete({"user": "ana", "account": "a1"}) == 3
    assert table.count({"user": "ana"}) == 0
    assert log == [
        ('DELETE FROM "notes" WHERE "user" = %s AND "account" = %s', ("ana", "a1")),
        ("commit", ()),
        ("close", ()),
        ('SELECT count(*) FROM "notes" WHERE "user" = %s', ("ana",)),
        ("close", ()),
    ]


def test_finds_tables_that_seem_to_name_somebody(tmp_path: Path) -> None:
    path = made(
        tmp_path / "own.db",
        """
        CREATE TABLE notes (id INTEGER PRIMARY KEY, user_id TEXT, text TEXT);
        CREATE TABLE tickets (number INTEGER, accountId TEXT, assignee_jid TEXT);
        CREATE TABLE contacts (email TEXT, name TEXT);
        CREATE TABLE rooms (id INTEGER, name TEXT, floor INTEGER, useful TEXT, video TEXT);
        CREATE TABLE teams (owner_id TEXT);
        """,
    )
    found = OwnedDatabase(path, frozenset({"teams"})).personal_tables()
    assert found == {
        "notes": ["user_id"],
        "tickets": ["accountId", "assignee_jid"],
        "contacts": ["email"],
    }
    assert OwnedDatabase(lambda: Foreign([])).personal_tables() == {}
