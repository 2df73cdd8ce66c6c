-- What an older key of the ring still wraps is found without looking at every key.

CREATE INDEX data_keys_ring ON data_keys (ring_id);
