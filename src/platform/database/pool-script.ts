// Statements that belong together on a database server: on a connection of their own, which ends with them, as do its settings.
import type pg from 'pg'
import { watchStatement } from './cancel.ts'
import { translateDriverError } from './errors.ts'
import { asAnswer } from './pool-sql.ts'
import type { RunScript, ScriptLimits } from './script.ts'

/** What differs between the servers. */
export interface ScriptDialect {
  /** Statements that come first, for statements that may take so many milliseconds. */
  begin: (timeoutMs: number) => readonly string[]
  /** Whether statements that are sent together are one transaction. */
  isTransaction: boolean
}

/** The database ends statements itself; this is for when it is not there any more. */
const LATENESS_MS = 10_000

/** @param connect a connection that nobody else uses; it is given back broken, so that none of its settings live on */
export function createPoolScript(
  connect: () => Promise<pg.PoolClient>,
  { begin, isTransaction }: ScriptDialect,
): RunScript {
  return async (texts, limits) => {
    const client = await connect().catch((error: unknown) => {
      throw translateDriverError(error)
    })
    const all = [...begin(limits.timeoutMs), ...texts]
    try {
      for (const text of isTransaction ? [all.join(';\n')] : all) await run(client, text, limits)
    } finally {
      client.release(true)
    }
  }
}

async function run(client: pg.PoolClient, text: string, limits: ScriptLimits): Promise<void> {
  const watched = watchStatement(client, limits)
  let failure: unknown
  try {
    const query = { text, query_timeout: limits.timeoutMs + LATENESS_MS }
    await Promise.race([client.query(query), watched.givenUp])
  } catch (error) {
    failure = error
    throw asAnswer(watched.reasonFor(error))
  } finally {
    await watched.settle(failure)
  }
}
