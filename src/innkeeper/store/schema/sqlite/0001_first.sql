-- Times are microseconds since 1970, UTC. What is personal is sealed: the columns
-- named `sealed`. What is searched for is blind: the columns named `…_index`.
-- Every table about a person has the owner column `installation_id`.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The inbox. `place` is the time in the body, then the dedup key: retries of a body
-- have the same place, and new bodies land side by side in the index. The body is
-- apart, so that its pages are free for the next one as soon as it is handled.
CREATE TABLE inbox (
    id INTEGER PRIMARY KEY,
    place BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'claimed',
    reason TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 1,
    due_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX inbox_ready ON inbox (due_at, id) WHERE state = 'ready';

CREATE TABLE inbox_bodies (
    id INTEGER PRIMARY KEY,
    installation_id TEXT,
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE inbox_answers (
    id INTEGER PRIMARY KEY REFERENCES inbox ON DELETE CASCADE,
    installation_id TEXT REFERENCES installations ON DELETE CASCADE,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX inbox_answers_owner ON inbox_answers (installation_id);

CREATE TABLE installations (
    id TEXT PRIMARY KEY,
    owner_index BLOB NOT NULL,
    generation INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('live', 'needs_reauth', 'purging')),
    authorized_at INTEGER NOT NULL,
    receipt_id TEXT NOT NULL UNIQUE,
    welcomed INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX installations_live ON installations (owner_index) WHERE status <> 'purging';
CREATE INDEX installations_owner ON installations (owner_index);

-- The fence: whatever is written about a person selects from here.
CREATE VIEW live_installations AS SELECT * FROM installations WHERE status <> 'purging';

CREATE TABLE pending_installs (
    state_hash BLOB PRIMARY KEY,
    expires_at INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX pending_installs_end ON pending_installs (expires_at);

-- `sealed` is null where a lease was taken before there was a token.
CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    installation_id TEXT REFERENCES installations ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('chatbot', 'account', 'user')),
    version INTEGER NOT NULL DEFAULT 0,
    sealed BLOB,
    expires_at INTEGER,
    refresh_expires_at INTEGER,
    used_at INTEGER NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0,
    attempted_at INTEGER,
    lease_holder TEXT,
    lease_until INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX grants_owner ON grants (installation_id);
CREATE INDEX grants_end ON grants (expires_at) WHERE dead = 0;
CREATE INDEX grants_refresh_end ON grants (refresh_expires_at) WHERE dead = 0;

CREATE TABLE states (
    installation_id TEXT NOT NULL REFERENCES installations ON DELETE CASCADE,
    key_index BLOB NOT NULL,
    version INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    UNIQUE (installation_id, key_index)
) STRICT;

-- A purge outlives the installation's row, so it does not refer to it.
CREATE TABLE purges (
    installation_id TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    receipt_id TEXT NOT NULL,
    authorized_at INTEGER NOT NULL,
    removed_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    deadline_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL
) STRICT;

CREATE TABLE purge_steps (
    installation_id TEXT NOT NULL REFERENCES purges ON DELETE CASCADE,
    step TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    PRIMARY KEY (installation_id, step)
) STRICT;

CREATE TABLE receipts (
    id TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL UNIQUE,
    document BLOB NOT NULL,
    signature BLOB NOT NULL,
    key_id TEXT NOT NULL
) STRICT;

CREATE TABLE cases (
    id TEXT PRIMARY KEY,
    installation_id TEXT REFERENCES installations ON DELETE CASCADE,
    reason TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    outcome TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX cases_owner ON cases (installation_id);

-- The fence's second line. The first is in each write, which selects from the live
-- installation; these refuse whatever forgets to.

CREATE TRIGGER fence_installations BEFORE UPDATE ON installations
WHEN OLD.status = 'purging'
BEGIN SELECT RAISE(ABORT, 'fenced'); END;

CREATE TRIGGER fence_inbox_bodies BEFORE INSERT ON inbox_bodies
WHEN NEW.installation_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM live_installations WHERE id = NEW.installation_id)
BEGIN SELECT RAISE(ABORT, 'fenced'); END;

CREATE TRIGGER fence_inbox_bodies_again BEFORE UPDATE ON inbox_bodies
WHEN NEW.installation_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM live_installations WHERE id = NEW.installation_id)
BEGIN SELECT RAISE(ABORT, 'fenced'); END;

CREATE TRIGGER fence_inbox_answers BEFORE INSERT ON inbox_answers
WHEN NEW.installation_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM live_installations WHERE id = NEW.installation_id)
BEGIN SELECT RAISE(ABORT, 'fenced'); END;

CREATE TRIGGER fence_grants BEFORE INSERT ON grants
WHEN NEW.installation_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM live_installations WHERE id = NEW.installation_id)
BEGIN SELECT RAISE(ABORT, 'fenced'); END;

CREATE TRIGGER fence_grants_again BEFORE UPDATE ON grants
WHEN NEW.installation_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM live_installations WHERE id = NEW.installation_id)
BEGIN SELECT RAISE(ABORT, 'fenced'); END;

CREATE TRIGGER fence_states BEFORE INSERT ON states
WHEN NOT EXISTS (
    SELECT 1 FROM live_installations WHERE id = NEW.installation_id)
BEGIN SELECT RAISE(ABORT, 'fenced'); END;

CREATE TRIGGER fence_states_again BEFORE UPDATE ON states
WHEN NOT EXISTS (
    SELECT 1 FROM live_installations WHERE id = NEW.installation_id)
BEGIN SELECT RAISE(ABORT, 'fenced'); END;

CREATE TRIGGER fence_cases BEFORE INSERT ON cases
WHEN NEW.installation_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM live_installations WHERE id = NEW.installation_id)
BEGIN SELECT RAISE(ABORT, 'fenced'); END;
