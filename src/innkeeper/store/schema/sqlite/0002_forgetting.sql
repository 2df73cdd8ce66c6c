-- How late a purge is, on which terms it was begun, and what Zoom is to be told of it.

ALTER TABLE purges ADD COLUMN alarm INTEGER NOT NULL DEFAULT 0;
ALTER TABLE purges ADD COLUMN held INTEGER NOT NULL DEFAULT 1;
ALTER TABLE purges ADD COLUMN retain INTEGER NOT NULL DEFAULT 0;

-- A report outlives the installation, which is what it tells of. It is sealed with a key
-- of its own, destroyed as soon as Zoom was told, or after ten days.
CREATE TABLE reports (
    installation_id TEXT PRIMARY KEY,
    sealed BLOB NOT NULL,
    started_at INTEGER NOT NULL,
    deadline_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL,
    alarmed INTEGER NOT NULL DEFAULT 0
) STRICT;
