-- What was deleted for good: a record of things that are in no other table any more. Rows are only ever added.

CREATE TABLE IF NOT EXISTS deletions (
  deletion_id TEXT COLLATE "C" PRIMARY KEY,
  deleted_at_ms BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  entity_id TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C",
  experiment_id BIGINT NOT NULL,
  row_count BIGINT NOT NULL,
  file_count BIGINT NOT NULL,
  user_id TEXT COLLATE "C",
  cause TEXT COLLATE "C" NOT NULL
);

CREATE INDEX IF NOT EXISTS deletions_by_time ON deletions (deleted_at_ms DESC, deletion_id DESC);

CREATE INDEX IF NOT EXISTS runs_by_deletion ON runs (deleted_time, run_id) WHERE lifecycle_stage <> 'active';

CREATE INDEX IF NOT EXISTS trace_links_by_target ON trace_links (kind, target);

CREATE INDEX IF NOT EXISTS logged_model_metrics_by_run ON logged_model_metrics (run_id);
