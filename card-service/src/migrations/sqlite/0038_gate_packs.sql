-- A gate decides alone and signs for nobody whom it does not let in.
ALTER TABLE gate_count DROP COLUMN refused;
-- A gate asks for all who may pass at its site.
CREATE INDEX gate_credential_by_site ON gate_credential (shard, site_id, last_day) WHERE ended_at IS NULL;
