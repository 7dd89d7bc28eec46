// Traces: spans by OTLP, and what is asked of many traces, this server beside stock MLflow. See bench/README.md.

import { encodeRequest } from './client.mjs'
import { CONTENDERS, startContender } from './contenders.mjs'
import { openContext } from './context.mjs'
import { measure, quantile } from './measure.mjs'
import { encodeExport, RARE_WORD, traceTemplates } from './otlp.mjs'
import { table } from './report.mjs'

const DAY_MS = 86_400_000
/** Traces lie in the week before. */
const WEEK_MS = 7 * DAY_MS
const SPANS_PER_TRACE = 10
const TRACES_PER_EXPORT = 20
const FILLERS = 4
const REQUESTS = 20
const WRITES = [1, 8].flatMap((clients) => [10, 100].map((spans) => ({ clients, spans })))

/**
 * Exports, then fills each store as far as the time allows and asks of it.
 * @returns `{ writes, reads }`: title → contender → figures
 */
export async function measureTraces(options, tools) {
  const { names, context } = await openContext(options, tools)
  const report = { writes: {}, reads: {} }
  const servers = []
  for (const name of names) {
    const server = await startContender(name, context)
    context.defer(server.stop)
    servers.push(server)
  }
  // Servers are asked for days, and a second's worth of work is done by other code than the first hour's: both JITs compile on the way.
  for (const server of servers) await warmUp(server, options.warm)
  for (const work of WRITES) await measureWrites(servers, work, options, report)
  console.log(`\n${writesTable(report.writes)}`)
  for (const size of options.traces) await measureReads(servers, size, { options, report, log: tools.log })
  return report
}

async function warmUp(server, seconds) {
  const experimentId = await newExperiment(server, 'warming up')
  const makes = [10, 100].map(traceTemplates)
  const work = (i) => server.send(encodeExport(experimentId, [makes[i % 2](i, Date.now() - 10_000)]))
  await measure({ clients: 4, seconds, work })
}

const titleOf = ({ clients, spans }) => `${spans} spans a trace, c${clients}`

async function measureWrites(servers, { clients, spans }, { rounds, seconds, works }, report) {
  const title = titleOf({ clients, spans })
  if (!works.test(title)) return
  const make = traceTemplates(spans)
  const figures = {}
  const experiments = new Map()
  for (const server of servers) experiments.set(server, await newExperiment(server, title))
  for (let round = 0; round <= rounds; round++) {
    for (const server of servers) {
      const experimentId = experiments.get(server)
      const work = (i) => server.send(encodeExport(experimentId, [make(i, Date.now() - 10_000)]))
      const one = await measure({ clients, seconds, work })
      figures[server.name] ??= { count: 0, rounds: [] }
      figures[server.name].count += one.count * spans
      if (round > 0) figures[server.name].rounds.push(one)
    }
  }
  for (const server of servers) {
    const { count, rounds: measured } = figures[server.name]
    const of = (what) =>
      quantile(
        measured.map((one) => one[what]),
        0.5,
      )
    const found = await countSpans(server, experiments.get(server))
    figures[server.name] = {
      spansPerSecond: of('perSecond') * spans,
      p50: of('p50'),
      p99: of('p99'),
      missing: count - found,
    }
  }
  report.writes[title] = figures
}

async function newExperiment(server, title) {
  const { experiment_id } = await server.post('experiments/create', {
    name: `${title} ${process.hrtime.bigint()}`,
  })
  return experiment_id
}

const ask = async (server, path, body) => JSON.parse(await server.send(encodeAsk(path, body)))
const encodeAsk = (path, body) => encodeRequest('POST', `/ajax-api/3.0/mlflow/${path}`, JSON.stringify(body))

async function countSpans(server, experimentId) {
  const answer = await ask(server, 'traces/metrics', {
    experiment_ids: [experimentId],
    view_type: 'SPANS',
    metric_name: 'span_count',
    aggregations: [{ aggregation_type: 'COUNT' }],
  })
  return answer.data_points?.[0]?.values.COUNT ?? 0
}

/** Fills an experiment of each server with traces of the last week. */
async function measureReads(servers, size, { options, report, log }) {
  const nowMs = Date.now()
  const make = traceTemplates(SPANS_PER_TRACE)
  const stores = []
  for (const server of servers) {
    const experimentId = await newExperiment(server, `${size} traces`)
    const began = performance.now()
    const filled = await fill(server, experimentId, { size, make, nowMs, seconds: options.seedSeconds })
    const seconds = (performance.now() - began) / 1000
    log(
      `${server.name}: ${filled} traces in ${seconds.toFixed(0)} s, ${((filled * SPANS_PER_TRACE) / seconds).toFixed(0)} spans/s`,
    )
    const found = await countSpans(server, experimentId)
    if (found !== filled * SPANS_PER_TRACE)
      throw new Error(`${server.name}: found ${found} spans of ${filled} traces`)
    stores.push({ server, experimentId, filled })
  }
  const label = `${size.toLocaleString('en')} traces`
  report.reads[label] = {}
  for (const [title, bodyOf] of Object.entries(READS)) {
    if (!options.works.test(title)) continue
    const figures = {}
    for (const { server, filled } of stores) figures[server.name] = { filled, ms: [] }
    for (let round = 0; round <= options.rounds; round++) {
      for (const { server, experimentId } of stores) {
        const figure = figures[server.name]
        if (figure.failed) continue
        try {
          const ms = await time(server, bodyOf(experimentId, nowMs))
          if (round > 0) figure.ms.push(...ms)
        } catch (error) {
          figure.failed = error.message.slice(0, 100)
        }
      }
    }
    report.reads[label][title] = Object.fromEntries(
      Object.entries(figures).map(([name, { filled, ms, failed }]) => [
        name,
        { filled, failed, p50: quantile(ms, 0.5), p95: quantile(ms, 0.95) },
      ]),
    )
  }
  console.log(`\n${label}, ${SPANS_PER_TRACE} spans each\n\n${readsTable(report.reads[label])}`)
}

