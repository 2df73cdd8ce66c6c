-- When the background renews a grant, unless somebody who uses it does so before.
ALTER TABLE grants ADD COLUMN renew_at BIGINT;
UPDATE grants SET renew_at = refresh_expires_at - 7704000000000
WHERE refresh_expires_at IS NOT NULL AND (installation_id IS NULL OR EXISTS (
    SELECT 1 FROM installations
    WHERE installations.id = installation_id AND status <> 'purging'));
CREATE INDEX grants_renewal ON grants (renew_at) WHERE NOT dead;
DROP INDEX grants_end;
DROP INDEX grants_refresh_end;
