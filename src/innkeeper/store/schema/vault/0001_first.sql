-- Times are microseconds since 1970, UTC.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A subject is an installation's id, `app`, `index`, or `day:2026-11-23`.
CREATE TABLE data_keys (
    subject TEXT PRIMARY KEY,
    key_id TEXT NOT NULL UNIQUE,
    ring_id TEXT NOT NULL,
    wrapped BLOB NOT NULL
) STRICT;

CREATE TABLE tombstones (
    installation_id TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    at INTEGER NOT NULL,
    buried_at INTEGER NOT NULL,
    owner_index BLOB
) STRICT;
CREATE INDEX tombstones_owner ON tombstones (owner_index) WHERE owner_index IS NOT NULL;

CREATE TABLE signing_keys (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    public BLOB NOT NULL,
    ring_id TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    endorsed_by TEXT,
    endorsement BLOB NOT NULL
) STRICT;
