// Runs the SQL statements of README.md over runs and traces that were logged through the API.
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { describeEveryEngine } from '../support/engines.ts'
import { logRuns, logTraces, numbers, refreshTables, sqlBlocks } from './sql-data.ts'

const blocks = sqlBlocks('README.md')

describeEveryEngine('the SQL of the README', (target) => {
  const isCrateDb = target.name === 'CrateDB'
  const suffix = crypto.randomUUID().slice(0, 8)
  const [user, readings] = [`crateflow_${suffix}`, `doc.readings_${suffix}`]
  let app: TestApp

  beforeAll(async () => {
    app = await startApp(target)
    await logTraces(app, await logRuns(app))
    await refreshTables(app)
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

  it('finds what models cost, on the day of each call', async () => {
    const costs = await answers(app, 'What the calls of each model cost', localize)
    expect(numbers(costs, ['calls', 'dollars'])).toEqual([
      { day: '2023-11-15', model: 'small', calls: 1, dollars: 0.5 },
      { day: '2023-11-14', model: 'large', calls: 2, dollars: 3 },
      { day: '2023-11-14', model: 'small', calls: 1, dollars: 0.25 },
    ])
  })

  it('finds the slowest tools, but not what only calls them', async () => {
    const tools = await answers(app, 'The slowest tools', localize)
    expect(numbers(tools, ['calls', 'failed', 'mean_ms', 'longest_ms'])).toEqual([
      { tool: 'search', calls: 2, failed: 1, mean_ms: 1500, longest_ms: 2000 },
      { tool: 'add', calls: 1, failed: 0, mean_ms: 20, longest_ms: 20 },
    ])
  })

  it('finds the feedback of versions of prompts, without what was overridden', async () => {
    const feedback = await answers(app, 'What users and judges said', localize)
    const rows = numbers(feedback, ['answers']).map(({ mean, ...row }) => ({
      ...row,
      mean: mean === null ? null : Number(mean),
    }))
    expect(rows).toEqual([
      { prompt_version: 'greeting/1', feedback: 'helpful', answers: 2, mean: 0.5 },
      { prompt_version: 'greeting/1', feedback: 'tone', answers: 1, mean: null },
      { prompt_version: 'greeting/2', feedback: 'helpful', answers: 1, mean: 1 },
    ])
  })

  it('counts failed requests by the hour', async () => {
    const hours = await answers(app, 'How many requests failed', localize)
    expect(numbers(hours, ['requests', 'failed'])).toEqual([
      { hour: '2023-11-15 00:00', requests: 1, failed: 0 },
      { hour: '2023-11-14 22:00', requests: 2, failed: 1 },
    ])
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
