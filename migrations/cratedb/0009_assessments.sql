-- Assessments of traces of MLflow 3.17: feedback, expectations, references to issues. Values that may pass 32,766 bytes are
-- kept out of the index and the column store.

CREATE TABLE IF NOT EXISTS assessments (
  trace_id TEXT,
  assessment_id TEXT,
  experiment_id BIGINT,
  name TEXT,
  assessment_type TEXT,
  value TEXT,
  long_value TEXT INDEX OFF STORAGE WITH (columnstore = false),
  aggregate_value DOUBLE PRECISION,
  is_numeric_value BOOLEAN,
  error TEXT INDEX OFF STORAGE WITH (columnstore = false),
  source_type TEXT,
  source_id TEXT,
  run_id TEXT,
  span_id TEXT,
  rationale TEXT INDEX OFF STORAGE WITH (columnstore = false),
  overrides TEXT,
  assessment_metadata TEXT INDEX OFF STORAGE WITH (columnstore = false),
  of_session BOOLEAN,
  created_timestamp BIGINT,
  last_updated_timestamp BIGINT,
  place BIGINT,
  revision BIGINT,
  PRIMARY KEY (trace_id, assessment_id)
) CLUSTERED BY (trace_id) INTO ${shards} SHARDS WITH (number_of_replicas = '${replicas}');
