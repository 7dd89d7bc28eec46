// What is to be known of a database's health, in words for whoever runs it.
import { sql } from 'drizzle-orm'
import { parseJson } from '../wire/int64.ts'
import type { DatabaseFinding, Engine } from './engine.ts'
import type { DatabaseStatus } from './status.ts'
import type { ServerTarget } from './uri.ts'

export interface Diagnosis {
  /** As the database tells it, such as `CrateDB 6.4.3`. */
  version: string
  /** How long one statement took, in milliseconds. */
  answerMs: number
  /** How much the clock of the database is ahead of this machine's, in milliseconds, give or take half of `answerMs`. */
  clockAheadMs: number
  findings: DatabaseFinding[]
}

/** Asks the database about itself; changes nothing. */
export async function diagnose(engine: Engine): Promise<Diagnosis> {
  const askedMs = Date.now()
  const { rows } = await engine.execute<{ version: string; seconds: unknown }>(
    sql`SELECT version() AS version, EXTRACT(EPOCH FROM current_timestamp) AS seconds`,
  )
  const answeredMs = Date.now()
  const [row] = rows
  const version = shortVersion(row?.version ?? '')
  return {
    version,
    answerMs: answeredMs - askedMs,
    clockAheadMs: Math.round(Number(row?.seconds) * 1000 - (askedMs + answeredMs) / 2),
    findings: (await engine.dialect.examine?.(engine, version)) ?? [],
  }
}

/** Asks the database what it holds and does; changes nothing. @param mostStatements of each list */
export async function databaseStatus(engine: Engine, mostStatements: number): Promise<DatabaseStatus> {
  const { rows } = await engine.execute<{ version: string }>(sql`SELECT version() AS version`)
  const status = (await engine.dialect.status?.(engine, mostStatements)) ?? {
    rowsAreEstimates: false,
    notices: [],
  }
  return { version: shortVersion(rows[0]?.version ?? ''), ...status }
}

/** `CrateDB 6.4.3` of `CrateDB 6.4.3 (built d3b3213/NA, Linux …)`. */
const shortVersion = (text: string) => /^\S+ [\w.]+/.exec(text)?.[0] ?? text

/** How long a port may take to answer, in milliseconds. */
const PROBE_MS = 2_000

/**
 * What is said of a host whose port speaks HTTP, where PostgreSQL's wire protocol was expected; undefined when it does not.
 * CrateDB has both, at ports 4200 and 5432 unless set otherwise.
 */
export async function describeHttpPort({
  host,
  port,
}: ServerTarget['hosts'][number]): Promise<string | undefined> {
  const place = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  try {
    const response = await fetch(`http://${place}/`, { signal: AbortSignal.timeout(PROBE_MS) })
    const text = await response.text()
    const { number } = (/"cluster_name"/.test(text) && (parseJson(text) as CrateRoot).version) || {}
    const what = number ? `is the HTTP port of CrateDB ${number}` : 'speaks HTTP'
    return `${place} ${what}; the server needs the port of the PostgreSQL wire protocol, which is 5432 unless set otherwise.`
  } catch {
    return undefined
  }
}

/** What CrateDB answers at the root of its HTTP port, as far as it is read. */
interface CrateRoot {
  version?: { number?: string }
}
