-- Webhooks of MLflow 3.17, and the deliveries that are due: an event is kept here until its receiver has it.

CREATE TABLE IF NOT EXISTS webhooks (
  webhook_id TEXT COLLATE "C" PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  description TEXT COLLATE "C",
  url TEXT COLLATE "C" NOT NULL,
  events TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL,
  secret TEXT COLLATE "C",
  creation_timestamp BIGINT NOT NULL,
  last_updated_timestamp BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS webhook_deliveries (
  delivery_id TEXT COLLATE "C" PRIMARY KEY,
  webhook_id TEXT COLLATE "C" NOT NULL,
  event TEXT COLLATE "C" NOT NULL,
  payload TEXT COLLATE "C" NOT NULL,
  raised_at_ms BIGINT NOT NULL,
  next_at_ms BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  claim TEXT COLLATE "C" NOT NULL
);

CREATE INDEX IF NOT EXISTS webhook_deliveries_by_time ON webhook_deliveries (next_at_ms);
