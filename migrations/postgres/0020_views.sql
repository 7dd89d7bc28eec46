-- Views for SQL by people: docs/sql.md tells their columns. What v1_ begins keeps its columns and their meaning for good;
-- new columns come last, and what has to break comes as v2_ beside them. Times are UTC, absent beyond the years 1 to 9999.

CREATE OR REPLACE VIEW v1_experiments AS
SELECT
  e.experiment_id,
  e.name AS experiment_name,
  e.lifecycle_stage,
  CASE WHEN e.creation_time BETWEEN -62135596800000 AND 253402300799999 THEN to_timestamp(e.creation_time / 1000.0) AT TIME ZONE 'UTC' END AS created_at,
  CASE WHEN e.last_update_time BETWEEN -62135596800000 AND 253402300799999 THEN to_timestamp(e.last_update_time / 1000.0) AT TIME ZONE 'UTC' END AS updated_at,
  e.artifact_location,
  COALESCE((SELECT jsonb_object_agg(c.key, c.value) FROM experiment_tags c WHERE c.experiment_id = e.experiment_id), '{}') AS tags
FROM experiments e;

CREATE OR REPLACE VIEW v1_runs AS
SELECT
  r.run_id,
  r.run_name,
  r.experiment_id,
  e.name AS experiment_name,
  r.status,
  r.lifecycle_stage,
  e.lifecycle_stage AS experiment_lifecycle_stage,
  r.user_id,
  CASE WHEN r.start_time BETWEEN -62135596800000 AND 253402300799999 THEN to_timestamp(r.start_time / 1000.0) AT TIME ZONE 'UTC' END AS started_at,
  CASE WHEN r.end_time BETWEEN -62135596800000 AND 253402300799999 THEN to_timestamp(r.end_time / 1000.0) AT TIME ZONE 'UTC' END AS ended_at,
  (r.end_time::DOUBLE PRECISION - r.start_time::DOUBLE PRECISION) / 1000 AS duration_seconds,
  r.artifact_uri,
  COALESCE((SELECT jsonb_object_agg(c.key, c.value) FROM params c WHERE c.run_id = r.run_id), '{}') AS params,
  COALESCE((SELECT jsonb_object_agg(c.key, c.value) FROM latest_metrics c WHERE c.run_id = r.run_id AND NOT c.is_nan), '{}') AS metrics,
  ARRAY(SELECT c.key FROM latest_metrics c WHERE c.run_id = r.run_id AND c.is_nan ORDER BY 1) AS nan_metrics,
  COALESCE((SELECT jsonb_object_agg(c.key, c.value) FROM tags c WHERE c.run_id = r.run_id), '{}') AS tags
FROM runs r
LEFT JOIN experiments e ON e.experiment_id = r.experiment_id;

CREATE OR REPLACE VIEW v1_params AS
SELECT
  c.run_id,
  r.run_name,
  c.experiment_id,
  e.name AS experiment_name,
  r.lifecycle_stage,
  e.lifecycle_stage AS experiment_lifecycle_stage,
  c.key,
  c.value
FROM params c
JOIN runs r ON r.run_id = c.run_id
LEFT JOIN experiments e ON e.experiment_id = r.experiment_id;

CREATE OR REPLACE VIEW v1_tags AS
SELECT
  c.run_id,
  r.run_name,
  c.experiment_id,
  e.name AS experiment_name,
  r.lifecycle_stage,
  e.lifecycle_stage AS experiment_lifecycle_stage,
  c.key,
  c.value
FROM tags c
JOIN runs r ON r.run_id = c.run_id
LEFT JOIN experiments e ON e.experiment_id = r.experiment_id;

CREATE OR REPLACE VIEW v1_latest_metrics AS
SELECT
  c.run_id,
  r.run_name,
  c.experiment_id,
  e.name AS experiment_name,
  r.lifecycle_stage,
  e.lifecycle_stage AS experiment_lifecycle_stage,
  c.key,
  c.step,
  CASE WHEN c.timestamp BETWEEN -62135596800000 AND 253402300799999 THEN to_timestamp(c.timestamp / 1000.0) AT TIME ZONE 'UTC' END AS logged_at,
  c.timestamp AS logged_at_ms,
  CASE WHEN c.is_nan THEN NULL ELSE c.value END AS value,
  c.is_nan,
  abs(c.value) >= 1.7976931348623157e308 AS is_infinite
