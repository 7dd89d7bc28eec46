// Fills a CrateDB schema with runs: one is logged through REST, the others are copies of its rows made by SQL.
import { METRICS_PER_BATCH } from './payloads.mjs'

/** What each run holds. */
export const KEYS = 10
export const STEPS = 1000
export const POINTS_PER_RUN = KEYS * STEPS
/** Runs per statement: 200,000 points. */
const RUNS_PER_COPY = 20
/** The run that the others are copied from says what it is by its name. */
const TEMPLATE_NAME = 'scale-template'

/**
 * Brings the schema behind `server` to `runs` runs of POINTS_PER_RUN points, or as far as the deadline lets it. What
 * an earlier call wrote is kept.
 * @param pool of CrateDB, with the schema as its search path
 * @returns the id of the experiment, how many runs there are, `runId(i)` of the i-th, and points written per second
 */
export async function seedRuns({ server, pool, runs, deadline, log }) {
  const template = await findOrMakeTemplate(server)
  const runId = (number) => (number === 0 ? template.runId : copyId(template.runId, number))
  const tables = await tablesOfRuns(pool)
  // What is copied must be seen: the rows of a template that was just logged are not before a refresh.
  await pool.query(`REFRESH TABLE ${tables.map(({ name }) => `"${name}"`).join(', ')}`)
  const began = performance.now()
  const rate = () => Math.round((written * POINTS_PER_RUN) / ((performance.now() - began) / 1000))
  let written = 0
  let there = 1
  for (; there < runs; there += Math.min(RUNS_PER_COPY, runs - there)) {
    const length = Math.min(RUNS_PER_COPY, runs - there)
    const numbers = Array.from({ length }, (_, i) => there + i)
    if (await isThere(pool, runId(numbers.at(-1)))) continue
    if (performance.now() > deadline) break
    for (const table of tables) await copyRows(pool, { table, template: template.runId, numbers, runId })
    written += length
    if (written % 500 === 0) log(`${((there + length) * POINTS_PER_RUN) / 1e6}M points, ${rate()} points/s`)
  }
  await checkCount(pool, there)
  return {
    experimentId: template.experimentId,
    runs: there,
    runId,
    seedRate: written > 0 ? rate() : undefined,
  }
}

/** The run that is copied, logged through REST like any other. */
async function findOrMakeTemplate(server) {
  const known = await server.post('experiments/search', {
    max_results: 1,
    filter: `name = '${TEMPLATE_NAME}'`,
  })
  const experimentId =
    known.experiments?.[0]?.experiment_id ??
    (await server.post('experiments/create', { name: TEMPLATE_NAME })).experiment_id
  const found = await server.post('runs/search', {
    experiment_ids: [experimentId],
    filter: `attributes.run_name = '${TEMPLATE_NAME}' and tags.complete = 'yes'`,
    order_by: ['attributes.start_time ASC'],
    max_results: 1,
  })
  const runId = found.runs?.[0]?.info.run_id ?? (await logTemplate(server, experimentId))
  return { experimentId, runId }
}

async function logTemplate(server, experimentId) {
  const { run } = await server.post('runs/create', {
    experiment_id: experimentId,
    run_name: TEMPLATE_NAME,
    start_time: 1,
  })
  const runId = run.info.run_id
  for (let key = 0; key < KEYS; key++) {
    const metrics = Array.from({ length: METRICS_PER_BATCH }, (_, step) => ({
      key: `metric-${key}`,
      value: Math.exp(-step / 300) + Math.random() / 10,
      timestamp: Date.now() + step,
      step,
    }))
    await server.post('runs/log-batch', { run_id: runId, metrics })
    await server.post('runs/log-parameter', { run_id: runId, key: `param-${key}`, value: `${Math.random()}` })
  }
  await server.post('runs/set-tag', { run_id: runId, key: 'complete', value: 'yes' })
  return runId
}

/** A UUIDv7 some milliseconds after the template's, so that it lies in the same month. */
function copyId(template, number) {
  const milliseconds = Number.parseInt(template.slice(0, 12), 16) + number
  return `${milliseconds.toString(16).padStart(12, '0')}70008${number.toString(16).padStart(15, '0')}`
}

/** Tables with rows of a run and their columns; `runs` last, so that a run is there when all of it is. */
async function tablesOfRuns(pool) {
  const { rows } = await pool.query(
    `SELECT table_name, column_name, data_type FROM information_schema.columns
     WHERE table_schema = current_schema() AND is_generated = 'NEVER' AND table_name IN (
       SELECT table_name FROM information_schema.tables
       WHERE table_schema = current_schema() AND table_type = 'BASE TABLE')
     ORDER BY table_name, ordinal_position`,
  )
  return [...new Set(rows.map((row) => row.table_name))]
    .map((name) => ({ name, columns: rows.filter((row) => row.table_name === name) }))
    .filter(({ columns }) => columns.some((column) => column.column_name === 'run_id'))
    .sort((a, b) => Number(a.name === 'runs') - Number(b.name === 'runs'))
}

/** How a column of a copy differs from the template's; values do, or they would compress too well. */
function copied({ column_name: name, data_type: type }) {
  if (name === 'run_id') return 'r.id'
  if (name === 'artifact_uri') return 'replace(t.artifact_uri, $3, r.id)'
  if (name === 'value' && type === 'double precision') return 't.value * (1 + r.number / 1e6)'
  if (name === 'start_time') return 't.start_time + r.number'
  return `t."${name}"`
}

async function copyRows(pool, { table, template, numbers, runId }) {
  const names = table.columns.map((column) => `"${column.column_name}"`).join(', ')
  await pool.query(
    `INSERT INTO "${table.name}" (${names})
     SELECT ${table.columns.map(copied).join(', ')}
     FROM unnest($1::text[], $2::bigint[]) r (id, number) CROSS JOIN "${table.name}" t WHERE t.run_id = $3
     ON CONFLICT DO NOTHING`,
    [numbers.map(runId), numbers, template],
  )
}

async function isThere(pool, runId) {
  const { rowCount } = await pool.query('SELECT run_id FROM runs WHERE run_id = $1', [runId])
  return rowCount === 1
}

async function checkCount(pool, runs) {
  const expected = { metrics: runs * POINTS_PER_RUN, latest_metrics: runs * KEYS }
  for (const [table, rows] of Object.entries(expected)) {
    await pool.query(`REFRESH TABLE ${table}`)
    const found = Number((await pool.query(`SELECT count(*) AS rows FROM ${table}`)).rows[0].rows)
    if (found < rows) throw new Error(`${table} has ${found} rows, ${rows} expected: drop the schema`)
  }
}
