"""What can be seen and done beside the store, with the files alone."""

import stat
from pathlib import Path

import apsw

from innkeeper.store.sqlite.connection import Connection, Row


def by_hand(folder: Path, sql: str) -> list[Row]:
    """Do to the database what only somebody beside the store can."""
    connection = Connection(
        str(folder / "store.db"),
        flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE,
        waits_ms=1000,
    )
    rows = connection.rows(sql)
    connection.close()
    return rows


def on_disk(folder: Path, name: str = "") -> bytes:
    files = [file for file in sorted(folder.iterdir()) if file.name.startswith(name)]
    return b"".join(file.read_bytes() for file in files)


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