FROM latest_metrics c
JOIN runs r ON r.run_id = c.run_id
LEFT JOIN experiments e ON e.experiment_id = r.experiment_id;

CREATE OR REPLACE VIEW v1_metrics AS
SELECT
  c.run_id,
  r.run_name,
  c.experiment_id,
  e.name AS experiment_name,
  r.lifecycle_stage,
  e.lifecycle_stage AS experiment_lifecycle_stage,
  c.key,
  c.step,
  CASE WHEN c.timestamp BETWEEN -62135596800000 AND 253402300799999 THEN to_timestamp(c.timestamp / 1000.0) AT TIME ZONE 'UTC' END AS logged_at,
  c.timestamp AS logged_at_ms,
  CASE WHEN c.is_nan THEN NULL ELSE c.value END AS value,
  c.is_nan,
  abs(c.value) >= 1.7976931348623157e308 AS is_infinite
FROM metrics c
JOIN runs r ON r.run_id = c.run_id
LEFT JOIN experiments e ON e.experiment_id = r.experiment_id;

CREATE OR REPLACE VIEW v1_logged_models AS
SELECT
  m.model_id,
  m.name AS model_name,
  m.model_type,
  m.lifecycle_stage,
  m.experiment_id,
  e.name AS experiment_name,
  m.source_run_id AS run_id,
  r.run_name,
  r.lifecycle_stage AS run_lifecycle_stage,
  CASE WHEN m.creation_timestamp_ms BETWEEN -62135596800000 AND 253402300799999 THEN to_timestamp(m.creation_timestamp_ms / 1000.0) AT TIME ZONE 'UTC' END AS created_at,
  CASE WHEN m.last_updated_timestamp_ms BETWEEN -62135596800000 AND 253402300799999 THEN to_timestamp(m.last_updated_timestamp_ms / 1000.0) AT TIME ZONE 'UTC' END AS updated_at,
  m.artifact_location,
  COALESCE((SELECT jsonb_object_agg(c.param_key, c.param_value) FROM logged_model_params c WHERE c.model_id = m.model_id), '{}') AS params,
  COALESCE((SELECT jsonb_object_agg(c.tag_key, c.tag_value) FROM logged_model_tags c WHERE c.model_id = m.model_id), '{}') AS tags
FROM logged_models m
LEFT JOIN experiments e ON e.experiment_id = m.experiment_id
LEFT JOIN runs r ON r.run_id = m.source_run_id;

CREATE OR REPLACE VIEW v1_model_versions AS
SELECT
  n.name AS model_name,
  v.version,
  ARRAY(SELECT a.alias FROM registered_model_aliases a WHERE a.model_uid = v.model_uid AND a.version = v.version ORDER BY 1) AS aliases,
  v.current_stage AS stage,
  CASE WHEN n.name IS NULL OR v.current_stage = 'Deleted_Internal' THEN 'deleted' ELSE 'active' END AS lifecycle_stage,
  v.status,
  v.is_prompt,
  v.description,
  v.user_id,
  CASE WHEN v.creation_time BETWEEN -62135596800000 AND 253402300799999 THEN to_timestamp(v.creation_time / 1000.0) AT TIME ZONE 'UTC' END AS created_at,
  CASE WHEN v.last_updated_time BETWEEN -62135596800000 AND 253402300799999 THEN to_timestamp(v.last_updated_time / 1000.0) AT TIME ZONE 'UTC' END AS updated_at,
  v.source,
  v.model_id,
  l.name AS logged_model_name,
  l.lifecycle_stage AS logged_model_lifecycle_stage,
  COALESCE(NULLIF(v.run_id, ''), l.source_run_id) AS run_id,
  r.run_name,
  r.lifecycle_stage AS run_lifecycle_stage,
  r.experiment_id,
  e.name AS experiment_name,
  ARRAY(SELECT s.name || ' (' || s.digest || ')' FROM inputs i JOIN datasets s ON s.dataset_id = i.source_id WHERE i.destination_id = r.run_id AND i.source_type = 'DATASET' AND i.destination_type = 'RUN' ORDER BY 1) AS datasets,
  COALESCE((SELECT jsonb_object_agg(c.key, CASE WHEN c.is_long THEN c.long_value ELSE c.value END) FROM model_version_tags c WHERE c.version_uid = v.version_uid), '{}') AS tags
