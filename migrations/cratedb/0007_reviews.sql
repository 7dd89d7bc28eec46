-- Review queues of MLflow 3.17 with their items, and issues that were found in traces.
-- Users and label schemas of a queue are in its row, so that every change of them is atomic.

CREATE TABLE IF NOT EXISTS review_queues (
  queue_id TEXT PRIMARY KEY,
  experiment_id BIGINT,
  name TEXT,
  fence BIGINT,
  queue_type TEXT,
  created_by TEXT,
  creation_time_ms BIGINT,
  last_update_time_ms BIGINT,
  users ARRAY(TEXT),
  schema_ids ARRAY(TEXT)
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS review_queue_items (
  queue_id TEXT,
  item_id TEXT,
  item_type TEXT,
  status TEXT,
  completed_by TEXT,
  completed_time_ms BIGINT,
  creation_time_ms BIGINT,
  last_update_time_ms BIGINT,
  PRIMARY KEY (queue_id, item_id)
) CLUSTERED BY (queue_id) INTO ${shards} SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS issues (
  issue_id TEXT PRIMARY KEY,
  experiment_id BIGINT,
  name TEXT,
  description TEXT INDEX OFF STORAGE WITH (columnstore = false),
  status TEXT,
  severity TEXT,
  root_causes TEXT INDEX OFF STORAGE WITH (columnstore = false),
  source_run_id TEXT,
  categories TEXT INDEX OFF STORAGE WITH (columnstore = false),
  created_timestamp BIGINT,
  last_updated_timestamp BIGINT,
  created_by TEXT
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');
