// Traces of a JavaScript application by plain OpenTelemetry: OTLP over HTTP is all that the server asks for.
//   npm install @opentelemetry/api @opentelemetry/resources @opentelemetry/sdk-trace-node @opentelemetry/exporter-trace-otlp-proto
import { SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

const server = process.env.MLFLOW_TRACKING_URI ?? 'http://127.0.0.1:5000'
const exporter = new OTLPTraceExporter({
  url: `${server}/v1/traces`,
  // The id of the experiment; 0 is the default one. x-mlflow-run-id would link the traces to a run.
  headers: { 'x-mlflow-experiment-id': process.env.MLFLOW_EXPERIMENT_ID ?? '0' },
})
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'shop' }),
  spanProcessors: [new BatchSpanProcessor(exporter)],
})
provider.register()
const tracer = trace.getTracer('shop')

/** Runs the work in a span, which is within the span around it. */
const traced = (name, attributes, work) =>
  tracer.startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await work(span)
    } catch (error) {
      span.recordException(error)
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message })
      throw error
    } finally {
      span.end()
    }
  })

// Attributes of the conventions for generative AI become MLflow's types of spans, tokens and costs.
const chat = (question) =>
  traced(
    'chat',
    {
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'gpt-4o-mini',
      'mlflow.spanInputs': JSON.stringify(question),
    },
    (span) => {
      span.setAttributes({ 'gen_ai.usage.input_tokens': 60, 'gen_ai.usage.output_tokens': 8 })
      span.setAttribute('mlflow.spanOutputs', JSON.stringify('Copper melts at 1085 °C.'))
      return 'Copper melts at 1085 °C.'
    },
  )

const id = await traced('answer', { 'session.id': 'a visit', 'user.id': 'ann' }, async (span) => {
  console.log(await chat('When does copper melt?'))
  return span.spanContext().traceId
})
await provider.shutdown()

const answer = await fetch(`${server}/api/3.0/mlflow/traces/get?trace_id=tr-${id}`)
const { trace: stored } = await answer.json()
const { state, trace_metadata: metadata } = stored.trace_info
console.log(
  `${state}, session ${metadata['mlflow.trace.session']}, tokens ${metadata['mlflow.trace.tokenUsage']}`,
)
console.log(`spans: ${stored.spans.map(({ name }) => name).join(', ')}`)