FROM model_versions v
LEFT JOIN registered_models n ON n.model_uid = v.model_uid
LEFT JOIN logged_models l ON l.model_id = v.model_id
LEFT JOIN runs r ON r.run_id = COALESCE(NULLIF(v.run_id, ''), l.source_run_id)
LEFT JOIN experiments e ON e.experiment_id = r.experiment_id;

CREATE OR REPLACE VIEW v1_traces AS
SELECT
  t.trace_id,
  t.trace_name,
  t.experiment_id,
  e.name AS experiment_name,
  e.lifecycle_stage AS experiment_lifecycle_stage,
  t.session_id,
  t.status,
  CASE WHEN t.timestamp_ms BETWEEN -62135596800000 AND 253402300799999 THEN to_timestamp(t.timestamp_ms / 1000.0) AT TIME ZONE 'UTC' END AS started_at,
  CASE WHEN t.end_ms BETWEEN -62135596800000 AND 253402300799999 THEN to_timestamp(t.end_ms / 1000.0) AT TIME ZONE 'UTC' END AS ended_at,
  t.end_ms::DOUBLE PRECISION - t.timestamp_ms::DOUBLE PRECISION AS duration_ms,
  t.input_tokens,
  t.output_tokens,
  t.total_tokens,
  t.cache_read_input_tokens,
  t.cache_creation_input_tokens,
  t.input_cost,
  t.output_cost,
  t.total_cost,
  (SELECT count(*) FROM spans s WHERE s.trace_id = t.trace_id) AS span_count,
  (SELECT count(*) FROM spans s WHERE s.trace_id = t.trace_id AND s.status = 'ERROR') AS failed_span_count,
  (
    SELECT count(*) FROM assessments a
    LEFT JOIN assessments newer ON newer.trace_id = a.trace_id AND newer.overrides = a.assessment_id
    WHERE a.trace_id = t.trace_id AND newer.assessment_id IS NULL
  ) AS assessment_count,
  t.request_preview,
  t.response_preview,
  COALESCE((SELECT jsonb_object_agg(c.key, c.value) FROM trace_tags c WHERE c.trace_id = t.trace_id), '{}') AS tags,
  COALESCE((SELECT jsonb_object_agg(c.key, c.value) FROM trace_metadata c WHERE c.trace_id = t.trace_id), '{}') AS metadata
FROM traces t
LEFT JOIN experiments e ON e.experiment_id = t.experiment_id;

CREATE OR REPLACE VIEW v1_assessments AS
SELECT
  a.trace_id,
  a.assessment_id,
  a.experiment_id,
  e.name AS experiment_name,
  e.lifecycle_stage AS experiment_lifecycle_stage,
  a.name AS assessment_name,
  a.assessment_type,
  COALESCE(a.long_value, a.value) AS value,
  a.aggregate_value AS numeric_value,
  a.error,
  a.rationale,
  a.source_type,
  a.source_id,
  a.run_id,
  a.span_id,
  CASE WHEN a.created_timestamp BETWEEN -62135596800000 AND 253402300799999 THEN to_timestamp(a.created_timestamp / 1000.0) AT TIME ZONE 'UTC' END AS created_at,
  newer.assessment_id IS NULL AS is_valid
FROM assessments a
LEFT JOIN assessments newer ON newer.trace_id = a.trace_id AND newer.overrides = a.assessment_id
LEFT JOIN experiments e ON e.experiment_id = a.experiment_id;

CREATE OR REPLACE VIEW v1_lineage AS
SELECT 'dataset' AS source_kind, s.dataset_id AS source_id, s.name || ' (' || s.digest || ')' AS source_name,
  'run' AS target_kind, r.run_id AS target_id, r.run_name AS target_name, r.experiment_id AS experiment_id,
  CASE WHEN r.lifecycle_stage = 'deleted' THEN 'deleted' ELSE 'active' END AS lifecycle_stage
FROM inputs i JOIN datasets s ON s.dataset_id = i.source_id JOIN runs r ON r.run_id = i.destination_id
WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN'
UNION ALL
SELECT 'logged_model' AS source_kind, l.model_id AS source_id, l.name AS source_name,
  'run' AS target_kind, r.run_id AS target_id, r.run_name AS target_name, r.experiment_id AS experiment_id,
  CASE WHEN (l.lifecycle_stage = 'deleted' OR r.lifecycle_stage = 'deleted') THEN 'deleted' ELSE 'active' END AS lifecycle_stage
