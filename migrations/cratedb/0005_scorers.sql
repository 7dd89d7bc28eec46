-- Scorers and label schemas of MLflow 3.17. The row of a scorer stays when it is deleted, with an empty scorer_id.
-- `serialized_scorer` and `filter_string` may be longer than what CrateDB indexes.

CREATE TABLE IF NOT EXISTS scorers (
  experiment_id BIGINT,
  scorer_name TEXT,
  scorer_id TEXT,
  online_scoring_config_id TEXT,
  sample_rate DOUBLE PRECISION,
  filter_string TEXT INDEX OFF STORAGE WITH (columnstore = false),
  PRIMARY KEY (experiment_id, scorer_name)
) CLUSTERED BY (experiment_id) INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS scorer_versions (
  scorer_id TEXT,
  scorer_version BIGINT,
  serialized_scorer TEXT INDEX OFF STORAGE WITH (columnstore = false),
  creation_time BIGINT,
  PRIMARY KEY (scorer_id, scorer_version)
) CLUSTERED BY (scorer_id) INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS label_schemas (
  schema_id TEXT PRIMARY KEY,
  experiment_id BIGINT,
  name TEXT,
  name_fence BIGINT,
  type TEXT,
  instruction TEXT,
  enable_comment BOOLEAN,
  input_type TEXT,
  input_config TEXT,
  created_time BIGINT,
  last_update_time BIGINT,
  is_default BOOLEAN
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');
