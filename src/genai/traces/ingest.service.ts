// MLflow's rules for spans that arrive by OTLP.
import { MlflowError } from '../../errors.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { deriveTrace } from './derived.ts'
import { artifactLocationOf, type Experiments } from './experiments.ts'
import type { TraceWriter } from './ingest.store.ts'
import type { TraceLinks } from './links.service.ts'
import { type ExportHeaders, readExport } from './otlp-request.ts'
import { type IncomingSpan, readSpans } from './spans.ts'
import { groupBy } from './store.ts'

export interface TraceIngestDeps {
  clock: Clock
  write: TraceWriter
  experiments: Experiments
  linkToRun: TraceLinks['linkToRun']
  /** Adds what attributes and events of other instrumentations tell in MLflow's words. */
  translate: (attributes: IncomingSpan['attributes'], events: IncomingSpan['events']) => void
}

export type TraceIngest = ReturnType<typeof createTraceIngest>

export function createTraceIngest({ clock, write, experiments, linkToRun, translate }: TraceIngestDeps) {
  /**
   * Takes the spans of an OTLP export, all of them or none. They may come in any order, in any number of requests, and
   * again. Traces whose root is among them are linked to the run, unless they are more than may be linked at once.
   * @throws OtlpRefusal, RESOURCE_DOES_NOT_EXIST for the experiment, INVALID_PARAMETER_VALUE
   * @see mlflow/server/otel_api.py export_traces
   */
  async function exportSpans(
    body: Buffer,
    headers: ExportHeaders & { experimentId: string; runId?: string | undefined },
  ): Promise<void> {
    const spans = readSpans(await readExport(body, headers))
    if (spans.length === 0) return
    for (const { attributes, events } of spans) translate(attributes, events)
    const experiment = await experiments.requireRow(headers.experimentId)
    const owner = {
      experimentId: experiment.experimentId,
      artifactLocation: (traceId: string) => artifactLocationOf(experiment, traceId),
    }
    const byTrace = groupBy<IncomingSpan>(spans, ({ traceId }) => traceId)
    const nowMs = clock.now()
    await write([...byTrace.values()].map((own) => deriveTrace(own, owner, nowMs)))
    if (headers.runId) await linkComplete(spans, headers.runId)
  }

  /** What cannot be linked is left: the spans are taken. */
  async function linkComplete(spans: readonly IncomingSpan[], runId: string): Promise<void> {
    const roots = spans.filter(({ parentSpanId }) => parentSpanId === null)
    const traceIds = [...new Set(roots.map(({ traceId }) => traceId))]
    if (traceIds.length === 0) return
    await linkToRun(traceIds, runId).catch((error) => {
      if (!(error instanceof MlflowError && error.status < 500)) throw error
    })
  }

  return { exportSpans }
}
