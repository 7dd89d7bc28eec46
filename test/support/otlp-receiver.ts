// A receiver of OpenTelemetry's traces: an HTTP server that keeps the spans that protobuf brings.
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fromBinary } from '@bufbuild/protobuf'
import { ExportTraceServiceRequestSchema } from '../../src/genai/traces/otlp-trace-service.pb.ts'

export interface ReceivedSpan {
  name: string
  /** Ids are hex digits, empty for none. */
  traceId: string
  spanId: string
  parentSpanId: string
  kind: 'INTERNAL' | 'SERVER' | 'CLIENT'
  status: 'UNSET' | 'OK' | 'ERROR'
  attributes: Record<string, unknown>
}

export interface OtlpReceiver {
  url: string
  spans: () => ReceivedSpan[]
  /** Attributes of the resource of the last export. */
  resource: () => Record<string, unknown>
  headers: () => IncomingHttpHeaders[]
  close: () => Promise<void>
}

const KINDS: readonly ReceivedSpan['kind'][] = ['INTERNAL', 'INTERNAL', 'SERVER', 'CLIENT']
const STATUSES: readonly ReceivedSpan['status'][] = ['UNSET', 'OK', 'ERROR']

interface Attribute {
  key: string
  value?: { value: { value?: unknown } }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const plain = (attributes: readonly Attribute[]) =>
  Object.fromEntries(
    attributes.map(({ key, value }) => {
      const one = value?.value.value
      return [key, typeof one === 'bigint' ? Number(one) : one]
    }),
  )

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = []
  const headers: IncomingHttpHeaders[] = []
  let resource: Record<string, unknown> = {}
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { resourceSpans } = fromBinary(ExportTraceServiceRequestSchema, Buffer.concat(chunks))
    headers.push(request.headers)
    for (const group of resourceSpans) {
      resource = plain(group.resource?.attributes ?? [])
      for (const span of group.scopeSpans.flatMap((scope) => scope.spans))
        spans.push({
          name: span.name,
          traceId: hex(span.traceId),
          spanId: hex(span.spanId),
          parentSpanId: hex(span.parentSpanId),
          kind: KINDS[span.kind] ?? 'INTERNAL',
          status: STATUSES[span.status?.code ?? 0] ?? 'UNSET',
          attributes: plain(span.attributes),
        })
    }
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => spans,
    resource: () => resource,
    headers: () => headers,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
