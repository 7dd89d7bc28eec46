-- Review queues of MLflow 3.17 with their items, and issues that were found in traces.
-- Users and label schemas of a queue are in its row, so that every change of them is atomic.

CREATE TABLE IF NOT EXISTS review_queues (
  queue_id TEXT COLLATE "C" PRIMARY KEY,
  experiment_id BIGINT NOT NULL,
  name TEXT COLLATE "C",
  fence BIGINT NOT NULL,
  queue_type TEXT COLLATE "C" NOT NULL,
  created_by TEXT COLLATE "C",
  creation_time_ms BIGINT NOT NULL,
  last_update_time_ms BIGINT NOT NULL,
  users TEXT[] COLLATE "C" NOT NULL,
  schema_ids TEXT[] COLLATE "C" NOT NULL
);

CREATE TABLE IF NOT EXISTS review_queue_items (
  queue_id TEXT COLLATE "C" NOT NULL,
  item_id TEXT COLLATE "C" NOT NULL,
  item_type TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL,
  completed_by TEXT COLLATE "C",
  completed_time_ms BIGINT,
  creation_time_ms BIGINT NOT NULL,
  last_update_time_ms BIGINT NOT NULL,
  PRIMARY KEY (queue_id, item_id)
);

CREATE TABLE IF NOT EXISTS issues (
  issue_id TEXT COLLATE "C" PRIMARY KEY,
  experiment_id BIGINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  description TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL,
  severity TEXT COLLATE "C",
  root_causes TEXT COLLATE "C",
  source_run_id TEXT COLLATE "C",
  categories TEXT COLLATE "C",
  created_timestamp BIGINT NOT NULL,
  last_updated_timestamp BIGINT NOT NULL,
  created_by TEXT COLLATE "C"
);

CREATE INDEX IF NOT EXISTS review_queues_by_experiment ON review_queues (experiment_id);
CREATE INDEX IF NOT EXISTS review_queue_items_by_item ON review_queue_items (item_id);
CREATE INDEX IF NOT EXISTS issues_by_experiment ON issues (experiment_id);
