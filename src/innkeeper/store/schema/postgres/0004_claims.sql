-- fits: 1
-- What one event has used up, and no other may use. It outlives the event.
CREATE TABLE consumed (
    installation_id TEXT NOT NULL REFERENCES installations ON DELETE CASCADE,
    key_index BYTEA NOT NULL,
    event BIGINT REFERENCES inbox ON DELETE SET NULL,
    PRIMARY KEY (installation_id, key_index)
);
CREATE INDEX consumed_event ON consumed (event);

-- What an event has had done, forgotten with it. `sealed` is null from the beginning of
-- an effect to its end.
CREATE TABLE effects (
    event BIGINT NOT NULL REFERENCES inbox ON DELETE CASCADE,
    key_index BYTEA NOT NULL,
    installation_id TEXT NOT NULL REFERENCES installations ON DELETE CASCADE,
    sealed BYTEA,
    PRIMARY KEY (event, key_index)
);
CREATE INDEX effects_owner ON effects (installation_id);

CREATE TRIGGER fence BEFORE INSERT ON consumed
    FOR EACH ROW EXECUTE FUNCTION refuse_fenced();
CREATE TRIGGER fence BEFORE INSERT OR UPDATE ON effects
    FOR EACH ROW EXECUTE FUNCTION refuse_fenced();
