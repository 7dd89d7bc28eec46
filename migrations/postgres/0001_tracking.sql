-- Experiments, runs, metrics, params, tags, datasets and logged models of MLflow 3.17.
-- Statements run one by one and may be repeated. Text collates by bytes, as in CrateDB and in SQLite.

CREATE TABLE IF NOT EXISTS name_claims (
  scope TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  owner_id TEXT COLLATE "C" NOT NULL,
  fence BIGINT NOT NULL,
  PRIMARY KEY (scope, name)
);

CREATE TABLE IF NOT EXISTS experiments (
  experiment_id BIGINT PRIMARY KEY,
  name TEXT COLLATE "C",
  name_fence BIGINT NOT NULL,
  artifact_location TEXT COLLATE "C",
  lifecycle_stage TEXT COLLATE "C" NOT NULL,
  creation_time BIGINT NOT NULL,
  last_update_time BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS experiment_tags (
  experiment_id BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (experiment_id, key)
);

CREATE TABLE IF NOT EXISTS runs (
  run_id TEXT COLLATE "C" PRIMARY KEY,
  experiment_id BIGINT NOT NULL,
  run_name TEXT COLLATE "C",
  user_id TEXT COLLATE "C",
  status TEXT COLLATE "C" NOT NULL,
  start_time BIGINT,
  end_time BIGINT,
  deleted_time BIGINT,
  lifecycle_stage TEXT COLLATE "C" NOT NULL,
  artifact_uri TEXT COLLATE "C"
);

CREATE TABLE IF NOT EXISTS params (
  run_id TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  experiment_id BIGINT NOT NULL,
  PRIMARY KEY (run_id, key)
);

CREATE TABLE IF NOT EXISTS tags (
  run_id TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  experiment_id BIGINT NOT NULL,
  PRIMARY KEY (run_id, key)
);

CREATE TABLE IF NOT EXISTS metrics (
  run_id TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  value DOUBLE PRECISION NOT NULL,
  timestamp BIGINT NOT NULL,
  step BIGINT NOT NULL,
  is_nan BOOLEAN NOT NULL,
  experiment_id BIGINT NOT NULL,
  month TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (run_id, key, timestamp, step, value, is_nan, month)
);

CREATE TABLE IF NOT EXISTS latest_metrics (
  run_id TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  value DOUBLE PRECISION NOT NULL,
  timestamp BIGINT NOT NULL,
  step BIGINT NOT NULL,
  is_nan BOOLEAN NOT NULL,
  experiment_id BIGINT NOT NULL,
  PRIMARY KEY (run_id, key)
);

CREATE TABLE IF NOT EXISTS datasets (
  dataset_id TEXT COLLATE "C" PRIMARY KEY,
  experiment_id BIGINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  digest TEXT COLLATE "C" NOT NULL,
  dataset_source_type TEXT COLLATE "C" NOT NULL,
  dataset_source TEXT COLLATE "C" NOT NULL,
  dataset_schema TEXT COLLATE "C",
  dataset_profile TEXT COLLATE "C"
);

CREATE TABLE IF NOT EXISTS inputs (
  source_type TEXT COLLATE "C" NOT NULL,
  source_id TEXT COLLATE "C" NOT NULL,
  destination_type TEXT COLLATE "C" NOT NULL,
  destination_id TEXT COLLATE "C" NOT NULL,
  step BIGINT NOT NULL,
  logged_order BIGINT NOT NULL,
  PRIMARY KEY (source_type, source_id, destination_type, destination_id)
);

CREATE TABLE IF NOT EXISTS input_tags (
  run_id TEXT COLLATE "C" NOT NULL,
  dataset_id TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (run_id, dataset_id, name)
);

CREATE TABLE IF NOT EXISTS logged_models (
  model_id TEXT COLLATE "C" PRIMARY KEY,
  experiment_id BIGINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  artifact_location TEXT COLLATE "C" NOT NULL,
  creation_timestamp_ms BIGINT NOT NULL,
  last_updated_timestamp_ms BIGINT NOT NULL,
  status INTEGER NOT NULL,
  lifecycle_stage TEXT COLLATE "C" NOT NULL,
  model_type TEXT COLLATE "C",
  source_run_id TEXT COLLATE "C",
  status_message TEXT COLLATE "C"
);

CREATE TABLE IF NOT EXISTS logged_model_params (
  model_id TEXT COLLATE "C" NOT NULL,
  param_key TEXT COLLATE "C" NOT NULL,
  param_value TEXT COLLATE "C" NOT NULL,
  experiment_id BIGINT NOT NULL,
  PRIMARY KEY (model_id, param_key)
);

CREATE TABLE IF NOT EXISTS logged_model_tags (
  model_id TEXT COLLATE "C" NOT NULL,
  tag_key TEXT COLLATE "C" NOT NULL,
  tag_value TEXT COLLATE "C" NOT NULL,
  experiment_id BIGINT NOT NULL,
  PRIMARY KEY (model_id, tag_key)
);

CREATE TABLE IF NOT EXISTS logged_model_metrics (
  model_id TEXT COLLATE "C" NOT NULL,
  metric_name TEXT COLLATE "C" NOT NULL,
  metric_timestamp_ms BIGINT NOT NULL,
  metric_step BIGINT NOT NULL,
  metric_value DOUBLE PRECISION NOT NULL,
  experiment_id BIGINT NOT NULL,
  run_id TEXT COLLATE "C" NOT NULL,
  dataset_name TEXT COLLATE "C" NOT NULL,
  dataset_digest TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (
    model_id, metric_name, metric_timestamp_ms, metric_step, metric_value, run_id, dataset_name, dataset_digest
  )
);

CREATE INDEX IF NOT EXISTS experiments_by_name ON experiments (name);
CREATE INDEX IF NOT EXISTS runs_by_experiment ON runs (experiment_id, start_time DESC, run_id);
CREATE INDEX IF NOT EXISTS params_by_key ON params (experiment_id, key);
CREATE INDEX IF NOT EXISTS tags_by_key ON tags (experiment_id, key);
CREATE INDEX IF NOT EXISTS latest_metrics_by_key ON latest_metrics (experiment_id, key, value);
CREATE INDEX IF NOT EXISTS datasets_by_experiment ON datasets (experiment_id);
CREATE INDEX IF NOT EXISTS inputs_by_destination ON inputs (destination_id);
CREATE INDEX IF NOT EXISTS inputs_by_source ON inputs (source_id);
CREATE INDEX IF NOT EXISTS logged_models_by_experiment ON logged_models (experiment_id);
CREATE INDEX IF NOT EXISTS logged_model_metrics_by_name ON logged_model_metrics (metric_name, metric_value);
