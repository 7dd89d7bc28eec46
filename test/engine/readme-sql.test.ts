// Runs the SQL statements of README.md over runs that were logged through the API.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { describeEveryEngine } from '../support/engines.ts'

interface Block {
  title: string
  cratedbOnly: boolean
  statements: string[]
}

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
const blocks: Block[] = [...readme.matchAll(/^```sql( cratedb)?\n([\s\S]*?)^```$/gm)].map(
  ([, cratedb, text = '']) => ({
    title: (text.split('\n', 1)[0] ?? '').replace(/^-- /, ''),
    cratedbOnly: cratedb !== undefined,
    statements: text.split(/;\s*$/m).filter((statement) => statement.trim() !== ''),
  }),
)

describeEveryEngine('the SQL of the README', (target) => {
  const isCrateDb = target.name === 'CrateDB'
  const suffix = crypto.randomUUID().slice(0, 8)
  const [user, readings] = [`crateflow_${suffix}`, `doc.readings_${suffix}`]
  let app: TestApp

  beforeAll(async () => {
    app = await startApp(target)
    await logRuns(app)
    if (target.name === 'PGlite') {
      // Users read it when the server has been stopped.
      await app.close()
      app = await startApp(target)
    }
    if (isCrateDb) await keepReadings(app, readings)
  })
  afterAll(async () => {
    if (isCrateDb) {
      await app.engine.execute(sql.raw(`DROP TABLE IF EXISTS ${readings}`))
      await app.engine.execute(sql.raw(`DROP USER IF EXISTS ${user}`))
    }
    await app.close()
  })

  /** The same statement over the suite's own schema, table and user. */
  const localize = (statement: string) =>
    statement
      .replaceAll('mlflow.', `${app.engine.schema}.`)
      .replace('SCHEMA mlflow', `SCHEMA ${app.engine.schema}`)
      .replaceAll('doc.readings', readings)
      .replace(/\b(USER|TO) crateflow\b/g, `$1 ${user}`)

  it.each(blocks.filter(({ cratedbOnly }) => isCrateDb || !cratedbOnly))('answers: $title', async (block) => {
    for (const statement of block.statements) {
      const { rows } = await app.engine.execute(sql.raw(localize(statement)))
      if (/^\s*(--.*\n)*SELECT/.test(statement)) expect(rows.length).toBeGreaterThan(0)
    }
  })

  it('finds the best runs, whose infinities are the largest numbers', async () => {
    const best = await answers(app, 'The ten best runs', localize)
    expect(best.map(({ run_name, loss }) => [run_name, loss])).toEqual([
      ['slow', 0.25],
      ['fast', 0.5],
      ['infinite', Number.MAX_VALUE],
    ])
  })

  it('finds what a param did, and the curve, from numbers of runs that are not deleted', async () => {
    const effects = await answers(app, 'What a param did', localize)
    expect(numbers(effects, ['runs', 'best', 'mean'])).toEqual([
      { learning_rate: '0.01', runs: 1, best: 0.25, mean: 0.25 },
      { learning_rate: '0.1', runs: 1, best: 0.5, mean: 0.5 },
    ])
    const curve = await answers(app, 'A learning curve', localize)
    expect(numbers(curve, ['step', 'points', 'best', 'mean'])).toEqual([
      { step: 0, points: 4, best: 1, mean: 1 },
      { step: 1, points: 2, best: 0.25, mean: 0.375 },
    ])
  })

  it('finds which runs used which data', async () => {
    const uses = await answers(app, 'Which runs used', localize)
    const names = ['fast', 'infinite', 'none', 'slow']
    expect(uses).toEqual(names.map((run_name) => ({ dataset: 'presses', digest: 'd1', run_name })))
  })

  it.runIf(isCrateDb)('counts readings behind the newest model that is not deleted', async () => {
    const machines = await answers(app, 'Readings that came in', localize)
    expect(numbers(machines, ['readings_since'])).toMatchObject([{ machine: 'press 4', readings_since: 1 }])
  })
})

async function answers(app: TestApp, title: string, localize: (statement: string) => string) {
  const block = blocks.find((one) => one.title.startsWith(title))
  const { rows } = await app.engine.execute(sql.raw(localize(block?.statements[0] ?? '')))
  return rows as Record<string, unknown>[]
}

/** Counts and means come as texts from some engines. */
const numbers = (rows: Record<string, unknown>[], columns: string[]) =>
  rows.map((row) => ({
    ...row,
    ...Object.fromEntries(columns.map((column) => [column, Number(row[column])])),
  }))

/** Runs with a curve, a param, a dataset and a machine; the one that learns slowly ends best, but for one that is deleted. */
async function logRuns({ request, engine }: TestApp): Promise<void> {
  const post = async (path: string, body: object) => {
    const answer = await request('POST', `/api/2.0/mlflow/${path}`, body)
    expect(answer.status).toBe(200)
    return answer.body as { experiment_id: string; run: { info: { run_id: string } } }
  }
  const { experiment_id } = await post('experiments/create', { name: 'first steps' })
  for (const [run_name, rate, end, start_time = 1_700_000_000_000] of [
    ['fast', '0.1', 0.5],
    ['slow', '0.01', 0.25],
    ['none', '0.1', 'NaN'],
    ['infinite', '0.01', 'Infinity'],
    ['deleted', '0.01', 0, 1_900_000_000_000],
  ] as const) {
    const { run } = await post('runs/create', { experiment_id, run_name, start_time })
    const { run_id } = run.info
    await post('runs/log-batch', {
      run_id,
      metrics: [1, end].map((value, step) => ({
        key: 'loss',
        value,
        step,
        timestamp: 1_700_000_000_000 + step,
      })),
      params: [{ key: 'learning_rate', value: rate }],
      tags: [{ key: 'machine', value: 'press 4' }],
    })
    const dataset = { name: 'presses', digest: 'd1', source_type: 'local', source: '{}' }
    await post('runs/log-inputs', { run_id, datasets: [{ dataset, tags: [] }] })
    await post('runs/update', { run_id, status: 'FINISHED', end_time: 1_900_000_100_000 })
    if (run_name === 'deleted') await post('runs/delete', { run_id })
  }
  if (engine.dialect.name !== 'cratedb') return
  const tables = await engine.execute<{ table_name: string }>(
    sql`SELECT table_name FROM information_schema.tables WHERE table_schema = ${engine.schema}`,
  )
  for (const { table_name } of tables.rows) await engine.execute(sql.raw(`REFRESH TABLE ${table_name}`))
}

/** A table as a user may have it beside the server's own. */
async function keepReadings({ engine }: TestApp, table: string): Promise<void> {
  await engine.execute(
    sql.raw(`CREATE TABLE ${table} (machine TEXT, taken_at TIMESTAMP, pressure DOUBLE PRECISION)`),
  )
  await engine.execute(
    sql.raw(`INSERT INTO ${table} VALUES ('press 4', 1600000000000, 1.5), ('press 4', 1800000000000, 1.75)`),
  )
  await engine.execute(sql.raw(`REFRESH TABLE ${table}`))
}
