"""The embedded store: SQLite, in one process, through a SQLite of its own (apsw)."""

from innkeeper.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
