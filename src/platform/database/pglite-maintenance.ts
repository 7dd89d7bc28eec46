// What PostgreSQL's background processes would do for the embedded database, which has none: ANALYZE, VACUUM, CHECKPOINT.

/** Runs one statement; rows by column name. It is given up when the signal aborts. */
export type Run = (text: string, signal?: AbortSignal) => Promise<Record<string, unknown>[]>

export interface MaintenanceDeps {
  /** Settles when the database has started, or could not. */
  started: Promise<unknown>
  run: Run
  /** Exchanges with the database so far, without those of `run`. */
  served: () => number
  /** Exchanges that wait for the database, without the one of `run` that it works on. */
  waiting: () => number
}

export interface Maintenance {
  /** Resolves when nothing of it is under way; nothing begins afterwards. */
  stop(): Promise<void>
}

/** Milliseconds between two looks, while the database is used. */
const LOOK_MS = 1_000
/** Looks between two that ask for tables, too. */
const TABLES_EVERY = 5
/**
 * Log, in bytes, from which on a checkpoint is made: a start after a crash works through twice as much at most. Each page that
 * changes for the first time after a checkpoint is in the log as a whole, so many checkpoints make much log.
 */
const LOG_LIMIT = 48 * 1024 * 1024
/** Milliseconds that others wait for a VACUUM or an ANALYZE before it is given up; twice as long the next time. */
const PATIENCE_MS = 100
const MAX_PATIENCE_MS = 3_200
/** Milliseconds between two looks for others who wait. */
const WATCH_MS = 20
/** Transactions after which rows are frozen, far from the two thousand millions after which PostgreSQL stops. */
const FREEZE_AGE = 100_000_000

const LOG_BYTES = `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::BIGINT AS bytes FROM pg_control_checkpoint()`

/**
 * Tables that need something, by PostgreSQL's own rules for autovacuum, with half of its shares. Its counts are lost in a crash: a table
 * that has grown by a fifth since it was analysed is analysed, too.
 * @see https://www.postgresql.org/docs/18/routine-vacuuming.html#AUTOVACUUM
 */
const TABLES = `
  SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
    n.nspname <> 'pg_catalog' AND (
      s.n_mod_since_analyze > 50 + 0.05 * greatest(c.reltuples, 0)
      OR (c.reltuples < 0 AND pg_relation_size(c.oid) > 0)
      OR pg_relation_size(c.oid) / current_setting('block_size')::INT > 8 + 1.2 * c.relpages
    ) AS analyze,
    s.n_dead_tup > 50 + 0.1 * greatest(c.reltuples, 0)
      OR s.n_ins_since_vacuum > 1000 + 0.1 * greatest(c.reltuples, 0)
      OR age(c.relfrozenxid) > ${FREEZE_AGE} AS vacuum,
    age(c.relfrozenxid) > ${FREEZE_AGE} AS freeze
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
  WHERE c.relkind = 'r' AND (n.nspname = 'pg_catalog' OR n.nspname !~ '^(pg_|information_schema$)')
  ORDER BY pg_relation_size(c.oid)`

interface TableNeeds {
  name: string
  analyze: boolean
  vacuum: boolean
  freeze: boolean
}

/**
 * Looks after the database while it is used, and once at the beginning. One statement at a time, which is given up when
 * others wait for too long, and tried again later.
 */
export function startMaintenance({ started, run, served, waiting }: MaintenanceDeps): Maintenance {
  const patience = new Map<string, number>()
  let looks = 0
  let seen = -1
  let isDue = true
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let working = Promise.resolve()

  /** Runs it unless others have to wait for it too long; answers whether it was done. */
  async function runPatiently(text: string): Promise<boolean> {
    const ms = patience.get(text) ?? PATIENCE_MS
    const control = new AbortController()
    let waited = 0
    const watch = setInterval(() => {
      waited = waiting() > 0 ? waited + WATCH_MS : 0
      if (stopped || waited >= ms) control.abort()
    }, WATCH_MS)
    try {
      await run(text, control.signal)
      patience.delete(text)
      return true
    } catch (error) {
      if (!control.signal.aborted) throw error
      patience.set(text, Math.min(2 * ms, MAX_PATIENCE_MS))
      return false
    } finally {
      clearInterval(watch)
    }
  }

  async function lookAfterTables(): Promise<void> {
    const tables = (await run(TABLES)) as unknown as TableNeeds[]
    let isDone = true
    for (const { name, analyze, vacuum, freeze } of tables) {
      if (stopped) return
      if (!vacuum && !analyze) continue
      if (vacuum) isDone = (await runPatiently(`VACUUM ${freeze ? '(FREEZE) ' : ''}${name}`)) && isDone
      if (analyze) isDone = (await runPatiently(`ANALYZE ${name}`)) && isDone
      await checkpoint()
    }
    isDue = !isDone
  }

  async function checkpoint(): Promise<void> {
    const [log] = await run(LOG_BYTES)
    if (Number(log?.bytes) > LOG_LIMIT) await run('CHECKPOINT')
  }

  async function look(): Promise<void> {
    const now = served()
    if (now === seen && !isDue) return
    seen = now
    if (looks === 0) await dropUnusedDatabases(run)
    await checkpoint()
    if (looks++ % TABLES_EVERY === 0 || isDue) {
      isDue = true
      await lookAfterTables()
    }
  }

  function lookSoon(): void {
    if (stopped) return
    timer = setTimeout(() => {
      // A database that is away is looked after when it is back.
      working = look()
        .catch(() => {})
        .finally(lookSoon)
    }, LOOK_MS).unref()
  }

  // A first look takes longer than the start itself, in which clients wait for nothing else.
  void started.then(lookSoon, lookSoon)
  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await working
    },
  }
}

/**
 * Drops the databases that initdb makes beside the one that is used: their rows cannot be frozen from here, and
 * PostgreSQL takes no more transactions when those of any database become too old.
 */
export async function dropUnusedDatabases(run: Run): Promise<void> {
  const unused = await run(
    'SELECT quote_ident(datname) AS name FROM pg_database WHERE datname <> current_database()',
  )
  for (const { name } of unused) {
    await run(`UPDATE pg_database SET datistemplate = false WHERE quote_ident(datname) = '${name}'`)
    // The making of a template and the first look can come to it at the same moment.
    await run(`DROP DATABASE IF EXISTS ${name}`)
  }
}
