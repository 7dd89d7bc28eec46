// SQL statements of documents, and runs and traces to ask them about, logged through the API.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { expect } from 'vitest'
import { attributes, json } from '../differential/traces-otlp.cases.ts'
import type { TestApp } from '../support/app.ts'
import { spansExport } from '../support/otlp.ts'

export interface Block {
  title: string
  cratedbOnly: boolean
  statements: string[]
}

/** The blocks of SQL of a document; each is titled by the comment in its first line. */
export function sqlBlocks(document: string): Block[] {
  const text = readFileSync(join(import.meta.dirname, '../..', document), 'utf8')
  return [...text.matchAll(/^```sql( cratedb)?\n([\s\S]*?)^```$/gm)].map(([, cratedb, block = '']) => ({
    title: (block.split('\n', 1)[0] ?? '').replace(/^-- /, ''),
    cratedbOnly: cratedb !== undefined,
    statements: block.split(/;\s*$/m).filter((statement) => statement.trim() !== ''),
  }))
}

/** Counts and means come as texts from some engines. */
export const numbers = (rows: Record<string, unknown>[], columns: string[]) =>
  rows.map((row) => ({
    ...row,
    ...Object.fromEntries(columns.map((column) => [column, Number(row[column])])),
  }))

/** Sends JSON, or spans by OTLP, and answers the body. */
export async function post({ request }: TestApp, path: string, body: object) {
  const answer = await request('POST', path.startsWith('/') ? path : `/api/2.0/mlflow/${path}`, body)
  expect(answer.status).toBe(200)
  return answer.body as {
    experiment_id: string
    run: { info: { run_id: string } }
    assessment: { assessment_id: string }
  }
}

/** Runs with a curve, a param, a dataset and a machine; the one that learns slowly ends best, but for one that is deleted. */
export async function logRuns(app: TestApp): Promise<string> {
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
export async function logTraces(app: TestApp, experimentId: string): Promise<void> {
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
export async function refreshTables({ engine }: TestApp): Promise<void> {
  if (engine.dialect.name !== 'cratedb') return
  const tables = await engine.execute<{ table_name: string }>(
    sql`SELECT table_name FROM information_schema.tables WHERE table_schema = ${engine.schema} AND table_type = 'BASE TABLE'`,
  )
  for (const { table_name } of tables.rows) await engine.execute(sql.raw(`REFRESH TABLE ${table_name}`))
}
