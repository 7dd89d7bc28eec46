-- Evaluation datasets of MLflow 3.17, their tags, records and experiments. The records of a dataset lie in one shard.
-- JSON of any length is kept out of the index and the column store, which take 32,766 bytes at most.

CREATE TABLE IF NOT EXISTS evaluation_datasets (
  dataset_id TEXT PRIMARY KEY,
  name TEXT,
  schema TEXT INDEX OFF STORAGE WITH (columnstore = false),
  num_records BIGINT,
  digest TEXT,
  created_time BIGINT,
  last_update_time BIGINT,
  created_by TEXT,
  last_updated_by TEXT,
  write_id TEXT
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS evaluation_dataset_tags (
  dataset_id TEXT,
  key TEXT,
  value TEXT,
  PRIMARY KEY (dataset_id, key)
) CLUSTERED BY (dataset_id) INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS evaluation_dataset_experiments (
  dataset_id TEXT,
  experiment_id TEXT,
  created_time BIGINT,
  PRIMARY KEY (dataset_id, experiment_id)
) CLUSTERED BY (dataset_id) INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS evaluation_dataset_records (
  dataset_id TEXT,
  dataset_record_id TEXT,
  place TEXT,
  inputs TEXT INDEX OFF STORAGE WITH (columnstore = false),
  outputs TEXT INDEX OFF STORAGE WITH (columnstore = false),
  expectations TEXT INDEX OFF STORAGE WITH (columnstore = false),
  tags TEXT INDEX OFF STORAGE WITH (columnstore = false),
  source TEXT INDEX OFF STORAGE WITH (columnstore = false),
  created_time BIGINT,
  last_update_time BIGINT,
  created_by TEXT,
  last_updated_by TEXT,
  revision BIGINT,
  write_id TEXT,
  PRIMARY KEY (dataset_id, dataset_record_id)
) CLUSTERED BY (dataset_id) INTO ${shards} SHARDS WITH (number_of_replicas = '${replicas}');
