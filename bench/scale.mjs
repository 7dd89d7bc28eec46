// Costs as a store grows: the same works on schemas of several sizes, interleaved.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { encodeGet, encodePost } from './client.mjs'
import { ours, startServer } from './contenders.mjs'
import { assertEqual, measure, median } from './measure.mjs'
import { freshKeys, METRICS_PER_BATCH } from './payloads.mjs'
import { lineChart } from './plot.mjs'
import { KEYS, POINTS_PER_RUN, STEPS, seedRuns } from './scale-seed.mjs'
import { connectionOf, dropSchemas, openCratedb } from './services.mjs'

const RUNS_PER_INTERVAL = 10

/**
 * Fills one schema per size (what is there already is kept, so a second run measures at once), then measures each
 * in turn. A size that `seedSeconds` do not suffice for is measured as large as it became.
 */
export async function runScale(options, { folder, log, defer }) {
  const cratedb = await openCratedb({ uri: options.cratedb, folder, log })
  if (!cratedb) throw new Error('--scale needs CrateDB')
  defer(cratedb.stop)
  const { main, seedSeconds, drop, docs } = options
  const stores = []
  for (const { label, points } of options.scale) {
    const schema = `bench_${label.toLowerCase()}`
    log(`${label}: seeding ${schema}`)
    if (drop) defer(() => dropSchemas(cratedb.uri, [schema]))
    const store = { label, points, schema, uri: cratedb.uri, main, folder, seedSeconds, log, defer }
    stores.push(await openStore(store))
  }
  const report = await measureStores(stores, options)
  const text = scaleTable(report)
  console.log(text)
  if (docs) publish(report, text, docs)
  return report
}

async function openStore({ label, points, schema, uri, main, folder, seedSeconds, log, defer }) {
  const work = join(folder, schema)
  mkdirSync(work, { recursive: true })
  const server = await startServer({ name: label, folder: work, ...ours(main, `${uri}?schema=${schema}`) })
  defer(server.stop)
  const pool = new pg.Pool({ ...connectionOf(uri, schema), max: 1 })
  defer(() => pool.end())
  const runs = Math.ceil(points / POINTS_PER_RUN)
  const seeded = await seedRuns({ server, pool, runs, deadline: performance.now() + seedSeconds * 1000, log })
  return { label, schema, server, pool, ...seeded, disk: await diskOf(pool, schema) }
}

/** Rows and bytes of each table's primary shards, as CrateDB tells them. */
async function diskOf(pool, schema) {
  await pool.query('REFRESH TABLE metrics')
  const { rows } = await pool.query(
    `SELECT table_name, sum(size) AS bytes, sum(num_docs) AS rows FROM sys.shards
     WHERE schema_name = $1 AND "primary" AND num_docs > 0 GROUP BY table_name`,
    [schema],
  )
  const tables = rows.map((row) => [row.table_name, { bytes: Number(row.bytes), rows: Number(row.rows) }])
  return Object.fromEntries(tables)
}

const anyRun = ({ runId, runs }) => runId(Math.floor(Math.random() * runs))

/** Title → `{ clients, prepare?, work(store, prepared) }`; reads choose runs at random. */
const WORKS = {
  'log-batch of 1000 fresh keys (points/s)': {
    clients: 4,
    rows: METRICS_PER_BATCH,
    prepare: async ({ server, experimentId }) => {
      const { run } = await server.post('runs/create', { experiment_id: experimentId, run_name: 'ingest' })
      return freshKeys(run.info.run_id)
    },
    work: ({ server }, i, fill) => server.send(encodePost('runs/log-batch', fill(i))),
  },
  'get run': {
    work: async (store) => {
      const { run } = await store.server.get(`runs/get?run_id=${anyRun(store)}`)
      assertEqual('metrics', run.data.metrics.length, KEYS)
    },
  },
  'history of a metric of a run': {
    work: async (store) => {
      const path = `metrics/get-history?run_id=${anyRun(store)}&metric_key=metric-3&max_results=${STEPS}`
      const { metrics } = JSON.parse(await store.server.send(encodeGet(path)))
      assertEqual('points', metrics.length, STEPS)
    },
  },
  'sampled histories of 10 runs': {
    work: async (store) => {
      const runs = Array.from({ length: RUNS_PER_INTERVAL }, () => `run_ids=${anyRun(store)}`)
      const path = `metrics/get-history-bulk-interval?${runs.join('&')}&metric_key=metric-3&max_results=100`
      const { metrics } = JSON.parse(await store.server.send(encodeGet(path)))
      if (metrics.length < 100) throw new Error(`${metrics.length} sampled points`)
    },
  },
  'best 100 of all runs by latest metric': {
    work: async ({ server, experimentId, runs: seeded }) => {
      const { runs } = await server.post('runs/search', {
        experiment_ids: [experimentId],
        order_by: ['metrics.`metric-3` DESC'],
        max_results: 100,
      })
      if (runs.length < Math.min(100, seeded)) throw new Error(`${runs.length} best runs of ${seeded}`)
    },
  },
}

