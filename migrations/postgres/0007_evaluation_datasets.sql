-- Evaluation datasets of MLflow 3.17, their tags, records and experiments.

CREATE TABLE IF NOT EXISTS evaluation_datasets (
  dataset_id TEXT COLLATE "C" PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  schema TEXT COLLATE "C",
  num_records BIGINT,
  digest TEXT COLLATE "C" NOT NULL,
  created_time BIGINT NOT NULL,
  last_update_time BIGINT NOT NULL,
  created_by TEXT COLLATE "C",
  last_updated_by TEXT COLLATE "C",
  write_id TEXT COLLATE "C" NOT NULL
);

CREATE TABLE IF NOT EXISTS evaluation_dataset_tags (
  dataset_id TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C",
  PRIMARY KEY (dataset_id, key)
);

CREATE TABLE IF NOT EXISTS evaluation_dataset_experiments (
  dataset_id TEXT COLLATE "C" NOT NULL,
  experiment_id TEXT COLLATE "C" NOT NULL,
  created_time BIGINT NOT NULL,
  PRIMARY KEY (dataset_id, experiment_id)
);

CREATE TABLE IF NOT EXISTS evaluation_dataset_records (
  dataset_id TEXT COLLATE "C" NOT NULL,
  dataset_record_id TEXT COLLATE "C" NOT NULL,
  place TEXT COLLATE "C" NOT NULL,
  inputs TEXT COLLATE "C" NOT NULL,
  outputs TEXT COLLATE "C",
  expectations TEXT COLLATE "C",
  tags TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C",
  created_time BIGINT NOT NULL,
  last_update_time BIGINT NOT NULL,
  created_by TEXT COLLATE "C",
  last_updated_by TEXT COLLATE "C",
  revision BIGINT NOT NULL,
  write_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (dataset_id, dataset_record_id)
);

CREATE INDEX IF NOT EXISTS evaluation_datasets_by_time ON evaluation_datasets (created_time DESC, dataset_id DESC);
CREATE INDEX IF NOT EXISTS evaluation_dataset_records_by_place ON evaluation_dataset_records (dataset_id, place);
