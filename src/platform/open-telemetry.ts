// Traces of requests to this server, sent by OpenTelemetry's SDK, which reads its own variables. Loaded by servers that send some.
import { randomUUID } from 'node:crypto'
import {
  DiagLogLevel,
  defaultTextMapGetter,
  diag,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { reasonOf } from '../errors.ts'
import type { OpenSpan, Tracing } from './active-span.ts'
import { redactPasswords } from './wire/redact.ts'

export interface TracingOptions {
  /** Of this program. */
  version: string
  /** What goes wrong is told once in a while. */
  warn(text: string): void
}

const KINDS = { client: SpanKind.CLIENT, internal: SpanKind.INTERNAL }
const LINE_EVERY_MS = 60_000
/** How long the end of the process waits for spans to be taken. */
const CLOSE_MS = 1_000
const MAX_REASON = 200

/** Spans are sent in batches, a few seconds after they ended; what nobody takes is dropped, and holds up nothing. */
export function openTracing({ version, warn }: TracingOptions): Tracing {
  tellOfFailures(warn)
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(
        resourceFromAttributes({
          'service.name': 'crateflow',
          'service.version': version,
          'service.instance.id': randomUUID(),
        }),
      )
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  })
  const tracer = provider.getTracer('crateflow', version)
  const propagator = new W3CTraceContextPropagator()

  return {
    beginRequest({ name, attributes, headers }) {
      const parent = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter)
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent)
      if (!span.isRecording()) return undefined
      const context = trace.setSpan(parent, span)
      return {
        ...openSpan(span),
        begin: (below, kind, about) =>
          span.isRecording()
            ? openSpan(tracer.startSpan(below, { kind: KINDS[kind], attributes: about }, context))
            : undefined,
      }
    },
    async close() {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_MS)
      })
      await Promise.race([provider.shutdown().catch(() => {}), late])
      clearTimeout(timer)
    },
  }
}

const openSpan = (span: Span): OpenSpan => ({
  end(failure, attributes = {}) {
    if (!span.isRecording()) return
    span.setAttributes(attributes)
    if (failure !== undefined)
      span.setAttribute('error.type', failure).setStatus({ code: SpanStatusCode.ERROR })
    span.end()
  },
})

/** What would break the line or do things to a terminal. */
const printable = (text: string): string => text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')

/** What the receiver says of its refusal, behind the name of the status: the text of its body, which the exporter keeps, or all texts of its JSON. */
function refusalOf(error: unknown): string {
  const { data } = Object(error) as { data?: unknown }
  if (typeof data !== 'string' || data === '') return ''
  const texts: string[] = []
  const gather = (_key: string, value: unknown) => {
    if (typeof value === 'string') texts.push(value)
    return value
  }
  try {
    JSON.parse(data, gather)
  } catch {
    texts.push(data)
  }
  return `: ${texts.join(' ').trim()}`
}

/** A dead receiver makes a line a minute. */
function tellOfFailures(warn: (text: string) => void): void {
  let [failures, toldAt] = [0, Number.NEGATIVE_INFINITY]
  const note = (error: unknown) => {
    failures++
    if (performance.now() - toldAt < LINE_EVERY_MS) return
    const reason = printable(redactPasswords(reasonOf(error) + refusalOf(error))).slice(0, MAX_REASON)
    warn(`Traces of requests were not sent${failures > 1 ? `, ${failures} times` : ''}: ${reason}`)
    failures = 0
    toldAt = performance.now()
  }
  setGlobalErrorHandler(note)
  const quiet = () => {}
  diag.setLogger(
    { error: note, warn: note, info: quiet, debug: quiet, verbose: quiet },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
}
