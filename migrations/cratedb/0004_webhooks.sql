-- Webhooks of MLflow 3.17, and the deliveries that are due: an event is kept here until its receiver has it.
-- `payload` may hold the text of a prompt, which is longer than what CrateDB indexes.

CREATE TABLE IF NOT EXISTS webhooks (
  webhook_id TEXT PRIMARY KEY,
  name TEXT,
  description TEXT,
  url TEXT,
  events TEXT,
  status TEXT,
  secret TEXT,
  creation_timestamp BIGINT,
  last_updated_timestamp BIGINT
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');

CREATE TABLE IF NOT EXISTS webhook_deliveries (
  delivery_id TEXT PRIMARY KEY,
  webhook_id TEXT,
  event TEXT,
  payload TEXT INDEX OFF STORAGE WITH (columnstore = false),
  raised_at_ms BIGINT,
  next_at_ms BIGINT,
  failures BIGINT,
  claim TEXT
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');
