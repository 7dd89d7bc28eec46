-- What was deleted for good: a record of things that are in no other table any more. Rows are only ever added.

CREATE TABLE IF NOT EXISTS deletions (
  deletion_id TEXT PRIMARY KEY,
  deleted_at_ms BIGINT,
  kind TEXT,
  entity_id TEXT,
  name TEXT,
  experiment_id BIGINT,
  row_count BIGINT,
  file_count BIGINT,
  user_id TEXT,
  cause TEXT
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');
