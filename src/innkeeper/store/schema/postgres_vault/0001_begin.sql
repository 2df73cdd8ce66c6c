-- fits: 1
-- Times are microseconds since 1970, UTC.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- A subject is an installation's id, `app`, `index`, `day:2026-11-23`, or `report:` and an
-- installation's id.
CREATE TABLE data_keys (
    subject TEXT PRIMARY KEY,
    key_id TEXT NOT NULL UNIQUE,
    ring_id TEXT NOT NULL,
    wrapped BYTEA NOT NULL
);
CREATE INDEX data_keys_ring ON data_keys (ring_id);

CREATE TABLE tombstones (
    installation_id TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    at BIGINT NOT NULL,
    buried_at BIGINT NOT NULL,
    owner_index BYTEA
);
CREATE INDEX tombstones_owner ON tombstones (owner_index) WHERE owner_index IS NOT NULL;

CREATE TABLE signing_keys (
    sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    public BYTEA NOT NULL,
    ring_id TEXT NOT NULL,
    wrapped BYTEA NOT NULL,
    endorsed_by TEXT,
    endorsement BYTEA NOT NULL
);

-- A receipt names nobody, and must not be undone by a restored backup of the database.
CREATE TABLE receipts (
    id TEXT PRIMARY KEY,
    sequence BIGINT NOT NULL UNIQUE,
    document BYTEA NOT NULL,
    signature BYTEA NOT NULL,
    key_id TEXT NOT NULL
);
