// Runs the SQL statements of README.md over runs and traces that were logged through the API.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { attributes, json } from '../differential/traces-otlp.cases.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { describeEveryEngine } from '../support/engines.ts'
import { spansExport } from '../support/otlp.ts'

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

/** Counts and means come as texts from some engines. */
const numbers = (rows: Record<string, unknown>[], columns: string[]) =>
  rows.map((row) => ({
    ...row,
    ...Object.fromEntries(columns.map((column) => [column, Number(row[column])])),
  }))

/** Sends JSON, or spans by OTLP, and answers the body. */
async function post({ request }: TestApp, path: string, body: object) {
  const answer = await request('POST', path.startsWith('/') ? path : `/api/2.0/mlflow/${path}`, body)
  expect(answer.status).toBe(200)
  return answer.body as {
    experiment_id: string
    run: { info: { run_id: string } }
    assessment: { assessment_id: string }
  }
}

/** Runs with a curve, a param, a dataset and a machine; the one that learns slowly ends best, but for one that is deleted. */
async function logRuns(app: TestApp): Promise<string> {
  const { experiment_id } = await post(app, 'experiments/create', { name: 'first steps' })
  for (const [run_name, rate, end, start_time = 1_700_000_000_000] of [
    ['fast', '0.1', 0.5],
    ['slow', '0.01', 0.25],
    ['none', '0.1', 'NaN'],
    ['infinite', '0.01', 'Infinity'],
    ['deleted', '0.01', 0, 1_900_000_000_000],
  ] as const) {
    const { run } = await post(app, 'runs/create', { experiment_id, run_name, start_time })
    const { run_id } = run.info
    await post(app, 'runs/log-batch', {
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
    await post(app, 'runs/log-inputs', { run_id, datasets: [{ dataset, tags: [] }] })
    await post(app, 'runs/update', { run_id, status: 'FINISHED', end_time: 1_900_000_100_000 })
    if (run_name === 'deleted') await post(app, 'runs/delete', { run_id })
  }
  return experiment_id
}

/** A call of a model or tool below a trace's root: what it is, how long it took, what it cost in dollars. */
type Call = { name: string; type: 'LLM' | 'TOOL'; ms: number; dollars?: number; isFailed?: boolean }
const model = (name: string, dollars: number): Call => ({ name, type: 'LLM', ms: 5000, dollars })
const tool = (name: string, ms: number, isFailed = false): Call => ({ name, type: 'TOOL', ms, isFailed })

/** Two traces of 22:13 and one behind midnight, with prompts and feedback, of which some was corrected. */
async function logTraces(app: TestApp, experimentId: string): Promise<void> {
  const traces: { ofMs: number; calls: Call[]; version: string; isFailed?: boolean }[] = [
    {
      ofMs: 1_700_000_000_000,
      calls: [model('large', 1), model('large', 2), tool('search', 1000)],
      version: '1',
    },
    {
      ofMs: 1_700_000_060_000,
      calls: [model('small', 0.25), tool('search', 2000, true)],
      version: '1',
      isFailed: true,
    },
    { ofMs: 1_700_006_400_000, calls: [model('small', 0.5), tool('add', 20)], version: '2' },
  ]
  const id = (index: number) => String(index + 1).padStart(32, '0')
  for (const [index, { ofMs, calls, isFailed }] of traces.entries()) {
    const span = (number: number, ms: number, more: object) => ({
      traceId: id(index),
      spanId: String(number).padStart(16, '0'),
      startTimeUnixNano: `${ofMs}000000`,
      endTimeUnixNano: `${ofMs + ms}000000`,
      ...more,
    })
    const spans = [
      span(1, 6000, { name: 'answer', ...(isFailed && { status: { code: 2 } }) }),
      ...calls.map(({ name, type, ms, dollars, isFailed }, place) =>
        span(place + 2, ms, {
          name,
          parentSpanId: String(1).padStart(16, '0'),
          ...(isFailed && { status: { code: 2 } }),
          attributes: attributes({
            'mlflow.spanType': json(type),
            ...(dollars && {
              'mlflow.llm.model': json(name),
              'mlflow.llm.cost': json({ input_cost: 0, output_cost: dollars, total_cost: dollars }),
            }),
          }),
        }),
      ),
    ]
    await post(app, '/v1/traces', {
      otlp: spansExport(spans),
      as: 'protobuf',
      headers: { 'x-mlflow-experiment-id': experimentId },
    })
  }
  const assess = async (index: number, assessment_name: string, value: unknown, overrides?: string) => {
    const source = { source_type: 'HUMAN', source_id: 'user' }
    const assessment = { assessment_name, source, feedback: { value }, ...(overrides && { overrides }) }
    const path = `/api/3.0/mlflow/traces/tr-${id(index)}/assessments`
    return (await post(app, path, { assessment })).assessment.assessment_id
  }
  for (const [index, { version }] of traces.entries()) {
    const prompt_versions = [{ name: 'greeting', version }]
    await post(app, 'traces/link-prompts', { trace_id: `tr-${id(index)}`, prompt_versions })
  }
  await assess(0, 'helpful', true)
  await assess(0, 'tone', 'friendly')
  await assess(1, 'helpful', false, await assess(1, 'helpful', true))
  await assess(2, 'helpful', true)
}

/** What other sessions of CrateDB see after a second. */
async function refreshTables({ engine }: TestApp): Promise<void> {
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
