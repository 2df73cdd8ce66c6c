"""Where do data keys, tombstones and receipts live? In a schema that is never restored.

What a destroyed key sealed is gone, in every backup of the store. So the vault is backed
up apart, and only its newest copy is ever used: give it a database of its own where that
is how you back up.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from innkeeper.errors import KeyBroken, KeyMissing, ReceiptRefused, StoreUnavailable
from innkeeper.ids import InstallationId, ReceiptId
from innkeeper.store.addresses import PostgresAddress
from innkeeper.store.keys import INDEX, owner_index
from innkeeper.store.moments import to_micros
from innkeeper.store.postgres.connection import Connection
from innkeeper.store.postgres.database import Database
from innkeeper.store.postgres.listener import Listener
from innkeeper.store.records import Owner, Receipt, SigningKey, Tombstone
from innkeeper.store.rows import RECEIPT, TOMBSTONE, Row, read_tombstone
from innkeeper.store.seal import BlindIndex, KeyRing, new_key
from innkeeper.store.wrapping import SIGNING, SIGNING_KEY, Wrapping

_CACHE_SIZE: Final = 10_000
_TRIED: Final = 5
"""One key that was altered is no sign of a wrong ring."""
_DAYS: Final = "day:"
# Which keys of the ring wrap something, found in a few steps however many keys there are.
_RING_IDS: Final = (
    "WITH RECURSIVE used (id) AS (SELECT min(ring_id) FROM data_keys UNION ALL"
    " SELECT (SELECT min(ring_id) FROM data_keys WHERE ring_id > id) FROM used"
    " WHERE id IS NOT NULL)"
    " SELECT id FROM used WHERE id IS NOT NULL UNION SELECT ring_id FROM signing_keys"
)
_WRAPPED: Final = (
    "SELECT subject, wrapped FROM data_keys WHERE ring_id = $1 UNION ALL"
    " SELECT 'signing:' || id, wrapped FROM signing_keys WHERE ring_id = $1 LIMIT $2"
)
_COUNTS: Final = (
    "SELECT ring_id, count(*) FROM data_keys GROUP BY ring_id"
    " UNION ALL SELECT ring_id, count(*) FROM signing_keys GROUP BY ring_id"
)
_WRAP_ANEW: Final = {
    False: "UPDATE data_keys SET ring_id = $2, wrapped = $3 WHERE subject = $1 AND ring_id = $4",
    True: "UPDATE signing_keys SET ring_id = $2, wrapped = $3 WHERE id = $1 AND ring_id = $4",
}


class PostgresVault:
    """The vault in a schema of PostgreSQL; its keys are wrapped by the newest key of the ring.

    What it has read it knows by heart, until it hears that a key was destroyed.

    Args:
        app: The app's client id; a vault belongs to one app.
        read_only: Look only.
    """

    def __init__(
        self, address: PostgresAddress, keys: KeyRing, *, app: str, read_only: bool = False
    ) -> None:
        self._wrapping = Wrapping(keys, app=app)
        self._app = app
        self._db = Database(address, migrations="postgres_vault", read_only=read_only)
        self._known: dict[str, tuple[str, bytes]] = {}
        self._traces = True
        self._channel = f"{address.schema}_gone"
        self._listener = Listener(
            address, self._channel, heard=self._forget, back=self._known.clear
        )

    async def open(self) -> None:
        """Open the vault, making it when it is not there.

        Raises:
            StoreUnavailable: If it cannot be opened, or is another app's.
            KeyMissing: If the key ring lacks the key that wraps what is there.
        """
        await self._db.open()
        try:
            if not self._db.read_only:
                await self._db.change(
                    "INSERT INTO meta (name, value) VALUES ('app', $1) ON CONFLICT DO NOTHING",
                    self._app,
                )
            await self._check_ring()
        except BaseException:
            await self._db.close()
            raise
        self._listener.start()

    async def close(self) -> None:
        """Let go of the vault."""
        await self._listener.stop()
        await self._db.close()
        self._known.clear()

    def _forget(self, subject: str) -> None:
        """Forget a key that was destroyed, here or by another process."""
        if subject != _DAYS:
            self._known.pop(subject, None)
            return
        for each in [each for each in self._known if each.startswith(_DAYS)]:
            del self._known[each]

    # data keys

    async def make_key(self, subject: str) -> tuple[str, bytes]:
        """Make the data key of a subject, or return the one that is there: id and 32 bytes.

        Raises:
            StoreUnavailable: If it cannot be kept.
            KeyMissing: If the key ring lacks the key that wraps the one that is there.
        """
        known = await self.find_key(subject)
        if known is not None:
            return known
        key_id, key = new_key()
        await self._db.change(
            "INSERT INTO data_keys (subject, key_id, ring_id, wrapped) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (subject) DO NOTHING",
            *(subject, key_id, *self._wrapping.wrap(key, subject)),
        )
        made = await self.find_key(subject)
        if made is None:
            raise StoreUnavailable("the key cannot be used", "it was destroyed just now")
        return made

    async def find_key(self, subject: str) -> tuple[str, bytes] | None:
        """Find the data key of a subject.

        Raises:
            StoreUnavailable: If the vault cannot be read.
            KeyMissing: If the key ring lacks the key that wraps it.
        """
        known = self._known.get(subject)
        if known is not None:
            return known
        row = await self._db.row(
            "SELECT key_id, ring_id, wrapped FROM data_keys WHERE subject = $1", subject
        )
        if row is None:
            return None
        key_id, ring_id, wrapped = row
        key = self._wrapping.unwrap(ring_id, wrapped, subject)
        if len(self._known) >= _CACHE_SIZE:
            self._known.clear()
        self._known[subject] = (key_id, key)
        return key_id, key

    async def missing_keys(self, subjects: Sequence[str]) -> Sequence[str]:
        """Tell which of these subjects have no data key, without unwrapping any.

        Raises:
            StoreUnavailable: If the vault cannot be read.
        """
        rows = await self._db.rows(
            "SELECT unnest($1::text[]) EXCEPT SELECT subject FROM data_keys"
            " WHERE subject = ANY($1)",
            subjects,
        )
        return [str(row[0]) for row in rows]

    async def destroy_key(self, subject: str) -> bool:
        """Destroy a subject's data key: what it sealed is gone everywhere.

        Raises:
            StoreUnavailable: If it may be left; call it again.
        """
        deleted = await self._destroy("DELETE FROM data_keys WHERE subject = $1", subject, subject)
        return deleted > 0

    async def destroy_days_before(self, day: date) -> int:
        """Destroy the inbox keys of earlier days.

        Raises:
            StoreUnavailable: If some may be left.
        """
        return await self._destroy(
            "DELETE FROM data_keys WHERE subject COLLATE \"C\" >= 'day:'"
            ' AND subject COLLATE "C" < $1',
            f"{_DAYS}{day.isoformat()}",
            _DAYS,
        )

    async def _destroy(self, sql: str, value: str, told: str) -> int:
        async def job(connection: Connection) -> int:
            gone = await connection.fetch(f"{sql} RETURNING subject", value)
            if gone:
                await connection.execute("SELECT pg_notify($1, $2)", self._channel, told)
            return len(gone)

        deleted = await self._db.write(job)
        self._forget(told)
        if deleted:
            await self._db.vacuum("data_keys")
        return deleted

    # tombstones

    async def bury(self, tombstone: Tombstone, *, owner: Owner) -> None:
        """Keep a tombstone; of the owner only a keyed hash.

        Burying twice is burying once; of two removals the later one counts.

        Raises:
            StoreUnavailable: If it cannot be kept.
        """
        await self._db.change(
            "INSERT INTO tombstones (installation_id, generation, at, buried_at, owner_index)"
            " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (installation_id) DO UPDATE SET"
            " at = excluded.at, buried_at = excluded.buried_at, owner_index = excluded.owner_index"
            " WHERE excluded.at > tombstones.at",
            *(tombstone.installation_id, tombstone.generation),
            *(to_micros(tombstone.at), to_micros(tombstone.buried_at)),
            await self._owner_index(owner),
        )

    async def find_tombstone(self, owner: Owner) -> Tombstone | None:
        """Find the owner's latest tombstone.

        Raises:
            StoreUnavailable: If the vault cannot be read.
        """
        row = await self._db.row(
            f"{TOMBSTONE} WHERE owner_index = $1 ORDER BY at DESC, generation DESC LIMIT 1",
            await self._owner_index(owner),
        )
        return read_tombstone(row) if row else None

    async def tombstones(self) -> Mapping[InstallationId, Tombstone]:
        """List every tombstone by its installation.

        Raises:
            StoreUnavailable: If the vault cannot be read.
        """
        found = [read_tombstone(row) for row in await self._db.rows(TOMBSTONE)]
        return {tombstone.installation_id: tombstone for tombstone in found}

    async def forget_owners(self, *, buried_before: datetime) -> int:
        """Drop the owners' hashes of tombstones older than that; the tombstones stay.

        Raises:
            StoreUnavailable: If they cannot be dropped.
        """
        forgotten = await self._db.change(
            "UPDATE tombstones SET owner_index = NULL"
            " WHERE buried_at < $1 AND owner_index IS NOT NULL",
            to_micros(buried_before),
        )
        if forgotten:
            await self._db.vacuum("tombstones")
        return forgotten

    async def _owner_index(self, owner: Owner) -> bytes:
        _, key = await self.make_key(INDEX)
        return owner_index(BlindIndex(key, app=self._app), owner)

    # receipts

    async def keep_receipt(self, receipt: Receipt) -> None:
        """Keep a receipt where no restored backup can undo it. Keeping twice is keeping once.

        Raises:
            ReceiptRefused: If its place in the chain is taken by another: sign anew.
            StoreUnavailable: If it cannot be kept.
        """
        await self._db.change(
            "INSERT INTO receipts (id, sequence, document, signature, key_id)"
            " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            *(receipt.id, receipt.sequence, receipt.document, receipt.signature, receipt.key_id),
        )
        if await self.get_receipt(receipt.id) != receipt:
            raise ReceiptRefused("receipt not kept", "its place in the chain is taken")

    async def get_receipt(self, receipt_id: ReceiptId) -> Receipt | None:
        """Read a receipt.

        Raises:
            StoreUnavailable: If the vault cannot be read.
        """
        row = await self._db.row(f"{RECEIPT} WHERE id = $1", receipt_id)
        return Receipt(*row) if row else None

    async def receipts(self, *, after: int = 0, limit: int = 1000) -> Sequence[Receipt]:
        """List receipts in the order of their chain, from the one after this place.

        Raises:
            StoreUnavailable: If the vault cannot be read.
        """
        rows = await self._db.rows(
            f"{RECEIPT} WHERE sequence > $1 ORDER BY sequence LIMIT $2", after, limit
        )
        return [Receipt(*row) for row in rows]

    async def last_receipt(self) -> Receipt | None:
        """Read the newest receipt, from which the chain goes on.

        Raises:
            StoreUnavailable: If the vault cannot be read.
        """
        row = await self._db.row(f"{RECEIPT} ORDER BY sequence DESC LIMIT 1")
        return Receipt(*row) if row else None

    # signing keys

    async def signing_key(self) -> SigningKey:
        """Return the key that signs receipts, making the first when there is none.

        Raises:
            StoreUnavailable: If it cannot be kept.
            KeyMissing: If the key ring lacks the key that wraps it.
        """
        keys = await self.signing_keys()
        if not keys:
            await self._add_signing_key(first=True)
            keys = await self.signing_keys()
        return keys[-1]

    async def signing_keys(self) -> Sequence[SigningKey]:
        """List all signing keys, oldest first, each endorsed by the one before.

        Raises:
            StoreUnavailable: If the vault cannot be read.
            KeyMissing: If the key ring lacks the key that wraps one.
        """
        rows = await self._db.rows(f"{SIGNING_KEY} ORDER BY sequence")
        return [self._wrapping.read_signing_key(row) for row in rows]

    async def replace_signing_key(self) -> SigningKey:
        """Make a new key to sign receipts with, endorsed by the one so far.

        Raises:
            StoreUnavailable: If it cannot be kept.
        """
        await self._add_signing_key(first=False)
        return await self.signing_key()

    async def _add_signing_key(self, *, first: bool) -> None:
        async def job(connection: Connection) -> None:
            await connection.execute("LOCK TABLE signing_keys IN EXCLUSIVE MODE")
            newest = await connection.fetchrow(f"{SIGNING_KEY} ORDER BY sequence DESC LIMIT 1")
            if newest is not None and first:
                return
            older = self._wrapping.read_signing_key(newest) if newest else None
            await connection.execute(
                "INSERT INTO signing_keys (id, public, ring_id, wrapped, endorsed_by, endorsement)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                *self._wrapping.draw_signing_key(older),
            )

        await self._db.write(job)

    # the ring

    async def wrapped_by(self) -> Mapping[str, int]:
        """Count the keys that each key of the ring wraps, by its id; not those that wrap none.

        Raises:
            StoreUnavailable: If the vault cannot be read.
        """
        counts: Counter[str] = Counter()
        for ring_id, count in await self._db.rows(_COUNTS):
            counts[ring_id] += count
        return counts

    async def wrap_anew(self, *, limit: int) -> int:
        """Wrap with the newest key of the ring some keys that an older one wraps; say how many.

        It can be stopped anywhere and called again. Once it says 0, no row is left that an
        older key could open.

        Raises:
            StoreUnavailable: If it could not be done; call it again.
            KeyMissing: If the key ring lacks the key that wraps one.
            KeyBroken: If one was altered; what is whole has been wrapped anew before.
        """
        count = await self._db.write(lambda connection: self._wrap_some(connection, limit))
        if count:
            self._traces = True
        elif self._traces:
            await self._db.vacuum("data_keys", "signing_keys")
            self._traces = False
        return count

    async def _wrap_some(self, connection: Connection, limit: int) -> int:
        newest = self._wrapping.ring.ids[0]
        broken: list[str] = []
        for (ring_id,) in await connection.fetch(_RING_IDS):
            if ring_id == newest:
                continue
            count = 0
            for subject, wrapped in await connection.fetch(_WRAPPED, ring_id, limit):
                try:
                    key = self._wrapping.unwrap(ring_id, wrapped, subject)
                except KeyBroken:
                    broken.append(subject)
                    continue
                name = subject.removeprefix(SIGNING)
                await connection.execute(
                    _WRAP_ANEW[name != subject],
                    *(name, *self._wrapping.wrap(key, subject), ring_id),
                )
                count += 1
            if count:
                return count
        if broken:
            raise KeyBroken("a key in the vault does not open", f"that of {broken[0]}")
        return 0

    async def _check_ring(self) -> None:
        """Open something that each key of the ring wraps, so that a wrong one stops the start."""
        schema = self._db.address.schema
        owner: Row | None = await self._db.row("SELECT value FROM meta WHERE name = 'app'")
        if owner is not None and owner[0] != self._app:
            raise StoreUnavailable(f"the schema {schema} is another app's vault", str(owner[0]))
        for (ring_id,) in await self._db.rows(_RING_IDS):
            rows = await self._db.rows(_WRAPPED, ring_id, _TRIED)
            if not self._wrapping.opens_any(ring_id, rows):
                why = f"the key with the id {ring_id} is not the one that was used"
                raise KeyMissing("the key ring is wrong", why)