FROM inputs i JOIN logged_models l ON l.model_id = i.destination_id JOIN runs r ON r.run_id = i.source_id
WHERE i.source_type = 'RUN_INPUT' AND i.destination_type = 'MODEL_INPUT'
UNION ALL
SELECT 'run' AS source_kind, r.run_id AS source_id, r.run_name AS source_name,
  'logged_model' AS target_kind, l.model_id AS target_id, l.name AS target_name, r.experiment_id AS experiment_id,
  CASE WHEN (l.lifecycle_stage = 'deleted' OR r.lifecycle_stage = 'deleted') THEN 'deleted' ELSE 'active' END AS lifecycle_stage
FROM logged_models l JOIN runs r ON r.run_id = l.source_run_id
UNION ALL
SELECT 'run' AS source_kind, r.run_id AS source_id, r.run_name AS source_name,
  'logged_model' AS target_kind, l.model_id AS target_id, l.name AS target_name, r.experiment_id AS experiment_id,
  CASE WHEN (l.lifecycle_stage = 'deleted' OR r.lifecycle_stage = 'deleted') THEN 'deleted' ELSE 'active' END AS lifecycle_stage
FROM inputs i JOIN logged_models l ON l.model_id = i.destination_id JOIN runs r ON r.run_id = i.source_id
WHERE i.source_type = 'RUN_OUTPUT' AND i.destination_type = 'MODEL_OUTPUT' AND COALESCE(l.source_run_id, '') <> i.source_id
UNION ALL
SELECT 'logged_model' AS source_kind, l.model_id AS source_id, l.name AS source_name,
  'model_version' AS target_kind, COALESCE(n.name, v.model_uid) || '/' || v.version::TEXT AS target_id, COALESCE(n.name, v.model_uid) || '/' || v.version::TEXT AS target_name, l.experiment_id AS experiment_id,
  CASE WHEN (n.name IS NULL OR v.current_stage = 'Deleted_Internal' OR l.lifecycle_stage = 'deleted') THEN 'deleted' ELSE 'active' END AS lifecycle_stage
FROM model_versions v JOIN logged_models l ON l.model_id = v.model_id LEFT JOIN registered_models n ON n.model_uid = v.model_uid
UNION ALL
SELECT 'run' AS source_kind, r.run_id AS source_id, r.run_name AS source_name,
  'model_version' AS target_kind, COALESCE(n.name, v.model_uid) || '/' || v.version::TEXT AS target_id, COALESCE(n.name, v.model_uid) || '/' || v.version::TEXT AS target_name, r.experiment_id AS experiment_id,
  CASE WHEN (n.name IS NULL OR v.current_stage = 'Deleted_Internal' OR r.lifecycle_stage = 'deleted') THEN 'deleted' ELSE 'active' END AS lifecycle_stage
FROM model_versions v JOIN runs r ON r.run_id = v.run_id LEFT JOIN registered_models n ON n.model_uid = v.model_uid
WHERE v.model_id IS NULL
UNION ALL
SELECT 'run' AS source_kind, r.run_id AS source_id, r.run_name AS source_name,
  'trace' AS target_kind, t.trace_id AS target_id, t.trace_name AS target_name, t.experiment_id AS experiment_id,
  CASE WHEN r.lifecycle_stage = 'deleted' THEN 'deleted' ELSE 'active' END AS lifecycle_stage
FROM trace_links k JOIN traces t ON t.trace_id = k.trace_id JOIN runs r ON r.run_id = k.target
WHERE k.kind = 'RUN'
UNION ALL
SELECT 'prompt_version' AS source_kind, k.target AS source_id, k.target AS source_name,
  'trace' AS target_kind, t.trace_id AS target_id, t.trace_name AS target_name, t.experiment_id AS experiment_id,
  CASE WHEN e.lifecycle_stage = 'deleted' THEN 'deleted' ELSE 'active' END AS lifecycle_stage
FROM trace_links k JOIN traces t ON t.trace_id = k.trace_id LEFT JOIN experiments e ON e.experiment_id = t.experiment_id
WHERE k.kind = 'PROMPT_VERSION';
