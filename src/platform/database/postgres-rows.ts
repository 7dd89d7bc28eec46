// How many rows PostgreSQL, as a server or embedded, believes its tables to have.
import { type SQL, sql } from 'drizzle-orm'

/**
 * An estimate of the rows of `c` (of `pg_class`), with `s` of `pg_stat_user_tables`; NULL where nobody knows. What was analyzed when it had one row
 * has one by `pg_class` until the next time: statistics of changes know better, unless a crash has emptied them.
 */
export const estimatedRows: SQL = sql`CASE
  WHEN greatest(s.last_analyze, s.last_autoanalyze, s.last_vacuum, s.last_autovacuum) IS NOT NULL
  THEN s.n_live_tup
  WHEN c.reltuples >= 0 THEN c.reltuples::BIGINT + coalesce(s.n_live_tup, 0)
  ELSE s.n_live_tup END`
