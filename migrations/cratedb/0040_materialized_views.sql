-- Answers to statements that are kept in tables and refreshed: what they are made of, and what became of their last refreshes.

CREATE TABLE IF NOT EXISTS materialized_views (
  view_id TEXT PRIMARY KEY,
  name TEXT,
  definition TEXT INDEX OFF STORAGE WITH (columnstore = false),
  created_at_ms BIGINT,
  user_id TEXT,
  scheduled_from_ms BIGINT,
  version BIGINT,
  refreshed_at_ms BIGINT,
  duration_ms BIGINT,
  row_count BIGINT,
  greatest TEXT INDEX OFF STORAGE WITH (columnstore = false),
  generation BIGINT,
  failed_at_ms BIGINT,
  message TEXT INDEX OFF STORAGE WITH (columnstore = false)
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');
