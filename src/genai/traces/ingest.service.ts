// MLflow's rules for spans that arrive by OTLP.
import type { Clock } from '../../platform/wire/ids.ts'
import { deriveTrace } from './derived.ts'
import { artifactLocationOf, type Experiments } from './experiments.ts'
import type { TraceWriter } from './ingest.store.ts'
import { readExport } from './otlp-request.ts'
import { type IncomingSpan, readSpans } from './spans.ts'
import { groupBy } from './store.ts'

export interface TraceIngestDeps {
  clock: Clock
  write: TraceWriter
  experiments: Experiments
}

export type TraceIngest = ReturnType<typeof createTraceIngest>

export function createTraceIngest({ clock, write, experiments }: TraceIngestDeps) {
  /**
   * Takes the spans of an OTLP export, all of them or none. They may come in any order, in any number of requests, and
   * again.
   * @throws OtlpRefusal, RESOURCE_DOES_NOT_EXIST for the experiment, INVALID_PARAMETER_VALUE
   * @see mlflow/server/otel_api.py export_traces
   */
  async function exportSpans(
    body: Buffer,
    headers: { experimentId: string; contentType?: string | undefined; contentEncoding?: string | undefined },
  ): Promise<void> {
    const spans = readSpans(await readExport(body, headers))
    if (spans.length === 0) return
    const experiment = await experiments.requireRow(headers.experimentId)
    const owner = {
      experimentId: experiment.experimentId,
      artifactLocation: (traceId: string) => artifactLocationOf(experiment, traceId),
    }
    const byTrace = groupBy<IncomingSpan>(spans, ({ traceId }) => traceId)
    const nowMs = clock.now()
    await write([...byTrace.values()].map((own) => deriveTrace(own, owner, nowMs)))
  }

  return { exportSpans }
}
