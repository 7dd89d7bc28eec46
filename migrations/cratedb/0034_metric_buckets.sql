-- Buckets of old points of metrics: what each holds of the points that went; and the journal of what is under way.

CREATE TABLE IF NOT EXISTS metric_buckets (
  run_id TEXT,
  key TEXT,
  bucket_kind TEXT,
  bucket_size BIGINT,
  bucket_start BIGINT,
  month TEXT,
  experiment_id BIGINT,
  version BIGINT INDEX OFF,
  point_count BIGINT INDEX OFF,
  nan_count BIGINT INDEX OFF,
  infinite_count BIGINT INDEX OFF,
  kept_count BIGINT INDEX OFF,
  value_sum DOUBLE PRECISION INDEX OFF,
  first_timestamp BIGINT,
  first_step BIGINT INDEX OFF,
  first_value DOUBLE PRECISION INDEX OFF,
  first_is_nan BOOLEAN INDEX OFF,
  last_timestamp BIGINT,
  last_step BIGINT INDEX OFF,
  last_value DOUBLE PRECISION INDEX OFF,
  last_is_nan BOOLEAN INDEX OFF,
  min_timestamp BIGINT INDEX OFF,
  min_step BIGINT INDEX OFF,
  min_value DOUBLE PRECISION INDEX OFF,
  max_timestamp BIGINT INDEX OFF,
  max_step BIGINT INDEX OFF,
  max_value DOUBLE PRECISION INDEX OFF,
  latest_timestamp BIGINT INDEX OFF,
  latest_step BIGINT INDEX OFF,
  latest_value DOUBLE PRECISION INDEX OFF,
  nan_timestamp BIGINT INDEX OFF,
  nan_step BIGINT INDEX OFF,
  PRIMARY KEY (run_id, key, bucket_kind, bucket_size, bucket_start, month)
) CLUSTERED BY (run_id) INTO 1 SHARDS PARTITIONED BY (month) WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS metric_downsampling (
  name TEXT PRIMARY KEY,
  owner_id TEXT INDEX OFF,
  journal TEXT INDEX OFF STORAGE WITH (columnstore = false)
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');
