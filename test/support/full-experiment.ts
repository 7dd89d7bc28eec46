// An experiment with something of everything in it, and the search for what names it in any table.
import { createHash } from 'node:crypto'
import { type SQL, sql } from 'drizzle-orm'
import { pgTable } from 'drizzle-orm/pg-core'
import { expect } from 'vitest'
import type { Engine } from '../../src/platform/database/engine.ts'
import { tableNames } from '../../src/platform/database/migrate.ts'
import { spansExport } from './otlp.ts'

type Answer = { status: number; body: unknown }
export type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>

const V2 = '/api/2.0/mlflow'
const V3 = '/api/3.0/mlflow'

/** Sends a request that has to succeed. */
export async function ask<T>(request: Ask, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await request(method, path, body)
  expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBe(200)
  return answer.body as T
}

export async function createExperiment(request: Ask, name: string, more: object = {}): Promise<string> {
  const body = { name, ...more }
  return (await ask<{ experiment_id: string }>(request, 'POST', `${V2}/experiments/create`, body))
    .experiment_id
}

export async function createRun(request: Ask, experimentId: string, runName = 'a run'): Promise<string> {
  const body = { experiment_id: experimentId, run_name: runName, start_time: 1 }
  const created = await ask<{ run: { info: { run_id: string } } }>(request, 'POST', `${V2}/runs/create`, body)
  return created.run.info.run_id
}

export async function createModel(request: Ask, experimentId: string, runId?: string): Promise<string> {
  const pair = [{ key: 'k', value: 'v' }]
  const body = { experiment_id: experimentId, name: 'm', source_run_id: runId, params: pair, tags: pair }
  const created = await ask<{ model: { info: { model_id: string } } }>(
    request,
    'POST',
    `${V2}/logged-models`,
    body,
  )
  return created.model.info.model_id
}

/** A run with metrics, params, tags, a dataset, a logged model as its output, and a file. */
export async function createFullRun(request: Ask, experimentId: string, modelId: string): Promise<string> {
  const run = await createRun(request, experimentId)
  await fillRun(request, run, modelId)
  await uploadFile(request, `${experimentId}/${run}/artifacts/plots/a.txt`)
  return run
}

export async function fillRun(request: Ask, run: string, modelId: string): Promise<void> {
  const point = (key: string, step: number) => ({ key, value: step / 2, timestamp: step, step })
  await ask(request, 'POST', `${V2}/runs/log-batch`, {
    run_id: run,
    metrics: [
      ...[1, 2, 3].map((step) => point('loss', step)),
      point('accuracy', 0),
      { ...point('of model', 1), model_id: modelId },
    ],
    params: [
      { key: 'lr', value: '0.1' },
      { key: 'depth', value: '3' },
    ],
    tags: [{ key: 'team', value: 'a' }],
  })
  const dataset = { name: 'data', digest: 'abc', source_type: 'local', source: '{}' }
  await ask(request, 'POST', `${V2}/runs/log-inputs`, {
    run_id: run,
    datasets: [{ tags: [{ key: 'mlflow.data.context', value: 'train' }], dataset }],
    models: [{ model_id: modelId }],
  })
  await ask(request, 'POST', `${V2}/runs/outputs`, { run_id: run, models: [{ model_id: modelId, step: 1 }] })
}

export const uploadFile = (request: Ask, path: string) =>
  ask(request, 'PUT', `/api/2.0/mlflow-artifacts/artifacts/${path}`, {
    raw: 'content',
    contentType: 'application/octet-stream',
  })

export interface FullExperiment {
  id: string
  name: string
  runs: string[]
  model: string
  trace: string
  scorer: string
  queue: string
  issue: string
  /** It is not deleted with its experiment. */
  dataset: string
}

/** Fills an experiment of its own with two runs and one of everything else. */
export async function createFullExperiment(
  request: Ask,
  name: string,
  more: object = {},
): Promise<FullExperiment> {
  const id = await createExperiment(request, name, { tags: [{ key: 'k', value: 'v' }], ...more })
  const model = await createModel(request, id)
  await uploadFile(request, `${id}/models/${model}/artifacts/model.pkl`)
  const runs = [await createFullRun(request, id, model), await createFullRun(request, id, model)]
  const hex = createHash('md5').update(name).digest('hex')
  const trace = `tr-${hex}`
  await ask(request, 'POST', '/v1/traces', {
    otlp: spansExport([
      {
        traceId: hex,
        spanId: '0000000000000001',
        name: 'root',
        startTimeUnixNano: '1700000000000000000',
        endTimeUnixNano: '1700000001000000000',
        attributes: [{ key: 'mlflow.spanInputs', value: { stringValue: 'in' } }],
      },
    ]),
    as: 'json',
    headers: { 'x-mlflow-experiment-id': id },
  })
  await ask(request, 'PATCH', `${V3}/traces/${trace}/tags`, { key: 'team', value: 'a' })
  await ask(request, 'POST', `${V3}/traces/${trace}/assessments`, {
    assessment: {
      assessment_name: 'good',
      source: { source_type: 'HUMAN', source_id: 'ann' },
      feedback: { value: true },
    },
  })
  await ask(request, 'POST', `${V2}/traces/link-to-run`, { run_id: runs[0], trace_ids: [trace] })
  await uploadFile(request, `${id}/traces/${trace}/artifacts/attachments/picture`)
  return {
    id,
    name,
    runs,
    model,
    trace,
    ...(await createReviews(request, id, { trace, run: runs[0] ?? '' })),
  }
}

