-- Assessments of traces of MLflow 3.17: feedback, expectations, references to issues.

CREATE TABLE IF NOT EXISTS assessments (
  trace_id TEXT COLLATE "C" NOT NULL,
  assessment_id TEXT COLLATE "C" NOT NULL,
  experiment_id BIGINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  assessment_type TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C",
  long_value TEXT COLLATE "C",
  aggregate_value DOUBLE PRECISION,
  is_numeric_value BOOLEAN NOT NULL,
  error TEXT COLLATE "C",
  source_type TEXT COLLATE "C" NOT NULL,
  source_id TEXT COLLATE "C",
  run_id TEXT COLLATE "C",
  span_id TEXT COLLATE "C",
  rationale TEXT COLLATE "C",
  overrides TEXT COLLATE "C",
  assessment_metadata TEXT COLLATE "C",
  of_session BOOLEAN NOT NULL,
  created_timestamp BIGINT NOT NULL,
  last_updated_timestamp BIGINT NOT NULL,
  place BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  PRIMARY KEY (trace_id, assessment_id)
);

CREATE INDEX IF NOT EXISTS assessments_of_issues ON assessments (name, trace_id) WHERE assessment_type = 'issue';

CREATE INDEX IF NOT EXISTS assessments_of_sessions ON assessments (experiment_id, name) WHERE of_session;