async function fill(server, experimentId, { size, make, nowMs, seconds }) {
  const end = performance.now() + seconds * 1000
  let next = 0
  let filled = 0
  const runFiller = async () => {
    while (next < size && performance.now() < end) {
      const first = next
      next = Math.min(size, first + TRACES_PER_EXPORT)
      const parts = []
      for (let i = first; i < next; i++)
        parts.push(make(i, Math.floor(nowMs - WEEK_MS + (i / size) * WEEK_MS)))
      await server.send(encodeExport(experimentId, parts))
      filled += parts.length
    }
  }
  await Promise.all(Array.from({ length: FILLERS }, runFiller))
  return filled
}

/** A few requests, one after the other; a slow one is not repeated often. */
async function time(server, { path, body }) {
  const request = encodeAsk(path, body)
  const ms = []
  const began = performance.now()
  for (let i = 0; i < REQUESTS && performance.now() - began < 2000; i++) {
    const at = performance.now()
    await server.send(request)
    ms.push(performance.now() - at)
  }
  return ms
}

const search = (more) => (experimentId, nowMs) => ({
  path: 'traces/search',
  body: {
    locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } }],
    max_results: 100,
    order_by: ['timestamp_ms DESC'],
    ...more(nowMs),
  },
})
const hourly =
  (view_type, metric_name, aggregations, more = {}) =>
  (experimentId, nowMs) => ({
    path: 'traces/metrics',
    body: {
      experiment_ids: [experimentId],
      ...{ view_type, metric_name, aggregations, ...more },
      ...{ time_interval_seconds: 3600, start_time_ms: nowMs - WEEK_MS, end_time_ms: nowMs },
    },
  })
const by = (...types) => types.map((aggregation_type) => ({ aggregation_type }))
const percentiles = [50, 90, 99].map((percentile_value) => ({
  aggregation_type: 'PERCENTILE',
  percentile_value,
}))
const ofWeek = (nowMs) =>
  `attributes.timestamp_ms > ${nowMs - WEEK_MS} AND attributes.timestamp_ms < ${nowMs}`

export const READS = {
  'search, first page of the UI': search((nowMs) => ({ filter: ofWeek(nowMs) })),
  'search, tag and time': search((nowMs) => ({
    filter: `tags.team = 'red' AND attributes.timestamp_ms > ${nowMs - WEEK_MS / 2}`,
  })),
  'search, error and name': search((nowMs) => ({
    filter: `status = 'ERROR' AND name = 'translate' AND ${ofWeek(nowMs)}`,
  })),
  'search, span type and name': search((nowMs) => ({
    filter: `span.type = 'LLM' AND span.name = 'call large' AND ${ofWeek(nowMs)}`,
  })),
  'search, span content, 1 of 100': search((nowMs) => ({
    filter: `span.content LIKE '%${RARE_WORD}%' AND ${ofWeek(nowMs)}`,
  })),
  'search, span content, none': search((nowMs) => ({
    filter: `trace.text LIKE '%nowhere%' AND ${ofWeek(nowMs)}`,
  })),
  'traces by hour': hourly('TRACES', 'trace_count', by('COUNT')),
  'traces by hour and status': hourly('TRACES', 'trace_count', by('COUNT'), { dimensions: ['trace_status'] }),
  'latency by hour, percentiles': hourly('TRACES', 'latency', [...by('AVG'), ...percentiles]),
  'tokens by hour': hourly('TRACES', 'total_tokens', by('SUM', 'AVG')),
  'spans by hour and name': hourly('SPANS', 'span_count', by('COUNT'), { dimensions: ['span_name'] }),
  'latency of spans by name, percentiles': hourly('SPANS', 'latency', percentiles, {
    dimensions: ['span_name'],
  }),
  'cost by hour and model': hourly('SPANS', 'total_cost', by('SUM'), { dimensions: ['span_model_name'] }),
}

const round = (number) => (number === undefined ? '' : number.toFixed(number < 10 ? 1 : 0))

function writesTable(writes) {
  const rows = Object.entries(writes).flatMap(([title, figures]) =>
    Object.entries(figures).map(([name, { spansPerSecond, p50, p99, missing }]) => {
      const stock = figures['stock-sqlite']?.spansPerSecond
      const times = stock ? (spansPerSecond / stock).toFixed(1) : ''
      return [
        title,
        CONTENDERS[name],
        round(spansPerSecond),
        round(p50),
        round(p99),
        times,
        missing === 0 ? 'equal' : `${missing} missing`,
      ]
    }),
  )
  return table(['work', 'server', 'spans/s', 'p50 (ms)', 'p99 (ms)', '× stock SQLite', 'read back'], rows)
}

function readsTable(reads) {
  const rows = Object.entries(reads).flatMap(([title, figures]) =>
    Object.entries(figures).map(([name, { filled, failed, p50, p95 }]) => [
      title,
      CONTENDERS[name],
      filled.toLocaleString('en'),
      failed ?? round(p50),
      round(p95),
    ]),
  )
  return table(['question', 'server', 'traces', 'p50 (ms)', 'p95 (ms)'], rows)
}
