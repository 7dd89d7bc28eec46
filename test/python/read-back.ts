// Compares by field policy what the client reads back from stock MLflow and from this server.
import { join } from 'node:path'
import { expect } from 'vitest'
import { parseJson } from '../../src/platform/wire/int64.ts'
import {
  compare,
  list,
  MUST_MATCH,
  object,
  type Policy,
  type Shape,
  TYPE_MUST_MATCH,
  unordered,
} from '../support/compare.ts'
import { runClient } from './client.ts'

/** What read_back.py prints: all that the client and its command line read, ids replaced by ranks. */
export interface ReadBack {
  experiments: { frame: { columns: Record<string, string> }; runs: Stored[]; models: Stored[] }[]
}

interface Stored {
  artifacts: Record<string, unknown>
}

/** Reads the experiments back, their runs in the order of `orderBy`. */
export async function readBack(url: string, orderBy: string, experiments: string[]): Promise<ReadBack> {
  const script = join(import.meta.dirname, 'read_back.py')
  return parseJson(await runClient(url, [script, orderBy, ...experiments])) as ReadBack
}

/**
 * Expects all to match but times and what is `volatile`: columns of the frame (`metrics.pid`) and files whose
 * values are others each time the same program runs. Expects that there are runs to compare.
 */
export function expectSameReadBack(stock: ReadBack, ours: ReadBack, volatile: string[] = []): void {
  const names = stock.experiments.flatMap(({ frame, runs, models }) => [
    ...Object.keys(frame.columns),
    ...[...runs, ...models].flatMap(({ artifacts }) => Object.keys(artifacts)),
  ])
  const others = new Set(['start_time', 'end_time', ...volatile])
  const policies = names.map((name) => [name, others.has(name) ? TYPE_MUST_MATCH : MUST_MATCH] as const)
  expect(compare(readBackShape(new Map(policies)), stock, ours)).toEqual([])
  for (const { runs } of stock.experiments) expect(runs).not.toEqual([])
}

type Policies = ReadonlyMap<string, Policy>

/** Policies of the columns with the prefix, by the rest of their names. */
const columns = (policies: Policies, prefix = ''): Record<string, Policy> =>
  Object.fromEntries(
    [...policies]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, policy]) => [name.slice(prefix.length), policy]),
  )

const EXPERIMENT = object({
  artifact_location: MUST_MATCH,
  creation_time: TYPE_MUST_MATCH,
  effective_trace_archival_retention: MUST_MATCH,
  experiment_id: MUST_MATCH,
  last_update_time: TYPE_MUST_MATCH,
  lifecycle_stage: MUST_MATCH,
  name: MUST_MATCH,
  tags: MUST_MATCH,
  trace_location: MUST_MATCH,
  workspace: MUST_MATCH,
})

const metric = (value: Policy): Shape =>
  object({
    dataset_digest: MUST_MATCH,
    dataset_name: MUST_MATCH,
    key: MUST_MATCH,
    model_id: MUST_MATCH,
    run_id: MUST_MATCH,
    step: MUST_MATCH,
    timestamp: TYPE_MUST_MATCH,
    value,
  })

function readBackShape(policies: Policies): Shape {
  const files = object(columns(policies))
  const name = policies.get('tags.mlflow.runName') ?? MUST_MATCH
  return object({
    'printed experiments': MUST_MATCH,
    experiments: list(
      object({
        experiment: EXPERIMENT,
        'printed experiment': EXPERIMENT,
        'printed runs': list(list(name)),
        frame: object({ columns: MUST_MATCH, rows: list(object(columns(policies))) }),
        runs: list(runShape(policies, files, name)),
        models: list(modelShape(files)),
      }),
    ),
  })
}

function runShape(policies: Policies, files: Shape, name: Policy): Shape {
  const metrics = columns(policies, 'metrics.')
  const histories = Object.entries(metrics).map(([key, value]) => [key, list(metric(value))] as const)
  return object({
    info: object({
      artifact_uri: MUST_MATCH,
      end_time: TYPE_MUST_MATCH,
      experiment_id: MUST_MATCH,
      lifecycle_stage: MUST_MATCH,
      run_id: MUST_MATCH,
      run_name: name,
      start_time: TYPE_MUST_MATCH,
      status: MUST_MATCH,
      user_id: MUST_MATCH,
    }),
    data: object({
      metrics: object(metrics),
      params: object(columns(policies, 'params.')),
      tags: object(columns(policies, 'tags.')),
    }),
    inputs: object({ model_inputs: MUST_MATCH, dataset_inputs: unordered(MUST_MATCH, 'all') }),
    outputs: object({ model_outputs: unordered(MUST_MATCH, 'model_id') }),
    history: object(Object.fromEntries(histories)),
    artifacts: files,
  })
}

function modelShape(files: Shape): Shape {
  return object({
    artifact_location: MUST_MATCH,
    artifacts: files,
    creation_timestamp: TYPE_MUST_MATCH,
    experiment_id: MUST_MATCH,
    last_updated_timestamp: TYPE_MUST_MATCH,
    metrics: unordered(metric(MUST_MATCH), 'key'),
    model_id: MUST_MATCH,
    model_type: MUST_MATCH,
    name: MUST_MATCH,
    params: MUST_MATCH,
    source_run_id: MUST_MATCH,
    status: MUST_MATCH,
    status_message: MUST_MATCH,
    tags: MUST_MATCH,
  })
}
