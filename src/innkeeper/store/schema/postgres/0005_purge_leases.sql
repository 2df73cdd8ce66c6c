-- fits: 1
-- Who carries a purge out now, so that no step is run by two; how often each step was begun.
-- A step that is not done yet has a row too: it counts what has gone so far.
ALTER TABLE purges ADD COLUMN lease_holder TEXT;
ALTER TABLE purges ADD COLUMN lease_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE purge_steps ADD COLUMN tries INTEGER NOT NULL DEFAULT 1;
ALTER TABLE purge_steps ADD COLUMN done BOOLEAN NOT NULL DEFAULT TRUE;
