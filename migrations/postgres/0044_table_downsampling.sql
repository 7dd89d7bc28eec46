-- Downsampling of tables of people's own: the journal of what is under way.

CREATE TABLE IF NOT EXISTS table_downsampling (
  name TEXT COLLATE "C" PRIMARY KEY,
  owner_id TEXT COLLATE "C" NOT NULL,
  journal TEXT
);
