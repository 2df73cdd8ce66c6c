"""How far is a schema migrated? Looked at, or changed, by an operator from outside the app."""

from innkeeper.store.addresses import PostgresAddress
from innkeeper.store.postgres.connection import Connections
from innkeeper.store.postgres.migrations import Standing, migrate, standing


async def look(address: PostgresAddress, folder: str) -> Standing:
    """Look how far a schema is migrated.

    Raises:
        StoreUnavailable: If it cannot be reached.
    """
    connections = Connections(address)
    await connections.open()
    try:
        async with connections.taken() as connection:
            return await standing(connection, schema=address.schema, folder=folder)
    finally:
        await connections.close()


async def make_missing(address: PostgresAddress, folder: str) -> int:
    """Make the migrations that are missing; say how many.

    Raises:
        StoreUnavailable: If it cannot be reached, or is too new for this code.
    """
    connections = Connections(address)
    await connections.open()
    try:
        async with connections.taken() as connection:
            return await migrate(connection, schema=address.schema, folder=folder)
    finally:
        await connections.close()
