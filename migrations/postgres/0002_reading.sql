-- Reading at scale: runs by start time with absent ones last, as searches sort them; the index before had them first
-- and was of no use to sort by.

CREATE INDEX IF NOT EXISTS runs_by_start_time ON runs (experiment_id, start_time DESC NULLS LAST, run_id);

DROP INDEX IF EXISTS runs_by_experiment;
