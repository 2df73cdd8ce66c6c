-- What one event has used up, and no other may use. It outlives the event.
CREATE TABLE consumed (
    installation_id TEXT NOT NULL REFERENCES installations ON DELETE CASCADE,
    key_index BLOB NOT NULL,
    event INTEGER REFERENCES inbox ON DELETE SET NULL,
    PRIMARY KEY (installation_id, key_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX consumed_event ON consumed (event);

-- What an event has had done, forgotten with it. `sealed` is null from the beginning of
-- an effect to its end.
CREATE TABLE effects (
    event INTEGER NOT NULL REFERENCES inbox ON DELETE CASCADE,
    key_index BLOB NOT NULL,
    installation_id TEXT NOT NULL REFERENCES installations ON DELETE CASCADE,
    sealed BLOB,
    PRIMARY KEY (event, key_index)
) STRICT;
CREATE INDEX effects_owner ON effects (installation_id);

CREATE TRIGGER fence_consumed BEFORE INSERT ON consumed
WHEN NOT EXISTS (
    SELECT 1 FROM live_installations WHERE id = NEW.installation_id)
BEGIN SELECT RAISE(ABORT, 'fenced'); END;

CREATE TRIGGER fence_effects BEFORE INSERT ON effects
WHEN NOT EXISTS (
    SELECT 1 FROM live_installations WHERE id = NEW.installation_id)
BEGIN SELECT RAISE(ABORT, 'fenced'); END;

CREATE TRIGGER fence_effects_again BEFORE UPDATE ON effects
WHEN NOT EXISTS (
    SELECT 1 FROM live_installations WHERE id = NEW.installation_id)
BEGIN SELECT RAISE(ABORT, 'fenced'); END;
