// Exports spans by OpenTelemetry's JavaScript SDK, with ids and times that are the same whenever it runs. Prints the ids of the traces.
import { context as contexts, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

const [experiment, run] = process.argv.slice(2)
const url = `${process.env.MLFLOW_TRACKING_URI}/v1/traces`
const START_S = 1_700_000_000
let count = 0

/** So many nanoseconds after the start. */
const at = (nanoseconds) => [START_S, nanoseconds]
const counted = (first, digits) => () => first + String(++count).padStart(digits - first.length, '0')
const idGenerator = { generateTraceId: counted('8', 32), generateSpanId: counted('8', 16) }

function spans(tracer, before) {
  const links = before ? [{ context: before, attributes: { why: 'asked before' } }] : []
  const start = (name, parent, options) =>
    tracer.startSpan(name, options, parent ? trace.setSpan(contexts.active(), parent) : contexts.active())
  const root = start('request', undefined, {
    kind: SpanKind.SERVER,
    links,
    startTime: at(0),
    attributes: { 'http.route': '/buy', 'user.id': 'ann', 'session.id': 'basket' },
  })
  const agent = start('agent', root, {
    startTime: at(1_000),
    attributes: {
      yes: true,
      count: 3,
      share: 0.25,
      big: 2 ** 50,
      words: ['a', 'ü'],
      numbers: [1, 2],
      none: '',
    },
  })
  agent.addEvent('thought', { depth: 2, of: 'many' }, at(2_000))
  const chat = start('ai.generateText.doGenerate', agent, {
    kind: SpanKind.CLIENT,
    startTime: at(3_000),
    attributes: {
      'operation.name': 'ai.generateText.doGenerate',
      'ai.operationId': 'ai.generateText.doGenerate',
      'ai.model.id': 'gpt-4o-mini',
      'ai.model.provider': 'openai.chat',
      'ai.prompt.messages': JSON.stringify([
        { role: 'user', content: [{ type: 'text', text: 'Which one?' }] },
      ]),
      'ai.response.text': 'This one.',
      'gen_ai.usage.input_tokens': 1200,
      'gen_ai.usage.output_tokens': 80,
    },
  })
  chat.setStatus({ code: SpanStatusCode.OK })
  chat.end(at(4_000_000))
  const tool = start('tool', agent, { startTime: at(5_000_000) })
  const error = new Error('no money')
  error.stack = 'Error: no money\n    at pay'
  tool.recordException(error, at(6_000_000))
  tool.setStatus({ code: SpanStatusCode.ERROR, message: 'no money' })
  tool.end(at(6_000_001))
  agent.end(at(7_000_000))
  root.setStatus({ code: SpanStatusCode.ERROR, message: 'not bought' })
  root.end(at(8_123_456))
  return root.spanContext()
}

async function traced(exporter, before) {
  const provider = new NodeTracerProvider({
    idGenerator,
    resource: resourceFromAttributes({ 'service.name': 'shop', ports: [80, 443] }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  })
  const context = spans(provider.getTracer('shop', '1.0'), before)
  await provider.shutdown()
  return context
}

const headers = { 'x-mlflow-experiment-id': experiment }
const first = await traced(new ProtobufExporter({ url, headers }))
const second = await traced(
  new ProtobufExporter({ url, headers: { ...headers, 'x-mlflow-run-id': run }, compression: 'gzip' }),
  first,
)
const third = await traced(new JsonExporter({ url, headers }))
const fourth = await traced(new JsonExporter({ url, headers, compression: 'gzip' }))
const ids = {
  'in a batch': first.traceId,
  'compressed, for a run': second.traceId,
  'as JSON': third.traceId,
  'as compressed JSON': fourth.traceId,
}
console.log(JSON.stringify(ids))
