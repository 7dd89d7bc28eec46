-- The registry as a table of trained models, which readers of such a table go on with: docs/sql.md tells its columns, which stay
-- as they are. The version is the tag version_string, which "crateflow import table" writes.

CREATE OR REPLACE VIEW trained_models AS
SELECT
  n.name,
  COALESCE((SELECT c.value FROM model_version_tags c WHERE c.version_uid = v.version_uid AND c.key = 'version_string'), v.version::TEXT) AS version,
  CASE WHEN v.creation_time BETWEEN -62135596800000 AND 253402300799999 THEN to_timestamp(v.creation_time / 1000.0) AT TIME ZONE 'UTC' END AS date,
  COALESCE((SELECT jsonb_object_agg(c.key, c.value) FROM params c WHERE c.run_id = COALESCE(NULLIF(v.run_id, ''), l.source_run_id)), '{}') AS parameters,
  COALESCE((SELECT jsonb_object_agg(c.key, c.value) FROM latest_metrics c WHERE c.run_id = COALESCE(NULLIF(v.run_id, ''), l.source_run_id) AND NOT c.is_nan), '{}') AS scores,
  v.source AS path,
  v.version AS version_number,
  COALESCE(NULLIF(v.run_id, ''), l.source_run_id) AS run_id
FROM model_versions v
JOIN registered_models n ON n.model_uid = v.model_uid
LEFT JOIN logged_models l ON l.model_id = v.model_id
WHERE n.name IS NOT NULL AND NOT n.is_prompt AND v.current_stage <> 'Deleted_Internal';
