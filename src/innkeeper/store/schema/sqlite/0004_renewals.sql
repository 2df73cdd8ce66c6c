-- When the background renews a grant, unless somebody who uses it does so before.
ALTER TABLE grants ADD COLUMN renew_at INTEGER;
UPDATE grants SET renew_at = refresh_expires_at - 7704000000000
WHERE refresh_expires_at IS NOT NULL AND (installation_id IS NULL OR EXISTS (
    SELECT 1 FROM live_installations WHERE id = grants.installation_id));
CREATE INDEX grants_renewal ON grants (renew_at) WHERE dead = 0;
DROP INDEX grants_end;
DROP INDEX grants_refresh_end;
