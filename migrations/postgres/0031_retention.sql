-- Policies about old data, their executions step by step, and the audit of both.

CREATE TABLE IF NOT EXISTS retention_policies (
  policy_id TEXT COLLATE "C" PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  is_deleted BOOLEAN NOT NULL,
  definition TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  scheduled_from_ms BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS retention_executions (
  execution_id TEXT COLLATE "C" PRIMARY KEY,
  policy_id TEXT COLLATE "C" NOT NULL,
  policy_name TEXT COLLATE "C" NOT NULL,
  definition TEXT NOT NULL,
  cause TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C",
  state TEXT COLLATE "C" NOT NULL,
  cutoff_ms BIGINT NOT NULL,
  started_at_ms BIGINT NOT NULL,
  ended_at_ms BIGINT,
  is_cancelling BOOLEAN NOT NULL,
  steps_planned BIGINT,
  steps_done BIGINT NOT NULL,
  row_count BIGINT NOT NULL,
  byte_count BIGINT NOT NULL,
  message TEXT
);

CREATE INDEX IF NOT EXISTS retention_executions_by_time ON retention_executions (started_at_ms DESC, execution_id DESC);

CREATE TABLE IF NOT EXISTS retention_steps (
  execution_id TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  key TEXT NOT NULL,
  state TEXT COLLATE "C" NOT NULL,
  statement TEXT NOT NULL,
  partition TEXT,
  row_count BIGINT,
  byte_count BIGINT,
  started_at_ms BIGINT NOT NULL,
  duration_ms BIGINT,
  message TEXT,
  PRIMARY KEY (execution_id, number)
);

CREATE TABLE IF NOT EXISTS retention_audit (
  audit_id TEXT COLLATE "C" PRIMARY KEY,
  at_ms BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  policy_id TEXT COLLATE "C" NOT NULL,
  policy_name TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C",
  before TEXT,
  after TEXT,
  execution TEXT
);

CREATE INDEX IF NOT EXISTS retention_audit_by_time ON retention_audit (at_ms DESC, audit_id DESC);
