// Opens what a power cut has left and looks whether everything acknowledged is there.
import { sql } from 'drizzle-orm'
import type { Engine } from '../../src/platform/database/engine.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { API, type Sent, textOf } from './clients.ts'

type Registers = Map<string, number>

interface KeyValue {
  key: string
  value: string
}

interface FoundRun {
  info: { run_id: string; run_name: string; end_time?: number; lifecycle_stage: string }
  data: { metrics?: { key: string; value: number; step: number }[]; params?: KeyValue[]; tags?: KeyValue[] }
}

/** What is wrong with the store after a cut at a position of the log; empty when nothing is. */
export async function findFaults(engine: Engine, sent: readonly Sent[], cutAt: number): Promise<string[]> {
  const faults: string[] = []
  const app = await startApp({ uri: '' } as never, { engine })
  try {
    const found = await readRegisters(app, faults)
    compare(found, sent, cutAt, faults)
    await compareIndexes(engine, faults)
    await write(app, faults)
  } finally {
    await app.close()
  }
  return faults
}

/** Each register holds what was acknowledged before the cut, or what was sent before it. */
function compare(found: Registers, sent: readonly Sent[], cutAt: number, faults: string[]): void {
  const least: Registers = new Map()
  const most: Registers = new Map()
  for (const { register, number, sentAt, acknowledgedAt } of sent) {
    if (sentAt <= cutAt) most.set(register, number)
    if (acknowledgedAt !== undefined && acknowledgedAt <= cutAt) least.set(register, number)
  }
  for (const [register, number] of least) {
    const there = found.get(register) ?? 0
    if (there < number) faults.push(`lost: ${register} is ${there}, ${number} was acknowledged`)
  }
  for (const [register, number] of found) {
    const sentNumber = most.get(register) ?? 0
    if (number > sentNumber) faults.push(`made up: ${register} is ${number}, ${sentNumber} was sent`)
  }
}

async function ask(app: TestApp, method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await app.request(method, `${API}/${path}`, body)
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}

async function readRegisters(app: TestApp, faults: string[]): Promise<Registers> {
  const found: Registers = new Map()
  const note = (register: string, number: number) => {
    if (found.has(register)) faults.push(`twice: ${register}`)
    found.set(register, number)
  }
  const { experiments } = (await ask(app, 'POST', 'experiments/search', { max_results: 50_000 })) as {
    experiments: { experiment_id: string; name: string }[]
  }
  for (const { name } of experiments) if (name !== 'Default') note(name, 1)
  const ids = experiments.map(({ experiment_id }) => experiment_id)
  const asked = { experiment_ids: ids, run_view_type: 'ALL', max_results: 50_000 }
  const { runs = [] } = (await ask(app, 'POST', 'runs/search', asked)) as { runs?: FoundRun[] }
  const histories = await readHistories(app.engine, faults)
  for (const run of runs) readRun(run, histories, note, faults)
  for (const rest of histories.keys()) faults.push(`points of no run: ${rest}`)
  await readModels(app, note, faults)
  await readSpans(app.engine, note, faults)
  return found
}

/** The spans of each run's trace, counted in the table. */
async function readSpans(
  engine: Engine,
  note: (register: string, number: number) => void,
  faults: string[],
): Promise<void> {
  const rows = await engine.rows(sql`
    SELECT run, count(*)::int, min(number), max(number), count(trace)::int
    FROM (
      SELECT regexp_replace(s.name, ' \\d+$', '') AS run, regexp_replace(s.name, '^.* ', '')::int AS number,
        t.trace_id AS trace
      FROM spans s LEFT JOIN traces t ON t.trace_id = s.trace_id
    ) numbered
    GROUP BY run`)
  for (const row of rows) {
    const [run, count, first, last, ofTraces] = row as [string, number, number, number, number]
    if (first !== 0 || last !== count - 1 || ofTraces !== count)
      faults.push(`a trace with holes: ${JSON.stringify(row)}`)
    note(`spans ${run}`, count)
  }
}

/** The lengths of metrics' histories by run and key, counted in the table. */
async function readHistories(engine: Engine, faults: string[]): Promise<Map<string, number>> {
  const rows = await engine.rows(sql`
    SELECT run_id, key, count(*)::int, count(DISTINCT step)::int, min(step)::int, max(step)::int,
      bool_and(value = step / 2.0 AND timestamp = step)
    FROM metrics GROUP BY run_id, key`)
  const lengths = new Map<string, number>()
  for (const row of rows) {
    const [runId, key, count, distinct, first, last, isRight] = row
    const isWhole = count === distinct && first === 0 && last === (count as number) - 1 && isRight
    if (!isWhole) faults.push(`a history with holes: ${JSON.stringify(row)}`)
    lengths.set(`${runId} ${key}`, count as number)
  }
  return lengths
}

