"""The store and the vault for many machines: PostgreSQL, through asyncpg (extra `postgres`)."""

from innkeeper.store.postgres.store import PostgresStore
from innkeeper.store.postgres.vault import PostgresVault

__all__ = ["PostgresStore", "PostgresVault"]
