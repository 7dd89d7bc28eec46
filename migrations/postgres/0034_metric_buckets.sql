-- Buckets of old points of metrics: what each holds of the points that went; and the journal of what is under way.

CREATE TABLE IF NOT EXISTS metric_buckets (
  run_id TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  bucket_kind TEXT COLLATE "C" NOT NULL,
  bucket_size BIGINT NOT NULL,
  bucket_start BIGINT NOT NULL,
  month TEXT COLLATE "C" NOT NULL,
  experiment_id BIGINT NOT NULL,
  version BIGINT NOT NULL,
  point_count BIGINT NOT NULL,
  nan_count BIGINT NOT NULL,
  infinite_count BIGINT NOT NULL,
  kept_count BIGINT NOT NULL,
  value_sum DOUBLE PRECISION NOT NULL,
  first_timestamp BIGINT NOT NULL,
  first_step BIGINT NOT NULL,
  first_value DOUBLE PRECISION NOT NULL,
  first_is_nan BOOLEAN NOT NULL,
  last_timestamp BIGINT NOT NULL,
  last_step BIGINT NOT NULL,
  last_value DOUBLE PRECISION NOT NULL,
  last_is_nan BOOLEAN NOT NULL,
  min_timestamp BIGINT,
  min_step BIGINT,
  min_value DOUBLE PRECISION,
  max_timestamp BIGINT,
  max_step BIGINT,
  max_value DOUBLE PRECISION,
  latest_timestamp BIGINT,
  latest_step BIGINT,
  latest_value DOUBLE PRECISION,
  nan_timestamp BIGINT,
  nan_step BIGINT,
  PRIMARY KEY (run_id, key, bucket_kind, bucket_size, bucket_start, month)
);

CREATE TABLE IF NOT EXISTS metric_downsampling (
  name TEXT COLLATE "C" PRIMARY KEY,
  owner_id TEXT COLLATE "C" NOT NULL,
  journal TEXT
);
