-- fits: 1
-- Times are microseconds since 1970, UTC. What is personal is sealed: the columns
-- named `sealed`. What is searched for is blind: the columns named `…_index`.
-- Every table about a person has the owner column `installation_id`.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- The processes that hold events. One whose beat is old is dead, and what it holds is
-- taken over; whose clock says so is this server's, for the machines' own differ.
CREATE TABLE processes (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    beat_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);

-- The inbox. `place` is the time in the body, then the dedup key: retries of a body
-- have the same place, and new bodies land side by side in the index. The state of an
-- event that has not ended is `open`; no index holds the state, and pages are left some
-- room, so that an end writes one page and no index.
CREATE TABLE inbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    place BYTEA NOT NULL UNIQUE,
    name TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    state TEXT NOT NULL DEFAULT 'open',
    reason TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0
) WITH (fillfactor = 80);

-- What is still to be done, and what was set aside: that is never due. A body is sealed
-- for its place, since its id is drawn here.
CREATE TABLE inbox_bodies (
    id BIGINT PRIMARY KEY,
    installation_id TEXT,
    sealed BYTEA NOT NULL,
    attempts INTEGER NOT NULL,
    due_at BIGINT,
    claimed_by BIGINT
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE inbox_bodies ALTER sealed SET STORAGE EXTERNAL;
CREATE INDEX inbox_bodies_ready ON inbox_bodies (due_at, id)
    WHERE claimed_by IS NULL AND due_at IS NOT NULL;

CREATE TABLE installations (
    number BIGINT GENERATED ALWAYS AS IDENTITY,
    id TEXT PRIMARY KEY,
    owner_index BYTEA NOT NULL,
    generation INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('live', 'needs_reauth', 'purging')),
    authorized_at BIGINT NOT NULL,
    receipt_id TEXT NOT NULL UNIQUE,
    welcomed BOOLEAN NOT NULL DEFAULT FALSE,
    version INTEGER NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE UNIQUE INDEX installations_live ON installations (owner_index) WHERE status <> 'purging';
CREATE INDEX installations_owner ON installations (owner_index);

CREATE TABLE inbox_answers (
    id BIGINT PRIMARY KEY REFERENCES inbox ON DELETE CASCADE,
    installation_id TEXT REFERENCES installations ON DELETE CASCADE,
    sealed BYTEA NOT NULL
);
CREATE INDEX inbox_answers_owner ON inbox_answers (installation_id);

CREATE VIEW inbox_events AS
    SELECT inbox.id, inbox.place, inbox.name, inbox.received_at, inbox.reason,
        coalesce(bodies.attempts, inbox.attempts) AS attempts,
        CASE WHEN inbox.state <> 'open' THEN inbox.state
            WHEN bodies.claimed_by IS NULL THEN 'ready' ELSE 'claimed' END AS state,
        coalesce(bodies.installation_id, answers.installation_id) AS installation_id,
        answers.sealed AS answer
    FROM inbox
    LEFT JOIN inbox_bodies AS bodies ON bodies.id = inbox.id
    LEFT JOIN inbox_answers AS answers ON answers.id = inbox.id;

CREATE TABLE pending_installs (
    state_hash BYTEA PRIMARY KEY,
    expires_at BIGINT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX pending_installs_end ON pending_installs (expires_at);

-- `sealed` is null where a lease was taken before there was a token.
CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    installation_id TEXT REFERENCES installations ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('chatbot', 'account', 'user')),
    version INTEGER NOT NULL DEFAULT 0,
    sealed BYTEA,
    expires_at BIGINT,
    refresh_expires_at BIGINT,
    used_at BIGINT NOT NULL DEFAULT 0,
    dead BOOLEAN NOT NULL DEFAULT FALSE,
    attempted_at BIGINT,
    lease_holder TEXT,
    lease_until BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX grants_owner ON grants (installation_id);
CREATE INDEX grants_end ON grants (expires_at) WHERE NOT dead;
CREATE INDEX grants_refresh_end ON grants (refresh_expires_at) WHERE NOT dead;

CREATE TABLE states (
    installation_id TEXT NOT NULL REFERENCES installations ON DELETE CASCADE,
    key_index BYTEA NOT NULL,
    version INTEGER NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (installation_id, key_index)
);

-- A purge outlives the installation's row, so it does not refer to it.
CREATE TABLE purges (
    number BIGINT GENERATED ALWAYS AS IDENTITY,
    installation_id TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    receipt_id TEXT NOT NULL,
    authorized_at BIGINT NOT NULL,
    removed_at BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    deadline_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at BIGINT NOT NULL,
    alarm INTEGER NOT NULL DEFAULT 0,
    held BOOLEAN NOT NULL DEFAULT TRUE,
    retain BOOLEAN NOT NULL DEFAULT FALSE
);

-- A report outlives the installation, which is what it tells of. It is sealed with a key
-- of its own, destroyed as soon as Zoom was told, or after ten days.
CREATE TABLE reports (
    installation_id TEXT PRIMARY KEY,
    sealed BYTEA NOT NULL,
    started_at BIGINT NOT NULL,
    deadline_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at BIGINT NOT NULL,
    alarmed BOOLEAN NOT NULL DEFAULT FALSE
);

CREATE TABLE purge_steps (
    number BIGINT GENERATED ALWAYS AS IDENTITY,
    installation_id TEXT NOT NULL REFERENCES purges ON DELETE CASCADE,
    step TEXT NOT NULL,
    deleted BIGINT NOT NULL,
    PRIMARY KEY (installation_id, step)
);

CREATE TABLE receipts (
    id TEXT PRIMARY KEY,
    sequence BIGINT NOT NULL UNIQUE,
    document BYTEA NOT NULL,
    signature BYTEA NOT NULL,
    key_id TEXT NOT NULL
);

CREATE TABLE cases (
    number BIGINT GENERATED ALWAYS AS IDENTITY,
    id TEXT PRIMARY KEY,
    installation_id TEXT REFERENCES installations ON DELETE CASCADE,
    reason TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    closed_at BIGINT,
    outcome TEXT NOT NULL DEFAULT ''
);
CREATE INDEX cases_owner ON cases (installation_id);
CREATE UNIQUE INDEX cases_open ON cases (coalesce(installation_id, ''), reason)
    WHERE closed_at IS NULL;

-- The fence's second line. The first is in each write, which selects from the live
-- installation and holds it; these refuse whatever forgets to.

CREATE FUNCTION refuse_fenced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM installations WHERE id = NEW.installation_id AND status <> 'purging'
    ) THEN
        RAISE EXCEPTION 'fenced' USING ERRCODE = 'IK001';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION refuse_purging() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'fenced' USING ERRCODE = 'IK001';
END $$;

CREATE TRIGGER fence BEFORE UPDATE ON installations
    FOR EACH ROW WHEN (OLD.status = 'purging') EXECUTE FUNCTION refuse_purging();
CREATE TRIGGER fence BEFORE INSERT OR UPDATE OF installation_id ON inbox_bodies
    FOR EACH ROW WHEN (NEW.installation_id IS NOT NULL) EXECUTE FUNCTION refuse_fenced();
CREATE TRIGGER fence BEFORE INSERT ON inbox_answers
    FOR EACH ROW WHEN (NEW.installation_id IS NOT NULL) EXECUTE FUNCTION refuse_fenced();
CREATE TRIGGER fence BEFORE INSERT OR UPDATE ON grants
    FOR EACH ROW WHEN (NEW.installation_id IS NOT NULL) EXECUTE FUNCTION refuse_fenced();
CREATE TRIGGER fence BEFORE INSERT OR UPDATE ON states
    FOR EACH ROW EXECUTE FUNCTION refuse_fenced();
CREATE TRIGGER fence BEFORE INSERT ON cases
    FOR EACH ROW WHEN (NEW.installation_id IS NOT NULL) EXECUTE FUNCTION refuse_fenced();
