-- Traces of MLflow 3.17 with their spans, tags and metadata. Spans are partitioned by the month of their trace, so that
-- old ones go at once; what may pass 32,766 bytes is kept out of the index and the column store.

CREATE TABLE IF NOT EXISTS traces (
  trace_id TEXT PRIMARY KEY,
  experiment_id BIGINT,
  month TEXT,
  timestamp_ms BIGINT,
  end_ms BIGINT,
  status TEXT,
  client_request_id TEXT,
  request_preview TEXT INDEX OFF STORAGE WITH (columnstore = false),
  response_preview TEXT INDEX OFF STORAGE WITH (columnstore = false),
  trace_name TEXT,
  session_id TEXT,
  input_tokens BIGINT,
  output_tokens BIGINT,
  total_tokens BIGINT,
  cache_read_input_tokens BIGINT,
  cache_creation_input_tokens BIGINT,
  cache_creation_input_tokens_above_1hr BIGINT,
  input_cost DOUBLE PRECISION,
  output_cost DOUBLE PRECISION,
  total_cost DOUBLE PRECISION,
  is_final BOOLEAN,
  has_given_tokens BOOLEAN,
  has_given_cost BOOLEAN,
  has_usage BOOLEAN,
  generation BIGINT
) CLUSTERED INTO ${shards} SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS spans (
  trace_id TEXT,
  span_id TEXT,
  month TEXT,
  experiment_id BIGINT,
  parent_span_id TEXT,
  name TEXT,
  type TEXT,
  status TEXT,
  start_time_unix_nano BIGINT,
  end_time_unix_nano BIGINT,
  content TEXT INDEX OFF STORAGE WITH (columnstore = false),
  usage TEXT INDEX OFF STORAGE WITH (columnstore = false),
  cost TEXT INDEX OFF STORAGE WITH (columnstore = false),
  model_name TEXT,
  model_provider TEXT,
  PRIMARY KEY (trace_id, span_id, month)
) CLUSTERED BY (trace_id) INTO ${shards} SHARDS PARTITIONED BY (month) WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS trace_tags (
  trace_id TEXT,
  key TEXT,
  value TEXT,
  experiment_id BIGINT,
  PRIMARY KEY (trace_id, key)
) CLUSTERED BY (trace_id) INTO ${shards} SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS trace_metadata (
  trace_id TEXT,
  key TEXT,
  value TEXT,
  experiment_id BIGINT,
  PRIMARY KEY (trace_id, key)
) CLUSTERED BY (trace_id) INTO ${shards} SHARDS WITH (number_of_replicas = '${replicas}');
