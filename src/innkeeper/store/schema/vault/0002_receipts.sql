-- A receipt names nobody, and must not be undone by a restored backup of the database.

CREATE TABLE receipts (
    id TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL UNIQUE,
    document BLOB NOT NULL,
    signature BLOB NOT NULL,
    key_id TEXT NOT NULL
) STRICT;
