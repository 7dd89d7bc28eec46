-- Registered models and model versions of MLflow 3.17, their tags and aliases, and the audit of aliases and stages.
-- A value that passes 8,000 characters has its head in `value`, which searches use, and all of it in `long_value`.

CREATE TABLE IF NOT EXISTS registered_models (
  model_uid TEXT COLLATE "C" PRIMARY KEY,
  name TEXT COLLATE "C",
  name_fence BIGINT NOT NULL,
  creation_time BIGINT NOT NULL,
  last_updated_time BIGINT NOT NULL,
  renamed_time BIGINT NOT NULL,
  description TEXT COLLATE "C",
  is_prompt BOOLEAN NOT NULL,
  last_version BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS registered_model_tags (
  model_uid TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  is_long BOOLEAN NOT NULL,
  long_value TEXT COLLATE "C",
  PRIMARY KEY (model_uid, key)
);

CREATE TABLE IF NOT EXISTS registered_model_aliases (
  model_uid TEXT COLLATE "C" NOT NULL,
  alias TEXT COLLATE "C" NOT NULL,
  version BIGINT,
  event_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (model_uid, alias)
);

CREATE TABLE IF NOT EXISTS model_versions (
  model_uid TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  version_uid TEXT COLLATE "C" NOT NULL,
  creation_time BIGINT NOT NULL,
  last_updated_time BIGINT NOT NULL,
  description TEXT COLLATE "C",
  user_id TEXT COLLATE "C",
  current_stage TEXT COLLATE "C" NOT NULL,
  event_id TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  storage_location TEXT COLLATE "C" NOT NULL,
  run_id TEXT COLLATE "C",
  run_link TEXT COLLATE "C",
  model_id TEXT COLLATE "C",
  status TEXT COLLATE "C" NOT NULL,
  status_message TEXT COLLATE "C",
  is_prompt BOOLEAN NOT NULL,
  PRIMARY KEY (model_uid, version)
);

CREATE TABLE IF NOT EXISTS model_version_tags (
  version_uid TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  is_long BOOLEAN NOT NULL,
  long_value TEXT COLLATE "C",
  model_uid TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (version_uid, key)
);

CREATE TABLE IF NOT EXISTS registry_audit (
  event_id TEXT COLLATE "C" PRIMARY KEY,
  previous_event_id TEXT COLLATE "C" NOT NULL,
  model_uid TEXT COLLATE "C" NOT NULL,
  model_name TEXT COLLATE "C" NOT NULL,
  at_ms BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C",
  alias TEXT COLLATE "C",
  old_version BIGINT,
  new_version BIGINT,
  old_stage TEXT COLLATE "C",
  new_stage TEXT COLLATE "C"
);

CREATE INDEX IF NOT EXISTS registered_models_by_name ON registered_models (name);
CREATE INDEX IF NOT EXISTS model_versions_by_uid ON model_versions (version_uid);
CREATE INDEX IF NOT EXISTS model_versions_by_run ON model_versions (run_id);
CREATE INDEX IF NOT EXISTS model_version_tags_by_model ON model_version_tags (model_uid);
CREATE INDEX IF NOT EXISTS registry_audit_by_model ON registry_audit (model_uid, at_ms);
