-- Traces of MLflow 3.17 with their spans, tags and metadata; spans name the month of their trace, CrateDB's partition.

CREATE TABLE IF NOT EXISTS traces (
  trace_id TEXT COLLATE "C" PRIMARY KEY,
  experiment_id BIGINT NOT NULL,
  month TEXT COLLATE "C" NOT NULL,
  timestamp_ms BIGINT NOT NULL,
  end_ms BIGINT,
  status TEXT COLLATE "C" NOT NULL,
  client_request_id TEXT COLLATE "C",
  request_preview TEXT COLLATE "C",
  response_preview TEXT COLLATE "C",
  trace_name TEXT COLLATE "C",
  session_id TEXT COLLATE "C",
  input_tokens BIGINT,
  output_tokens BIGINT,
  total_tokens BIGINT,
  cache_read_input_tokens BIGINT,
  cache_creation_input_tokens BIGINT,
  cache_creation_input_tokens_above_1hr BIGINT,
  input_cost DOUBLE PRECISION,
  output_cost DOUBLE PRECISION,
  total_cost DOUBLE PRECISION,
  is_final BOOLEAN NOT NULL,
  has_given_tokens BOOLEAN NOT NULL,
  has_given_cost BOOLEAN NOT NULL,
  has_usage BOOLEAN NOT NULL,
  generation BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS spans (
  trace_id TEXT COLLATE "C" NOT NULL,
  span_id TEXT COLLATE "C" NOT NULL,
  month TEXT COLLATE "C" NOT NULL,
  experiment_id BIGINT NOT NULL,
  parent_span_id TEXT COLLATE "C",
  name TEXT COLLATE "C" NOT NULL,
  type TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL,
  start_time_unix_nano BIGINT NOT NULL,
  end_time_unix_nano BIGINT,
  content TEXT COLLATE "C" NOT NULL,
  usage TEXT COLLATE "C",
  cost TEXT COLLATE "C",
  model_name TEXT COLLATE "C",
  model_provider TEXT COLLATE "C",
  PRIMARY KEY (trace_id, span_id, month)
);

CREATE TABLE IF NOT EXISTS trace_tags (
  trace_id TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  experiment_id BIGINT NOT NULL,
  PRIMARY KEY (trace_id, key)
);

CREATE TABLE IF NOT EXISTS trace_metadata (
  trace_id TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  experiment_id BIGINT NOT NULL,
  PRIMARY KEY (trace_id, key)
);

CREATE INDEX IF NOT EXISTS traces_by_time ON traces (experiment_id, timestamp_ms DESC, trace_id);

CREATE INDEX IF NOT EXISTS traces_by_session ON traces (experiment_id, session_id);

CREATE INDEX IF NOT EXISTS trace_tags_by_key ON trace_tags (experiment_id, key);

CREATE INDEX IF NOT EXISTS trace_metadata_by_key ON trace_metadata (experiment_id, key);
