-- Answers to statements that are kept in tables and refreshed: what they are made of, and what became of their last refreshes.

CREATE TABLE IF NOT EXISTS materialized_views (
  view_id TEXT COLLATE "C" PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  definition TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  user_id TEXT COLLATE "C",
  scheduled_from_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  refreshed_at_ms BIGINT,
  duration_ms BIGINT,
  row_count BIGINT,
  greatest TEXT,
  generation BIGINT,
  failed_at_ms BIGINT,
  message TEXT
);
