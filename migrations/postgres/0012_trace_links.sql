-- What traces are linked to: runs and versions of prompts. A trace may be linked before its spans arrive.

CREATE TABLE IF NOT EXISTS trace_links (
  trace_id TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  target TEXT COLLATE "C" NOT NULL,
  creation_time_ms BIGINT NOT NULL,
  PRIMARY KEY (trace_id, kind, target)
);