async function measureStores(stores, { rounds, seconds, works }) {
  const report = {
    sizes: stores.map(({ label, runs, disk, seedRate }) => {
      const { rows: points, bytes } = disk.metrics
      return { label, runs, points, bytes, disk, seedRate }
    }),
    works: {},
  }
  for (const [title, one] of Object.entries(WORKS).filter(([title]) => works.test(title))) {
    const taken = stores.map(() => [])
    for (let round = 0; round < rounds; round++) {
      for (const [i, store] of stores.entries()) {
        const prepared = await one.prepare?.(store)
        const work = (n) => one.work(store, n, prepared)
        taken[i].push(await measure({ clients: one.clients ?? 1, seconds, work }))
      }
    }
    report.works[title] = taken.map((measured) => ({
      perSecond: median(measured.map(({ perSecond }) => perSecond)) * (one.rows ?? 1),
      p50: median(measured.map(({ p50 }) => p50)),
      p99: median(measured.map(({ p99 }) => p99)),
    }))
  }
  return report
}

/** The measurements as a table in Markdown. */
function scaleTable({ sizes, works }) {
  const rows = []
  const row = (...cells) => rows.push(`| ${cells.join(' | ')} |`)
  row('', ...sizes.map(({ points }) => `${(points / 1e6).toFixed(1)}M points`))
  row('---', ...sizes.map(() => '---'))
  row('runs', ...sizes.map(({ runs }) => runs))
  row('GB of metrics', ...sizes.map(({ bytes }) => (bytes / 1e9).toFixed(2)))
  row('bytes per point', ...sizes.map(({ bytes, points }) => Math.round(bytes / points)))
  for (const [title, measured] of Object.entries(works)) {
    const isRate = title.endsWith('/s)')
    const cells = measured.map(({ perSecond, p50, p99 }) =>
      isRate ? perSecond.toFixed(0) : `${p50.toFixed(1)} / ${p99.toFixed(1)}`,
    )
    row(isRate ? title : `${title}, p50 / p99 (ms)`, ...cells)
  }
  return rows.join('\n')
}

/** Writes plots into the folder, and the table into its scale.md, between two comments. */
function publish({ sizes, works }, text, folder) {
  const series = (choose, figure) =>
    Object.entries(works)
      .filter(([title]) => choose(title.endsWith('/s)')))
      .map(([name, measured]) => ({
        name,
        points: measured.map((one, i) => [sizes[i].points, figure(one)]),
      }))
  const xLabel = 'metric points in the store'
  const charts = {
    'scale-reads.svg': {
      title: 'Reads by the size of the store (p50, 1 client)',
      yLabel: 'milliseconds',
      series: series(
        (isRate) => !isRate,
        ({ p50 }) => p50,
      ),
    },
    'scale-ingest.svg': {
      title: 'Ingest by the size of the store (4 clients)',
      yLabel: 'points per second',
      series: series(
        (isRate) => isRate,
        ({ perSecond }) => perSecond,
      ),
    },
  }
  const images = Object.entries(charts).map(([file, chart]) => {
    writeFileSync(join(folder, file), lineChart({ xLabel, ...chart }))
    return `![${chart.title}](${file})`
  })
  const page = join(folder, 'scale.md')
  const block = /(<!-- measured -->\n)[\s\S]*?(\n<!-- \/measured -->)/
  writeFileSync(
    page,
    readFileSync(page, 'utf8').replace(
      block,
      (_, start, end) => `${start}\n${[text, ...images].join('\n\n')}\n${end}`,
    ),
  )
}
