-- The registry as a table of trained models, which readers of such a table go on with: docs/sql.md tells its columns, which stay
-- as they are. The version is the tag version_string, which "crateflow import table" writes.

CREATE OR REPLACE VIEW trained_models AS
SELECT
  n.name,
  COALESCE(t.value, v.version::TEXT) AS version,
  CASE WHEN v.creation_time BETWEEN -62135596800000 AND 253402300799999 THEN v.creation_time::TIMESTAMP WITHOUT TIME ZONE END AS date,
  (COALESCE('{' || params_of.members || '}', '{}'))::OBJECT AS parameters,
  (COALESCE('{' || metrics_of.members || '}', '{}'))::OBJECT AS scores,
  v.source AS path,
  v.version AS version_number,
  COALESCE(NULLIF(v.run_id, ''), l.source_run_id) AS run_id
FROM model_versions v
JOIN registered_models n ON n.model_uid = v.model_uid
LEFT JOIN logged_models l ON l.model_id = v.model_id
LEFT JOIN (SELECT version_uid, value FROM model_version_tags WHERE key = 'version_string') t ON t.version_uid = v.version_uid
LEFT JOIN (
  SELECT owner, string_agg(substr(member, 2, length(member) - 2), ',') AS members
  FROM (SELECT c.run_id AS owner, _map(c.key, c.value)::TEXT AS member FROM params c) one
  GROUP BY owner
) params_of ON params_of.owner = COALESCE(NULLIF(v.run_id, ''), l.source_run_id)
LEFT JOIN (
  SELECT owner, string_agg(substr(member, 2, length(member) - 2), ',') AS members
  FROM (SELECT c.run_id AS owner, _map(c.key, c.value)::TEXT AS member FROM latest_metrics c WHERE NOT c.is_nan) one
  GROUP BY owner
) metrics_of ON metrics_of.owner = COALESCE(NULLIF(v.run_id, ''), l.source_run_id)
WHERE n.name IS NOT NULL AND NOT n.is_prompt AND v.current_stage <> 'Deleted_Internal';
