-- Views for SQL by people: docs/sql.md tells their columns. What v1_ begins keeps its columns and their meaning for good;
-- new columns come last, and what has to break comes as v2_ beside them. Times are UTC, absent beyond the years 1 to 9999.

CREATE OR REPLACE VIEW v1_experiments AS
SELECT
  e.experiment_id,
  e.name AS experiment_name,
  e.lifecycle_stage,
  CASE WHEN e.creation_time BETWEEN -62135596800000 AND 253402300799999 THEN e.creation_time::TIMESTAMP WITHOUT TIME ZONE END AS created_at,
  CASE WHEN e.last_update_time BETWEEN -62135596800000 AND 253402300799999 THEN e.last_update_time::TIMESTAMP WITHOUT TIME ZONE END AS updated_at,
  e.artifact_location,
  (COALESCE('{' || tags_of.members || '}', '{}'))::OBJECT AS tags
FROM experiments e
LEFT JOIN (
  SELECT owner, string_agg(substr(member, 2, length(member) - 2), ',') AS members
  FROM (SELECT c.experiment_id AS owner, _map(c.key, c.value)::TEXT AS member FROM experiment_tags c) one
  GROUP BY owner
) tags_of ON tags_of.owner = e.experiment_id;

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
  CASE WHEN r.start_time BETWEEN -62135596800000 AND 253402300799999 THEN r.start_time::TIMESTAMP WITHOUT TIME ZONE END AS started_at,
  CASE WHEN r.end_time BETWEEN -62135596800000 AND 253402300799999 THEN r.end_time::TIMESTAMP WITHOUT TIME ZONE END AS ended_at,
  (r.end_time::DOUBLE PRECISION - r.start_time::DOUBLE PRECISION) / 1000 AS duration_seconds,
  r.artifact_uri,
  (COALESCE('{' || params_of.members || '}', '{}'))::OBJECT AS params,
  (COALESCE('{' || metrics_of.members || '}', '{}'))::OBJECT AS metrics,
  COALESCE(nan_metrics_of.members, []::ARRAY(TEXT)) AS nan_metrics,
  (COALESCE('{' || tags_of.members || '}', '{}'))::OBJECT AS tags
FROM runs r
LEFT JOIN experiments e ON e.experiment_id = r.experiment_id
LEFT JOIN (
  SELECT owner, string_agg(substr(member, 2, length(member) - 2), ',') AS members
  FROM (SELECT c.run_id AS owner, _map(c.key, c.value)::TEXT AS member FROM params c) one
  GROUP BY owner
) params_of ON params_of.owner = r.run_id
LEFT JOIN (
  SELECT owner, string_agg(substr(member, 2, length(member) - 2), ',') AS members
  FROM (SELECT c.run_id AS owner, _map(c.key, c.value)::TEXT AS member FROM latest_metrics c WHERE NOT c.is_nan) one
  GROUP BY owner
) metrics_of ON metrics_of.owner = r.run_id
LEFT JOIN (
  SELECT c.run_id AS owner, array_agg(c.key) AS members FROM latest_metrics c WHERE c.is_nan GROUP BY c.run_id
) nan_metrics_of ON nan_metrics_of.owner = r.run_id
LEFT JOIN (
  SELECT owner, string_agg(substr(member, 2, length(member) - 2), ',') AS members
  FROM (SELECT c.run_id AS owner, _map(c.key, c.value)::TEXT AS member FROM tags c) one
  GROUP BY owner
) tags_of ON tags_of.owner = r.run_id;

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
  CASE WHEN c.timestamp BETWEEN -62135596800000 AND 253402300799999 THEN c.timestamp::TIMESTAMP WITHOUT TIME ZONE END AS logged_at,
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
  CASE WHEN c.timestamp BETWEEN -62135596800000 AND 253402300799999 THEN c.timestamp::TIMESTAMP WITHOUT TIME ZONE END AS logged_at,
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
  CASE WHEN m.creation_timestamp_ms BETWEEN -62135596800000 AND 253402300799999 THEN m.creation_timestamp_ms::TIMESTAMP WITHOUT TIME ZONE END AS created_at,
  CASE WHEN m.last_updated_timestamp_ms BETWEEN -62135596800000 AND 253402300799999 THEN m.last_updated_timestamp_ms::TIMESTAMP WITHOUT TIME ZONE END AS updated_at,
  m.artifact_location,
  (COALESCE('{' || params_of.members || '}', '{}'))::OBJECT AS params,
  (COALESCE('{' || tags_of.members || '}', '{}'))::OBJECT AS tags
FROM logged_models m
LEFT JOIN experiments e ON e.experiment_id = m.experiment_id
LEFT JOIN runs r ON r.run_id = m.source_run_id
LEFT JOIN (
  SELECT owner, string_agg(substr(member, 2, length(member) - 2), ',') AS members
  FROM (SELECT c.model_id AS owner, _map(c.param_key, c.param_value)::TEXT AS member FROM logged_model_params c) one
  GROUP BY owner
) params_of ON params_of.owner = m.model_id
LEFT JOIN (
  SELECT owner, string_agg(substr(member, 2, length(member) - 2), ',') AS members
  FROM (SELECT c.model_id AS owner, _map(c.tag_key, c.tag_value)::TEXT AS member FROM logged_model_tags c) one
  GROUP BY owner
) tags_of ON tags_of.owner = m.model_id;

