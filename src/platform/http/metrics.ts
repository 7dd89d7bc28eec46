// Metrics for Prometheus under /metrics, by the names of MLflow's own exporter where it has them.
import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { type Measure, measures } from '../measures.ts'
import { MLFLOW_VERSION } from './health.ts'
import { PROBES } from './request-log.ts'

/** Seconds; from a primary-key read to the upload of a large file. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120]
const LABELS = ['method', 'route', 'status'] as const

/** How metrics become text: `own` gives those of this process, for the workers of a cluster to be added up. */
export type CollectMetrics = (own: () => Promise<unknown[]>) => () => Promise<string>

/**
 * Counts requests and their latency by route, method and status, and serves them with the process's own metrics and `measures`.
 * Routes are patterns such as `/api/2.0/mlflow/runs/get`, so their number is bounded.
 * @param collect collects the metrics of all workers; absent in a server of one process
 * @see mlflow/server/prometheus_exporter.py activate_prometheus_exporter
 */
export function registerMetrics(app: FastifyInstance, collect?: CollectMetrics): void {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'mlflow_exporter_info',
    help: 'Version of the MLflow API',
    labelNames: ['version'],
    registers,
    aggregator: 'first',
  })
    .labels(MLFLOW_VERSION)
    .set(1)
  const total = new Counter({
    name: 'mlflow_http_request_total',
    help: 'Answered HTTP requests',
    labelNames: LABELS,
    registers,
  })
  const seconds = new Histogram({
    name: 'mlflow_http_request_duration_seconds',
    help: 'Time from the request headers to the end of the answer',
    labelNames: LABELS,
    buckets: BUCKETS,
    registers,
  })
  for (const measure of Object.values(measures)) show(measure, registry)
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown'
    // As MLflow's exporter does.
    if (PROBES.has(route)) return
    const labels = { method: request.method, route, status: String(reply.statusCode) }
    total.inc(labels)
    seconds.observe(labels, reply.elapsedTime / 1000)
  })
  const text = collect ? collect(() => registry.getMetricsAsJSON()) : () => registry.metrics()
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) =>
    reply.type(registry.contentType).send(await text()),
  )
}

/** Tells what a measure is whenever somebody asks. */
function show({ name, help, kind, label, values }: Measure, registry: Registry): void {
  const Kind = kind === 'counter' ? Counter : Gauge
  const metric: Counter | Gauge = new Kind({
    name,
    help,
    labelNames: label === undefined ? [] : [label],
    registers: [registry],
    collect() {
      metric.reset()
      for (const [of, value] of values) metric.inc(label === undefined ? {} : { [label]: of }, value)
    },
  })
}
