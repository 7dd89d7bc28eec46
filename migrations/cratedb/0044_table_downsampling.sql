-- Downsampling of tables of people's own: the journal of what is under way.

CREATE TABLE IF NOT EXISTS table_downsampling (
  name TEXT PRIMARY KEY,
  owner_id TEXT INDEX OFF,
  journal TEXT INDEX OFF STORAGE WITH (columnstore = false)
) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = '${replicas}');
