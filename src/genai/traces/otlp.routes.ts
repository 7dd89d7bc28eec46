// OTLP/HTTP: where exporters of OpenTelemetry send spans.
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import type { TraceIngest } from './ingest.service.ts'
import { OtlpRefusal } from './otlp-request.ts'

const EXPERIMENT_HEADER = 'x-mlflow-experiment-id'
const RUN_HEADER = 'x-mlflow-run-id'

/** FastAPI's error for a header that is missing. */
const NO_EXPERIMENT = {
  detail: [{ type: 'missing', loc: ['header', EXPERIMENT_HEADER], msg: 'Field required', input: null }],
}

export const otlpEndpoints = (ingest: TraceIngest): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: '/v1/traces',
    prefixes: [''],
    tag: 'traces',
    summary: `Spans of OpenTelemetry (OTLP/HTTP, protobuf or JSON) for the experiment in the header ${EXPERIMENT_HEADER}; ${RUN_HEADER} links their traces to a run`,
    readsBytes: true,
    response: z.string().describe('An empty ExportTraceServiceResponse'),
    refusal: z.object({ detail: z.union([z.string(), z.array(z.looseObject({}))]) }),
    handle: (_input, request, reply) => exportSpans(ingest, request, reply),
  }),
]

async function exportSpans(ingest: TraceIngest, request: FastifyRequest, reply: FastifyReply) {
  const { headers } = request
  const experimentId = headers[EXPERIMENT_HEADER]
  if (typeof experimentId !== 'string') return reply.code(422).send(NO_EXPERIMENT)
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  try {
    await ingest.exportSpans(body, {
      experimentId,
      runId: [headers[RUN_HEADER]].flat()[0],
      contentType: headers['content-type'],
      contentEncoding: headers['content-encoding'],
    })
  } catch (error) {
    if (!(error instanceof OtlpRefusal)) throw error
    return reply.code(error.status).send({ detail: error.message })
  }
  return reply.type('application/x-protobuf').send('')
}
