// Old points of metrics that go into buckets on CrateDB: how fast, what is left of them, and what a chart loses.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { ours, startServer } from './contenders.mjs'
import { METRICS_PER_BATCH } from './payloads.mjs'
import { connectionOf, dropSchemas, openCratedb } from './services.mjs'

const KEYS = 10
/** One a second: nearly three hours of training. */
const STEPS = 10_000
const POINTS_PER_RUN = KEYS * STEPS
const CLIENTS = 4
/** As the UI's charts ask. */
const SAMPLE = 2500
const DAY_MS = 24 * 3600_000
/** CrateDB tells sizes of shards as they were some seconds ago. */
const SIZES_SETTLE_MS = 20_000

/** Sizes of buckets, one after the other, on points that are 40 days old. */
const LADDERS = ['1m:30d', '1m:1d,1h:30d']

/** Fills a store through the API, then thins it by one ladder after the other. Answers what each left. */
export async function measureDownsampling({ cratedb: uri, main, downsample }, { folder, log, defer }) {
  const cratedb = await openCratedb({ uri, folder, log })
  if (!cratedb) throw new Error('--downsample needs CrateDB')
  defer(cratedb.stop)
  const schema = `bench_downsample_${process.pid}`
  defer(() => dropSchemas(cratedb.uri, [schema]))
  const work = join(folder, schema)
  mkdirSync(work, { recursive: true })
  const recipe = ours(main, `${cratedb.uri}?schema=${schema}`, ['--no-retention-schedule'])
  const server = await startServer({ name: schema, folder: work, ...recipe })
  defer(server.stop)
  const pool = new pg.Pool({ ...connectionOf(cratedb.uri, schema), max: 1 })
  defer(() => pool.end())
  const store = {
    server,
    pool,
    schema,
    runs: await fill(server, Math.ceil(downsample / POINTS_PER_RUN), log),
  }
  const [before, charts] = [await holdings(store), await readCharts(store)]
  log(`filled: ${before.points} points, ${mebibytes(before.bytes)}`)
  const report = { before, ladders: {} }
  for (const ladder of LADDERS) {
    const thinned = await thin(store, ladder)
    const after = await holdings(store)
    report.ladders[ladder] = { ...thinned, after, error: compareCharts(charts, await readCharts(store)) }
    log(`${ladder}: ${JSON.stringify(report.ladders[ladder])}`)
  }
  console.log(table(report))
  return report
}

/** Runs with a loss that falls, noise on it, and a spike now and then. */
async function fill(server, count, log) {
  const { experiment_id } = await server.post('experiments/create', { name: 'downsampled' })
  const start = Date.now() - 40 * DAY_MS
  const runs = []
  for (let i = 0; i < count; i++) {
    const { run } = await server.post('runs/create', { experiment_id, start_time: start })
    runs.push(run.info.run_id)
  }
  const batches = runs.flatMap((run_id) =>
    Array.from({ length: POINTS_PER_RUN / METRICS_PER_BATCH }, (_, i) => ({ run_id, first: i })),
  )
  const began = performance.now()
  const logBatches = async () => {
    for (let batch = batches.pop(); batch; batch = batches.pop())
      await server.post('runs/log-batch', { run_id: batch.run_id, metrics: pointsOf(batch.first, start) })
  }
  await Promise.all(Array.from({ length: CLIENTS }, logBatches))
  log(`${Math.round((count * POINTS_PER_RUN) / ((performance.now() - began) / 1000))} points/s logged`)
  return runs
}

const pointsOf = (batch, start) =>
  Array.from({ length: METRICS_PER_BATCH }, (_, i) => {
    const step = batch * (METRICS_PER_BATCH / KEYS) + Math.floor(i / KEYS)
    const spike = step % 3333 === 1111 ? 0.5 : 0
    const value = Math.exp(-step / 3000) + Math.random() / 20 + spike
    return { key: `metric-${i % KEYS}`, value, timestamp: start + step * 1000, step }
  })

