-- Runs whose latest metrics the embedded engine has not written yet: they are found in the histories after a crash
CREATE TABLE IF NOT EXISTS latest_metrics_due (
  run_id TEXT COLLATE "C" PRIMARY KEY,
  since BIGINT NOT NULL
);
