"""A crowd of installations: some came through the door, a million others were only written."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import apsw

from innkeeper.ids import AccountId, Jid, UserId
from innkeeper.secret import Secret
from innkeeper.store.base import Store
from innkeeper.store.records import Grant, GrantKind, Owner, Person

# Others are never read, only stepped over, so what seals them may be anything of its size.
_INSTALLATIONS = """
    DROP INDEX installations_live; DROP INDEX installations_owner;
    INSERT INTO installations (id, owner_index, generation, status, authorized_at, receipt_id,
        welcomed, version, sealed)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
    SELECT printf('ins_%024x', i), randomblob(32), 1, 'live', {now}, printf('rcp_%024x', i),
        1, 1, randomblob(190) FROM n;
    CREATE UNIQUE INDEX installations_live ON installations (owner_index)
        WHERE status <> 'purging';
    CREATE INDEX installations_owner ON installations (owner_index);
    INSERT INTO grants (id, installation_id, kind, version, sealed, expires_at,
        refresh_expires_at, renew_at, used_at)
    SELECT id, id, 'user', 1, randomblob(300), {now}, {later}, {later}, {now} FROM installations
        WHERE receipt_id LIKE 'rcp_000000%';
"""
_KEYS = """
    INSERT INTO data_keys (subject, key_id, ring_id, wrapped)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
    SELECT printf('ins_%024x', i), printf('key_%016x', i), {ring}, randomblob(60) FROM n;
"""


def guest(number: int) -> Owner:
    return Owner(AccountId(f"Account-{number}"), UserId(f"User-{number}"))


async def move_in(store: Store, count: int, now: datetime, *, values: int = 0) -> None:
    """Let so many come through the door, with tokens, and so many values each."""
    for number in range(count):
        owner = guest(number)
        person = Person(owner.account_id, owner.user_id or UserId(""), Jid("x@xmpp.zoom.us"))
        installation, _ = await store.open_installation(owner, person, authorized_at=now)
        grant = Grant(
            id=installation.id,
            kind=GrantKind.USER,
            installation_id=installation.id,
            version=0,
            access_token=Secret("an-access-token"),
            refresh_token=Secret("a-refresh-token"),
            expires_at=now + timedelta(days=1),
            refresh_expires_at=now + timedelta(days=80),
            scope=frozenset(),
            api_url="https://api.zoom.us",
            used_at=now,
        )
        await store.save_grant(grant, replaces=0, now=now)
        for value in range(values):
            await store.set_state(installation.id, f"value-{value}", b"value")


def fill(directory: Path, count: int, now: datetime) -> None:
    """Write so many others, faster than through the door; after one has come in that way."""
    micros = round(now.timestamp() * 1_000_000)
    later = micros + 80 * 86_400_000_000
    vault: Any = apsw.Connection(str(directory / "bench.vault.db"))
    [(ring,)] = vault.execute("SELECT ring_id FROM data_keys LIMIT 1")
    vault.close()
    written = {"count": count, "now": micros, "later": later, "ring": f"'{ring}'"}
    for path, script in (("bench.vault.db", _KEYS), ("bench.db", _INSTALLATIONS)):
        db: Any = apsw.Connection(str(directory / path))
        db.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        db.execute("PRAGMA cache_size = -400000; BEGIN")
        db.execute(script.format(**written))
        db.execute("COMMIT")
        db.close()
