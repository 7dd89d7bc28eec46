-- Scorers and label schemas of MLflow 3.17. The row of a scorer stays when it is deleted, with an empty scorer_id.

CREATE TABLE IF NOT EXISTS scorers (
  experiment_id BIGINT NOT NULL,
  scorer_name TEXT COLLATE "C" NOT NULL,
  scorer_id TEXT COLLATE "C" NOT NULL,
  online_scoring_config_id TEXT COLLATE "C",
  sample_rate DOUBLE PRECISION,
  filter_string TEXT COLLATE "C",
  PRIMARY KEY (experiment_id, scorer_name)
);

CREATE TABLE IF NOT EXISTS scorer_versions (
  scorer_id TEXT COLLATE "C" NOT NULL,
  scorer_version BIGINT NOT NULL,
  serialized_scorer TEXT COLLATE "C" NOT NULL,
  creation_time BIGINT NOT NULL,
  PRIMARY KEY (scorer_id, scorer_version)
);

CREATE TABLE IF NOT EXISTS label_schemas (
  schema_id TEXT COLLATE "C" PRIMARY KEY,
  experiment_id BIGINT NOT NULL,
  name TEXT COLLATE "C",
  name_fence BIGINT NOT NULL,
  type TEXT COLLATE "C" NOT NULL,
  instruction TEXT COLLATE "C",
  enable_comment BOOLEAN NOT NULL,
  input_type TEXT COLLATE "C" NOT NULL,
  input_config TEXT COLLATE "C" NOT NULL,
  created_time BIGINT NOT NULL,
  last_update_time BIGINT NOT NULL,
  is_default BOOLEAN NOT NULL
);

CREATE INDEX IF NOT EXISTS scorers_by_id ON scorers (scorer_id);
CREATE INDEX IF NOT EXISTS label_schemas_by_experiment ON label_schemas (experiment_id, created_time);
