// A search that takes many seconds on any engine, of runs that are made through the API, and a look at it from outside.
import { sql } from 'drizzle-orm'
import type { Engine } from '../../src/platform/database/engine.ts'
import type { HttpAnswer } from './http.ts'

const API = '/api/2.0/mlflow'
const RUNS = 400
/** Conditions of a filter at most. */
const CONDITIONS = 60

type Ask = (method: string, path: string, body?: unknown) => Promise<HttpAnswer>

/** A pattern that is looked for from each of thousands of places, thousands of characters far. */
const CONDITION = `attributes.user_id LIKE 'a%${'a'.repeat(2900)}b%'`

/**
 * Makes an experiment and answers the body of a `runs/search` among its runs that takes long.
 * @param conditions PostgreSQL ends a statement between two rows at the earliest: with few of them it comes to that soon
 */
export async function prepareSlowSearch(ask: Ask, conditions = CONDITIONS): Promise<object> {
  const name = crypto.randomUUID()
  const { body } = await ask('POST', `${API}/experiments/create`, { name })
  const { experiment_id } = body as { experiment_id: string }
  const user_id = `${'a'.repeat(5990)}b`
  const made = Array.from({ length: RUNS }, () =>
    ask('POST', `${API}/runs/create`, { experiment_id, user_id }),
  )
  for (const { status } of await Promise.all(made)) if (status !== 200) throw new Error('No run was made')
  const filter = Array.from({ length: conditions }, () => CONDITION).join(' AND ')
  return { experiment_ids: [experiment_id], max_results: 10, filter }
}

/** How many such searches the database works on, whoever asked for them. PGlite does not tell. */
export async function countSlowSearches(engine: Engine): Promise<number> {
  const running =
    engine.dialect.name === 'cratedb'
      ? sql`SELECT count(*) AS count FROM sys.jobs WHERE stmt LIKE 'select %' AND stmt ~ '(?s).*("user_id".{1,40}){40}.*'`
      : sql`SELECT count(*) AS count FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()
          AND query LIKE '%"user_id" LIKE %"user_id" LIKE %"user_id" LIKE %"user_id" LIKE %'`
  const { rows } = await engine.execute<{ count: string | number }>(running)
  return Number(rows[0]?.count)
}