function readRun(
  { info, data }: FoundRun,
  histories: Map<string, number>,
  note: (register: string, number: number) => void,
  faults: string[],
): void {
  const name = info.run_name
  note(`run ${name}`, 1)
  if (info.end_time !== undefined) note(`end ${name}`, info.end_time)
  if (info.lifecycle_stage === 'deleted') note(`deleted ${name}`, 1)
  const noteText = (register: string, value: string, number: number) => {
    note(register, number)
    if (value !== textOf(register, number)) faults.push(`another value: ${register} ${value.slice(0, 40)}`)
  }
  for (const { key, value } of data.params ?? []) noteText(`param ${name} ${key}`, value, 1)
  for (const { key, value } of data.tags ?? []) {
    if (!key.startsWith('mlflow.')) noteText(`tag ${name} ${key}`, value, Number.parseInt(value, 10))
  }
  for (const { key, value, step } of data.metrics ?? []) {
    const length = histories.get(`${info.run_id} ${key}`) ?? 0
    note(`points ${name} ${key}`, length)
    histories.delete(`${info.run_id} ${key}`)
    if (step !== length - 1 || value !== step / 2)
      faults.push(`latest metric of ${name} ${key} is at ${step}, its history ends at ${length - 1}`)
  }
}

async function readModels(app: TestApp, note: (register: string, number: number) => void, faults: string[]) {
  const models = (await ask(app, 'GET', 'registered-models/search?max_results=1000')) as {
    registered_models?: { name: string }[]
  }
  for (const { name } of models.registered_models ?? []) note(`model ${name}`, 1)
  const answer = (await ask(app, 'GET', 'model-versions/search?max_results=10000')) as {
    model_versions?: { name: string; version: string; source: string }[]
  }
  const versions = new Map<string, number[]>()
  for (const { name, version, source } of answer.model_versions ?? []) {
    versions.set(name, [...(versions.get(name) ?? []), Number(version)])
    if (source !== `s3://bucket/${version}`) faults.push(`another source: ${name} ${version} ${source}`)
  }
  for (const [name, numbers] of versions) {
    note(`versions ${name}`, numbers.length)
    if (Math.max(...numbers) !== numbers.length) faults.push(`versions of ${name}: ${numbers}`)
  }
}

const onlySeqScans = sql`SELECT set_config(name, 'off', false) FROM unnest(ARRAY['enable_indexscan',
  'enable_indexonlyscan', 'enable_bitmapscan']) name`
const onlyIndexScans = sql`SELECT set_config(name, CASE name WHEN 'enable_indexscan' THEN 'on' ELSE 'off' END, false)
  FROM unnest(ARRAY['enable_indexscan', 'enable_seqscan', 'enable_sort']) name`

/** Every row of every table is found through each index of the table, and nothing else is. */
async function compareIndexes(engine: Engine, faults: string[]): Promise<void> {
  const indexes = (await engine.rows(sql`
    SELECT indrelid::regclass::text, indexrelid::regclass::text,
      regexp_replace(pg_get_indexdef(indexrelid), '^.* USING btree \\((.*)\\)$', '\\1')
    FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
    WHERE relnamespace = current_schema()::regnamespace AND indpred IS NULL`)) as [string, string, string][]
  const rowsOf = async (table: string, order: string) =>
    JSON.stringify(
      await engine.rows(
        sql.raw(`SELECT count(*)::int, coalesce(bit_xor(hashtextextended(place::text, 0)), 0)::text
          FROM (SELECT ctid AS place FROM ${table} ${order}) rows`),
      ),
    )
  await engine.rows(onlySeqScans)
  const expected = new Map<string, string>()
  for (const table of new Set(indexes.map(([table]) => table))) expected.set(table, await rowsOf(table, ''))
  await engine.rows(onlyIndexScans)
  for (const [table, index, columns] of indexes) {
    const rows = await rowsOf(table, `ORDER BY ${columns}`)
    if (rows !== expected.get(table))
      faults.push(`${index} has ${rows}, ${table} has ${expected.get(table)} rows`)
  }
  await engine.execute(sql`RESET ALL`)
  await engine.execute(sql`SET search_path TO ${sql.identifier(engine.schema)}`)
}

/** The store takes new writes. */
async function write(app: TestApp, faults: string[]): Promise<void> {
  const { run } = (await ask(app, 'POST', 'runs/create', { experiment_id: '0', run_name: 'after' })) as {
    run: FoundRun
  }
  const { run_id } = run.info
  const metrics = [{ key: 'after', value: 1, timestamp: 1, step: 1 }]
  await ask(app, 'POST', 'runs/log-batch', { run_id, metrics, params: [{ key: 'p', value: 'v' }] })
  const read = (await ask(app, 'GET', `runs/get?run_id=${run_id}`)) as { run: FoundRun }
  const { metrics: latest = [], params = [] } = read.run.data
  if (latest[0]?.step !== 1 || params[0]?.value !== 'v')
    faults.push(`a new write is not there: ${JSON.stringify(read)}`)
}