async function createReviews(request: Ask, id: string, { trace, run }: { trace: string; run: string }) {
  const judge = {
    name: 'polite',
    instructions_judge_pydantic_data: {
      instructions: 'Is {{ outputs }} polite?',
      model: 'openai:/gpt-4.1-mini',
    },
  }
  const { scorer_id: scorer } = await ask<{ scorer_id: string }>(request, 'POST', `${V3}/scorers/register`, {
    experiment_id: id,
    name: 'polite',
    serialized_scorer: JSON.stringify(judge),
  })
  await ask(request, 'POST', `${V3}/label-schemas/create`, {
    experiment_id: id,
    name: 'Is it correct?',
    type: 'FEEDBACK',
    input: { pass_fail: { positive_label: 'yes', negative_label: 'no' } },
  })
  const queue = await ask<{ review_queue: { queue_id: string } }>(
    request,
    'POST',
    `${V3}/review-queues/create`,
    {
      experiment_id: id,
      name: 'Answers',
      queue_type: 'CUSTOM',
    },
  )
  const { queue_id } = queue.review_queue
  await ask(request, 'POST', `${V3}/review-queues/items/add`, { queue_id, item_ids: [trace] })
  const { issue } = await ask<{ issue: { issue_id: string } }>(request, 'POST', `${V3}/issues`, {
    experiment_id: id,
    name: 'slow',
    description: 'It takes minutes.',
    source_run_id: run,
  })
  const made = await ask<{ dataset: { dataset_id: string } }>(request, 'POST', `${V3}/datasets/create`, {
    name: `data of ${id}`,
    experiment_ids: [id],
  })
  return { scorer, queue: queue_id, issue: issue.issue_id, dataset: made.dataset.dataset_id }
}

/** The record of deletions names what is gone. */
const RECORD = 'deletions'

/**
 * Columns of any table whose value is one of the ids, or begins with one and a slash, each with the number of rows. Every table
 * and column of the schema is looked at, those of later migrations too.
 */
export async function findNaming(engine: Engine, ids: readonly string[]): Promise<Record<string, number>> {
  const tables = (await tableNames(engine)).filter((table) => table !== RECORD)
  await engine.refresh(...tables.map((table) => pgTable(table, {})))
  const { rows } = await engine.execute<{ table_name: string; column_name: string; data_type: string }>(
    sql`SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = ${engine.schema}`,
  )
  const found: Record<string, number> = {}
  for (const table of tables) {
    const names = rows.flatMap(({ table_name, column_name, data_type }) => {
      if (table_name !== table || !['text', 'bigint'].includes(data_type)) return []
      const isNaming = namesAny(column_name, data_type === 'text', ids)
      return isNaming
        ? sql`sum(CASE WHEN ${isNaming} THEN 1 ELSE 0 END) AS ${sql.identifier(column_name)}`
        : []
    })
    if (names.length === 0) continue
    const counted = await engine.execute(
      sql`SELECT ${sql.join(names, sql`, `)} FROM ${sql.identifier(table)}`,
    )
    for (const [column, count] of Object.entries(counted.rows[0] ?? {}))
      if (Number(count) > 0) found[`${table}.${column}`] = Number(count)
  }
  return found
}

/** Undefined for a column of integers when no id is one. */
function namesAny(name: string, isText: boolean, ids: readonly string[]): SQL | undefined {
  const column = sql.identifier(name)
  const conditions = ids.flatMap((id) =>
    isText
      ? [sql`${column} = ${id}`, sql`${column} LIKE ${`${id}/%`}`]
      : /^\d{1,18}$/.test(id)
        ? sql`${column} = ${id}::bigint`
        : [],
  )
  return conditions.length > 0 ? sql.join(conditions, sql` OR `) : undefined
}
