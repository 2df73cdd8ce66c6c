"""Where do data keys, tombstones and receipts live? In a file that is never restored.

What a destroyed key sealed is gone, in every backup of the database. So the vault is
backed up apart, and only its newest copy is ever used.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from innkeeper.errors import KeyBroken, KeyMissing, ReceiptRefused, StoreUnavailable
from innkeeper.ids import InstallationId, ReceiptId
from innkeeper.store.keys import INDEX, owner_index
from innkeeper.store.moments import to_micros
from innkeeper.store.records import Owner, Receipt, SigningKey, Tombstone
from innkeeper.store.rows import RECEIPT, TOMBSTONE, read_tombstone
from innkeeper.store.seal import BlindIndex, KeyRing, new_key
from innkeeper.store.sqlite.connection import Connection, Row
from innkeeper.store.sqlite.database import Database, listed
from innkeeper.store.wrapping import SIGNING, SIGNING_KEY, Wrapping

_CACHE_SIZE: Final = 10_000
_TRIED: Final = 5
"""One key that was altered is no sign of a wrong ring."""
# Which keys of the ring wrap something, found in a few steps however many keys there are.
_RING_IDS: Final = (
    "WITH RECURSIVE used (id) AS (SELECT min(ring_id) FROM data_keys UNION ALL"
    " SELECT (SELECT min(ring_id) FROM data_keys WHERE ring_id > id) FROM used WHERE id NOT NULL)"
    " SELECT id FROM used WHERE id NOT NULL UNION SELECT ring_id FROM signing_keys"
)
_WRAPPED: Final = (
    "SELECT rowid, subject, wrapped FROM data_keys WHERE ring_id = ?1 UNION ALL"
    " SELECT rowid, 'signing:' || id, wrapped FROM signing_keys WHERE ring_id = ?1 LIMIT ?2"
)
_COUNTS: Final = (
    "SELECT ring_id, count(*) FROM data_keys GROUP BY ring_id"
    " UNION ALL SELECT ring_id, count(*) FROM signing_keys GROUP BY ring_id"
)
_WRAP_DATA_ANEW: Final = "UPDATE data_keys SET ring_id = ?, wrapped = ? WHERE rowid = ?"
_WRAP_SIGNING_ANEW: Final = "UPDATE signing_keys SET ring_id = ?, wrapped = ? WHERE rowid = ?"


class SqliteVault:
    """The vault in a SQLite file; its keys are wrapped by the newest key of the ring.

    Args:
        app: The app's client id; a vault belongs to one app.
        read_only: Look only, also while the app runs.
    """

    def __init__(self, path: str, keys: KeyRing, *, app: str, read_only: bool = False) -> None:
        self._path = path
        self._wrapping = Wrapping(keys, app=app)
        self._app = app
        self._db = Database(path, schema="vault", read_only=read_only)
        self._known: dict[str, tuple[str, bytes]] = {}
        self._traces = True

    async def open(self) -> None:
        """Open the vault, making it when it is not there.

        Raises:
            StoreUnavailable: If it cannot be opened, or is another app's.
            KeyMissing: If the key ring lacks the key that wraps what is there.
        """
        self._db.open()
        try:
            self._check_ring()
            if not self._db.read_only:
                await self._db.change(
                    "INSERT INTO meta (name, value) VALUES ('app', ?) ON CONFLICT DO NOTHING",
                    self._app,
                )
        except BaseException:
            await self._db.close()
            raise

    async def close(self) -> None:
        """Let go of the vault."""
        await self._db.close()
        self._known.clear()

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
            "INSERT INTO data_keys (subject, key_id, ring_id, wrapped) VALUES (?, ?, ?, ?)"
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
        row = self._db.row(
            "SELECT key_id, ring_id, wrapped FROM data_keys WHERE subject = ?", subject
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
        found = self._db.rows(
            "SELECT value FROM json_each(?)"
            " WHERE NOT EXISTS (SELECT 1 FROM data_keys WHERE subject = value)",
            listed(subjects),
        )
        return [str(each) for (each,) in found]

    async def destroy_key(self, subject: str) -> bool:
        """Destroy a subject's data key beyond recovery: what it sealed is gone everywhere.

        Raises:
            StoreUnavailable: If something of it may be left; call it again.
        """
        deleted = await self._db.change("DELETE FROM data_keys WHERE subject = ?", subject)
        self._known.pop(subject, None)
        await self._db.wipe()
        return deleted > 0

    async def destroy_days_before(self, day: date) -> int:
        """Destroy the inbox keys of earlier days.

        Raises:
            StoreUnavailable: If something of them may be left.
        """
        deleted = await self._db.change(
            "DELETE FROM data_keys WHERE subject BETWEEN 'day:' AND ? AND subject <> ?",
            *(f"day:{day.isoformat()}", f"day:{day.isoformat()}"),
        )
        if deleted:
            for subject in [each for each in self._known if each.startswith("day:")]:
                del self._known[subject]
            await self._db.wipe()
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
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT (installation_id) DO UPDATE SET"
            " at = excluded.at, buried_at = excluded.buried_at, owner_index = excluded.owner_index"
            " WHERE excluded.at > at",
            *(tombstone.installation_id, tombstone.generation),
            *(to_micros(tombstone.at), to_micros(tombstone.buried_at)),
            await self._owner_index(owner),
        )

    async def find_tombstone(self, owner: Owner) -> Tombstone | None:
        """Find the owner's latest tombstone.

        Raises:
            StoreUnavailable: If the vault cannot be read.
        """
        row = self._db.row(
            f"{TOMBSTONE} WHERE owner_index = ? ORDER BY at DESC, generation DESC LIMIT 1",
            await self._owner_index(owner),
        )
        return read_tombstone(row) if row else None

    async def tombstones(self) -> Mapping[InstallationId, Tombstone]:
        """List every tombstone by its installation.

        Raises:
            StoreUnavailable: If the vault cannot be read.
        """
        found = [read_tombstone(row) for row in self._db.rows(TOMBSTONE)]
        return {tombstone.installation_id: tombstone for tombstone in found}

    async def forget_owners(self, *, buried_before: datetime) -> int:
        """Drop the owners' hashes of tombstones older than that; the tombstones stay.

        Raises:
            StoreUnavailable: If they cannot be dropped.
        """
        forgotten = await self._db.change(
            "UPDATE tombstones SET owner_index = NULL"
            " WHERE buried_at < ? AND owner_index IS NOT NULL",
            to_micros(buried_before),
        )
        if forgotten:
            await self._db.wipe()
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
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            *(receipt.id, receipt.sequence, receipt.document, receipt.signature, receipt.key_id),
        )
        if await self.get_receipt(receipt.id) != receipt:
            raise ReceiptRefused("receipt not kept", "its place in the chain is taken")

    async def get_receipt(self, receipt_id: ReceiptId) -> Receipt | None:
        """Read a receipt.

        Raises:
            StoreUnavailable: If the vault cannot be read.
        """
        row = self._db.row(f"{RECEIPT} WHERE id = ?", receipt_id)
        return Receipt(*row) if row else None

    async def receipts(self, *, after: int = 0, limit: int = 1000) -> Sequence[Receipt]:
        """List receipts in the order of their chain, from the one after this place.

        Raises:
            StoreUnavailable: If the vault cannot be read.
        """
        rows = self._db.rows(
            f"{RECEIPT} WHERE sequence > ? ORDER BY sequence LIMIT ?", after, limit
        )
        return [Receipt(*row) for row in rows]

    async def last_receipt(self) -> Receipt | None:
        """Read the newest receipt, from which the chain goes on.

        Raises:
            StoreUnavailable: If the vault cannot be read.
        """
        row = self._db.row(f"{RECEIPT} ORDER BY sequence DESC LIMIT 1")
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
            await self._db.write(lambda connection: self._add_signing_key(connection, first=True))
            keys = await self.signing_keys()
        return keys[-1]

    async def signing_keys(self) -> Sequence[SigningKey]:
        """List all signing keys, oldest first, each endorsed by the one before.

        Raises:
            StoreUnavailable: If the vault cannot be read.
            KeyMissing: If the key ring lacks the key that wraps one.
        """
        return [
            self._wrapping.read_signing_key(row)
            for row in self._db.rows(f"{SIGNING_KEY} ORDER BY sequence")
        ]

    async def replace_signing_key(self) -> SigningKey:
        """Make a new key to sign receipts with, endorsed by the one so far.

        Raises:
            StoreUnavailable: If it cannot be kept.
        """
        await self._db.write(lambda connection: self._add_signing_key(connection, first=False))
        return await self.signing_key()

    def _add_signing_key(self, connection: Connection, *, first: bool) -> None:
        newest = connection.rows(f"{SIGNING_KEY} ORDER BY sequence DESC LIMIT 1")
        if newest and first:
            return
        older = self._wrapping.read_signing_key(newest[0]) if newest else None
        connection.run(
            "INSERT INTO signing_keys (id, public, ring_id, wrapped, endorsed_by, endorsement)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            self._wrapping.draw_signing_key(older),
        )

    # the ring

    async def wrapped_by(self) -> Mapping[str, int]:
        """Count the keys that each key of the ring wraps, by its id; not those that wrap none.

        Raises:
            StoreUnavailable: If the vault cannot be read.
        """
        if self._db.read_only:
            rows = self._db.rows(_COUNTS)
        else:  # it looks at every key: on the writer's thread, where nobody waits for it
            rows = await self._db.write(lambda connection: connection.rows(_COUNTS))
        counts: Counter[str] = Counter()
        for ring_id, count in rows:
            counts[ring_id] += count
        return counts

    async def wrap_anew(self, *, limit: int) -> int:
        """Wrap with the newest key of the ring some keys that an older one wraps; say how many.

        It can be stopped anywhere and called again. Once it says 0, nothing is left that an
        older key could open, in free pages and in the write-ahead log neither.

        Raises:
            StoreUnavailable: If it could not be done, or the log is being read; call it again.
            KeyMissing: If the key ring lacks the key that wraps one.
            KeyBroken: If one was altered; what is whole has been wrapped anew before.
        """
        count = await self._db.write(lambda connection: self._wrap_some(connection, limit))
        if count:
            self._traces = True
        elif self._traces:
            await self._db.wipe()
            self._traces = False
        return count

    def _wrap_some(self, connection: Connection, limit: int) -> int:
        newest = self._wrapping.ring.ids[0]
        broken: list[str] = []
        for (ring_id,) in connection.rows(_RING_IDS):
            if ring_id != newest:
                rows = connection.rows(_WRAPPED, (ring_id, limit))
                count = self._wrap_rows(connection, ring_id, rows, broken)
                if count:
                    return count
        if broken:
            raise KeyBroken("a key in the vault does not open", f"that of {broken[0]}")
        return 0

    def _wrap_rows(
        self, connection: Connection, ring_id: str, rows: Sequence[Row], broken: list[str]
    ) -> int:
        data, signing = list[Row](), list[Row]()
        for row_id, subject, wrapped in rows:
            try:
                key = self._wrapping.unwrap(ring_id, wrapped, subject)
            except KeyBroken:
                broken.append(subject)
                continue
            anew = self._wrapping.wrap(key, subject)
            (signing if subject.startswith(SIGNING) else data).append((*anew, row_id))
        connection.run_many(_WRAP_DATA_ANEW, data)
        connection.run_many(_WRAP_SIGNING_ANEW, signing)
        return len(data) + len(signing)

    def _check_ring(self) -> None:
        """Open something that each key of the ring wraps, so that a wrong one stops the start."""
        owner = self._db.row("SELECT value FROM meta WHERE name = 'app'")
        if owner is not None and owner[0] != self._app:
            raise StoreUnavailable(f"{self._path} is the vault of another app", str(owner[0]))
        for (ring_id,) in self._db.rows(_RING_IDS):
            rows = self._db.rows(_WRAPPED, ring_id, _TRIED)
            if not self._wrapping.opens_any(ring_id, [row[1:] for row in rows]):
                why = f"the key with the id {ring_id} is not the one that was used"
                raise KeyMissing("the key ring is wrong", why)
