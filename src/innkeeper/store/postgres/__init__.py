"""The store for many machines: PostgreSQL, through asyncpg (extra `postgres`)."""

from innkeeper.store.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