CREATE OR REPLACE VIEW v1_model_versions AS
SELECT
  n.name AS model_name,
  v.version,
  COALESCE(aliases_of.members, []::ARRAY(TEXT)) AS aliases,
  v.current_stage AS stage,
  CASE WHEN n.name IS NULL OR v.current_stage = 'Deleted_Internal' THEN 'deleted' ELSE 'active' END AS lifecycle_stage,
  v.status,
  v.is_prompt,
  v.description,
  v.user_id,
  CASE WHEN v.creation_time BETWEEN -62135596800000 AND 253402300799999 THEN v.creation_time::TIMESTAMP WITHOUT TIME ZONE END AS created_at,
  CASE WHEN v.last_updated_time BETWEEN -62135596800000 AND 253402300799999 THEN v.last_updated_time::TIMESTAMP WITHOUT TIME ZONE END AS updated_at,
  v.source,
  v.model_id,
  l.name AS logged_model_name,
  l.lifecycle_stage AS logged_model_lifecycle_stage,
  COALESCE(NULLIF(v.run_id, ''), l.source_run_id) AS run_id,
  r.run_name,
  r.lifecycle_stage AS run_lifecycle_stage,
  r.experiment_id,
  e.name AS experiment_name,
  COALESCE(datasets_of.members, []::ARRAY(TEXT)) AS datasets,
  (COALESCE('{' || tags_of.members || '}', '{}'))::OBJECT AS tags
FROM model_versions v
LEFT JOIN registered_models n ON n.model_uid = v.model_uid
LEFT JOIN logged_models l ON l.model_id = v.model_id
LEFT JOIN runs r ON r.run_id = COALESCE(NULLIF(v.run_id, ''), l.source_run_id)
LEFT JOIN experiments e ON e.experiment_id = r.experiment_id
LEFT JOIN (
  SELECT model_uid, version, array_agg(alias) AS members FROM registered_model_aliases WHERE version IS NOT NULL GROUP BY model_uid, version
) aliases_of ON aliases_of.model_uid = v.model_uid AND aliases_of.version = v.version
LEFT JOIN (
  SELECT i.destination_id AS owner, array_agg(s.name || ' (' || s.digest || ')') AS members FROM inputs i JOIN datasets s ON s.dataset_id = i.source_id WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' GROUP BY i.destination_id
) datasets_of ON datasets_of.owner = r.run_id
LEFT JOIN (
  SELECT owner, string_agg(substr(member, 2, length(member) - 2), ',') AS members
  FROM (SELECT c.version_uid AS owner, _map(c.key, CASE WHEN c.is_long THEN c.long_value ELSE c.value END)::TEXT AS member FROM model_version_tags c) one
  GROUP BY owner
) tags_of ON tags_of.owner = v.version_uid;

CREATE OR REPLACE VIEW v1_traces AS
SELECT
  t.trace_id,
  t.trace_name,
  t.experiment_id,
  e.name AS experiment_name,
  e.lifecycle_stage AS experiment_lifecycle_stage,
  t.session_id,
  t.status,
  CASE WHEN t.timestamp_ms BETWEEN -62135596800000 AND 253402300799999 THEN t.timestamp_ms::TIMESTAMP WITHOUT TIME ZONE END AS started_at,
  CASE WHEN t.end_ms BETWEEN -62135596800000 AND 253402300799999 THEN t.end_ms::TIMESTAMP WITHOUT TIME ZONE END AS ended_at,
  t.end_ms::DOUBLE PRECISION - t.timestamp_ms::DOUBLE PRECISION AS duration_ms,
  t.input_tokens,
  t.output_tokens,
  t.total_tokens,
  t.cache_read_input_tokens,
  t.cache_creation_input_tokens,
  t.input_cost,
  t.output_cost,
  t.total_cost,
  COALESCE(span_count_of.number, 0) AS span_count,
  COALESCE(failed_span_count_of.number, 0) AS failed_span_count,
  COALESCE(assessment_count_of.number, 0) AS assessment_count,
  t.request_preview,
  t.response_preview,
  (COALESCE('{' || tags_of.members || '}', '{}'))::OBJECT AS tags,
  (COALESCE('{' || metadata_of.members || '}', '{}'))::OBJECT AS metadata
FROM traces t
LEFT JOIN experiments e ON e.experiment_id = t.experiment_id
LEFT JOIN (
  SELECT trace_id AS owner, count(*) AS number FROM spans GROUP BY trace_id
) span_count_of ON span_count_of.owner = t.trace_id
LEFT JOIN (
  SELECT trace_id AS owner, count(*) AS number FROM spans WHERE status = 'ERROR' GROUP BY trace_id
) failed_span_count_of ON failed_span_count_of.owner = t.trace_id
LEFT JOIN (
  SELECT a.trace_id AS owner, count(*) AS number FROM assessments a
  LEFT JOIN assessments newer ON newer.trace_id = a.trace_id AND newer.overrides = a.assessment_id
  WHERE newer.assessment_id IS NULL GROUP BY a.trace_id
) assessment_count_of ON assessment_count_of.owner = t.trace_id
LEFT JOIN (
  SELECT owner, string_agg(substr(member, 2, length(member) - 2), ',') AS members
  FROM (SELECT c.trace_id AS owner, _map(c.key, c.value)::TEXT AS member FROM trace_tags c) one
  GROUP BY owner
) tags_of ON tags_of.owner = t.trace_id
LEFT JOIN (
  SELECT owner, string_agg(substr(member, 2, length(member) - 2), ',') AS members
  FROM (SELECT c.trace_id AS owner, _map(c.key, c.value)::TEXT AS member FROM trace_metadata c) one
  GROUP BY owner
) metadata_of ON metadata_of.owner = t.trace_id;

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
  CASE WHEN a.created_timestamp BETWEEN -62135596800000 AND 253402300799999 THEN a.created_timestamp::TIMESTAMP WITHOUT TIME ZONE END AS created_at,
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