async function holdings({ pool, schema }) {
  await sleep(SIZES_SETTLE_MS)
  await pool.query('REFRESH TABLE metrics, metric_buckets')
  const { rows } = await pool.query(
    `SELECT table_name, sum(size) AS bytes, sum(num_docs) AS rows FROM sys.shards
     WHERE schema_name = $1 AND "primary" AND table_name IN ('metrics', 'metric_buckets') GROUP BY table_name`,
    [schema],
  )
  const of = (name, what) => Number(rows.find(({ table_name }) => table_name === name)?.[what] ?? 0)
  return {
    points: of('metrics', 'rows'),
    buckets: of('metric_buckets', 'rows'),
    bytes: of('metrics', 'bytes') + of('metric_buckets', 'bytes'),
    bytesOfBuckets: of('metric_buckets', 'bytes'),
  }
}

async function own(server, method, path, body) {
  const answer = await fetch(`http://127.0.0.1:${server.port}/api/crateflow/1.0/retention/${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  if (!answer.ok) throw new Error(await answer.text())
  return answer.json()
}

/** Runs the ladder, then once more, when there is nothing to do. */
async function thin({ server }, ladder) {
  const name = `bench ${ladder}`
  await own(server, 'POST', 'policies/create', { name, target: 'metrics', strategy: 'downsample', ladder })
  const { plans } = await own(server, 'POST', 'policies/preview', { policy_ids: [name] })
  const { seconds, rows } = await execute(server, name)
  const again = await execute(server, name)
  return {
    due: plans[0].rows,
    rows,
    seconds,
    perSecond: plans[0].rows / seconds,
    againSeconds: again.seconds,
  }
}

async function execute(server, name) {
  const began = performance.now()
  const { executions } = await own(server, 'POST', 'executions/run', { policy_ids: [name] })
  const path = `executions/get?execution_id=${executions[0].execution_id}`
  for (;;) {
    const { execution } = await own(server, 'GET', path)
    if (execution.state === 'failed') throw new Error(execution.message)
    if (execution.state !== 'running')
      return { seconds: (performance.now() - began) / 1000, rows: execution.rows }
    await sleep(250)
  }
}

/** Charts of one metric of each run as the UI asks for them. */
async function readCharts({ server, runs }) {
  const charts = []
  for (const run of runs) {
    const path = `metrics/get-history-bulk-interval?run_ids=${run}&metric_key=metric-3&max_results=${SAMPLE}`
    charts.push((await server.get(path)).metrics)
  }
  return charts
}

/** How far a line through what is left is from what was drawn before, as shares of the range of values. */
function compareCharts(before, after) {
  const errors = before.flatMap((chart, i) => {
    const values = chart.map(({ value }) => value)
    const range = Math.max(...values) - Math.min(...values)
    return chart.map(({ step, value }) => Math.abs(interpolate(after[i], step) - value) / range)
  })
  errors.sort((a, b) => a - b)
  const extremes = (chart) => [Math.min, Math.max].map((pick) => pick(...chart.map(({ value }) => value)))
  const lost = before.filter((chart, i) => {
    const [[low, high], [lowest, highest]] = [extremes(chart), extremes(after[i])]
    return lowest > low || highest < high
  })
  return {
    max: errors.at(-1),
    median: errors[Math.floor(errors.length / 2)],
    chartsWithLostExtremes: lost.length,
  }
}

function interpolate(points, step) {
  const next = points.findIndex((point) => point.step >= step)
  if (next <= 0) return points[Math.max(next, 0)].value
  const [a, b] = [points[next - 1], points[next]]
  return a.value + ((b.value - a.value) * (step - a.step)) / (b.step - a.step)
}

const mebibytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`
const percent = (share) => `${(100 * share).toFixed(1)} %`

function table({ before, ladders }) {
  const rows = Object.entries(ladders).map(([ladder, one]) => [
    `\`${ladder}\``,
    Math.round(one.perSecond),
    Math.round(one.seconds),
    one.againSeconds.toFixed(1),
    `${one.after.points} + ${one.after.buckets}`,
    percent(1 - one.after.points / before.points),
    `${mebibytes(one.after.bytes)}, ${mebibytes(one.after.bytesOfBuckets)}`,
    percent(1 - one.after.bytes / before.bytes),
    `${percent(one.error.median)} / ${percent(one.error.max)}`,
    one.error.chartsWithLostExtremes,
  ])
  const head = [
    `${before.points} points, ${mebibytes(before.bytes)}`,
    'points/s',
    's',
    'once more (s)',
    'points + buckets left',
    'points that went',
    'left, of it buckets',
    'space that went',
    'error of charts, median / largest',
    'charts without their extremes',
  ]
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
