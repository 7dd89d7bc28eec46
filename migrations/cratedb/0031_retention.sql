-- Policies about old data, their executions step by step, and the audit of both.

CREATE TABLE IF NOT EXISTS retention_policies (
  policy_id TEXT PRIMARY KEY,
  name TEXT,
  version BIGINT,
  is_deleted BOOLEAN,
  definition TEXT INDEX OFF STORAGE WITH (columnstore = false),
  created_at_ms BIGINT,
  updated_at_ms BIGINT,
  scheduled_from_ms BIGINT
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS retention_executions (
  execution_id TEXT PRIMARY KEY,
  policy_id TEXT,
  policy_name TEXT,
  definition TEXT INDEX OFF STORAGE WITH (columnstore = false),
  cause TEXT,
  user_id TEXT,
  state TEXT,
  cutoff_ms BIGINT,
  started_at_ms BIGINT,
  ended_at_ms BIGINT,
  is_cancelling BOOLEAN,
  steps_planned BIGINT,
  steps_done BIGINT,
  row_count BIGINT,
  byte_count BIGINT,
  message TEXT INDEX OFF STORAGE WITH (columnstore = false)
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS retention_steps (
  execution_id TEXT,
  number BIGINT,
  key TEXT INDEX OFF STORAGE WITH (columnstore = false),
  state TEXT,
  statement TEXT INDEX OFF STORAGE WITH (columnstore = false),
  partition TEXT INDEX OFF STORAGE WITH (columnstore = false),
  row_count BIGINT,
  byte_count BIGINT,
  started_at_ms BIGINT,
  duration_ms BIGINT,
  message TEXT INDEX OFF STORAGE WITH (columnstore = false),
  PRIMARY KEY (execution_id, number)
) CLUSTERED BY (execution_id) INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS retention_audit (
  audit_id TEXT PRIMARY KEY,
  at_ms BIGINT,
  kind TEXT,
  policy_id TEXT,
  policy_name TEXT,
  user_id TEXT,
  before TEXT INDEX OFF STORAGE WITH (columnstore = false),
  after TEXT INDEX OFF STORAGE WITH (columnstore = false),
  execution TEXT INDEX OFF STORAGE WITH (columnstore = false)
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');
