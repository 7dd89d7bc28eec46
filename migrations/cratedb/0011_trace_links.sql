-- What traces are linked to: runs and versions of prompts. A trace may be linked before its spans arrive.

CREATE TABLE IF NOT EXISTS trace_links (
  trace_id TEXT,
  kind TEXT,
  target TEXT,
  creation_time_ms BIGINT,
  PRIMARY KEY (trace_id, kind, target)
) CLUSTERED BY (trace_id) INTO ${shards} SHARDS WITH (number_of_replicas = '${replicas}');
