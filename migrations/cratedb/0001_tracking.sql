-- Experiments, runs, metrics, params, tags, datasets and logged models of MLflow 3.17.
-- Statements run one by one and may be repeated. TEXT that can pass 32,766 bytes is kept out of the index and the
-- column store, where CrateDB refuses it; it stays searchable.

CREATE TABLE IF NOT EXISTS name_claims (
  scope TEXT,
  name TEXT,
  owner_id TEXT,
  fence BIGINT,
  PRIMARY KEY (scope, name)
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS experiments (
  experiment_id BIGINT PRIMARY KEY,
  name TEXT,
  name_fence BIGINT,
  artifact_location TEXT,
  lifecycle_stage TEXT,
  creation_time BIGINT,
  last_update_time BIGINT
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS experiment_tags (
  experiment_id BIGINT,
  key TEXT,
  value TEXT INDEX OFF STORAGE WITH (columnstore = false),
  PRIMARY KEY (experiment_id, key)
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS runs (
  run_id TEXT PRIMARY KEY,
  experiment_id BIGINT,
  run_name TEXT,
  user_id TEXT,
  status TEXT,
  start_time BIGINT,
  end_time BIGINT,
  deleted_time BIGINT,
  lifecycle_stage TEXT,
  artifact_uri TEXT
) CLUSTERED INTO ${shards} SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS params (
  run_id TEXT,
  key TEXT,
  value TEXT,
  experiment_id BIGINT,
  PRIMARY KEY (run_id, key)
) CLUSTERED BY (run_id) INTO ${shards} SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS tags (
  run_id TEXT,
  key TEXT,
  value TEXT,
  experiment_id BIGINT,
  PRIMARY KEY (run_id, key)
) CLUSTERED BY (run_id) INTO ${shards} SHARDS WITH (number_of_replicas = '${replicas}');

-- One run's history lies in one shard; one month of runs is one partition, so that old points can be dropped at once.
CREATE TABLE IF NOT EXISTS metrics (
  run_id TEXT,
  key TEXT,
  value DOUBLE PRECISION,
  timestamp BIGINT,
  step BIGINT,
  is_nan BOOLEAN,
  experiment_id BIGINT,
  month TEXT,
  PRIMARY KEY (run_id, key, timestamp, step, value, is_nan, month)
) CLUSTERED BY (run_id) INTO ${shards} SHARDS PARTITIONED BY (month) WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS latest_metrics (
  run_id TEXT,
  key TEXT,
  value DOUBLE PRECISION,
  timestamp BIGINT,
  step BIGINT,
  is_nan BOOLEAN,
  experiment_id BIGINT,
  PRIMARY KEY (run_id, key)
) CLUSTERED BY (run_id) INTO ${shards} SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS datasets (
  dataset_id TEXT PRIMARY KEY,
  experiment_id BIGINT,
  name TEXT,
  digest TEXT,
  dataset_source_type TEXT,
  dataset_source TEXT INDEX OFF STORAGE WITH (columnstore = false),
  dataset_schema TEXT INDEX OFF STORAGE WITH (columnstore = false),
  dataset_profile TEXT INDEX OFF STORAGE WITH (columnstore = false)
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS inputs (
  source_type TEXT,
  source_id TEXT,
  destination_type TEXT,
  destination_id TEXT,
  step BIGINT,
  logged_order BIGINT,
  PRIMARY KEY (source_type, source_id, destination_type, destination_id)
) CLUSTERED INTO ${shards} SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS input_tags (
  run_id TEXT,
  dataset_id TEXT,
  name TEXT,
  value TEXT,
  PRIMARY KEY (run_id, dataset_id, name)
) CLUSTERED BY (run_id) INTO ${shards} SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS logged_models (
  model_id TEXT PRIMARY KEY,
  experiment_id BIGINT,
  name TEXT,
  artifact_location TEXT,
  creation_timestamp_ms BIGINT,
  last_updated_timestamp_ms BIGINT,
  status INTEGER,
  lifecycle_stage TEXT,
  model_type TEXT,
  source_run_id TEXT,
  status_message TEXT
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS logged_model_params (
  model_id TEXT,
  param_key TEXT,
  param_value TEXT INDEX OFF STORAGE WITH (columnstore = false),
  experiment_id BIGINT,
  PRIMARY KEY (model_id, param_key)
) CLUSTERED BY (model_id) INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS logged_model_tags (
  model_id TEXT,
  tag_key TEXT,
  tag_value TEXT INDEX OFF STORAGE WITH (columnstore = false),
  experiment_id BIGINT,
  PRIMARY KEY (model_id, tag_key)
) CLUSTERED BY (model_id) INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS logged_model_metrics (
  model_id TEXT,
  metric_name TEXT,
  metric_timestamp_ms BIGINT,
  metric_step BIGINT,
  metric_value DOUBLE PRECISION,
  experiment_id BIGINT,
  run_id TEXT,
  dataset_name TEXT,
  dataset_digest TEXT,
  PRIMARY KEY (
    model_id, metric_name, metric_timestamp_ms, metric_step, metric_value, run_id, dataset_name, dataset_digest
  )
) CLUSTERED BY (model_id) INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');
