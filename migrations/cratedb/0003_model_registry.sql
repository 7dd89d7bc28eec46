-- Registered models and model versions of MLflow 3.17, their tags and aliases, and the audit of aliases and stages.
-- A value that passes 8,000 characters has its head in `value`, which searches use, and all of it in `long_value`.

CREATE TABLE IF NOT EXISTS registered_models (
  model_uid TEXT PRIMARY KEY,
  name TEXT,
  name_fence BIGINT,
  creation_time BIGINT,
  last_updated_time BIGINT,
  renamed_time BIGINT,
  description TEXT,
  is_prompt BOOLEAN,
  last_version BIGINT
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS registered_model_tags (
  model_uid TEXT,
  key TEXT,
  value TEXT,
  is_long BOOLEAN,
  long_value TEXT INDEX OFF STORAGE WITH (columnstore = false),
  PRIMARY KEY (model_uid, key)
) CLUSTERED BY (model_uid) INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS registered_model_aliases (
  model_uid TEXT,
  alias TEXT,
  version BIGINT,
  event_id TEXT,
  PRIMARY KEY (model_uid, alias)
) CLUSTERED BY (model_uid) INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS model_versions (
  model_uid TEXT,
  version BIGINT,
  version_uid TEXT,
  creation_time BIGINT,
  last_updated_time BIGINT,
  description TEXT,
  user_id TEXT,
  current_stage TEXT,
  event_id TEXT,
  source TEXT,
  storage_location TEXT,
  run_id TEXT,
  run_link TEXT,
  model_id TEXT,
  status TEXT,
  status_message TEXT,
  is_prompt BOOLEAN,
  PRIMARY KEY (model_uid, version)
) CLUSTERED BY (model_uid) INTO ${shards} SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS model_version_tags (
  version_uid TEXT,
  key TEXT,
  value TEXT,
  is_long BOOLEAN,
  long_value TEXT INDEX OFF STORAGE WITH (columnstore = false),
  model_uid TEXT,
  PRIMARY KEY (version_uid, key)
) CLUSTERED BY (version_uid) INTO ${shards} SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS registry_audit (
  event_id TEXT PRIMARY KEY,
  previous_event_id TEXT,
  model_uid TEXT,
  model_name TEXT,
  at_ms BIGINT,
  kind TEXT,
  user_id TEXT,
  alias TEXT,
  old_version BIGINT,
  new_version BIGINT,
  old_stage TEXT,
  new_stage TEXT
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');
