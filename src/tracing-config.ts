// The settings of traces of the server itself, by the names that OpenTelemetry gives them.
import { z } from 'zod'
import { invalidParameter } from './errors.ts'
import { flag, settings } from './settings.ts'

const operation = (env: string, help: string) =>
  z.string().optional().register(settings, { group: 'Operation', env, help })

/** What is read here, or by OpenTelemetry's SDK: that also reads OTEL_BSP_*, and OTEL_EXPORTER_OTLP_* of timeouts, compression and certificates. */
export const TracingConfigSchema = z.object({
  otlpEndpoint: operation(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'Where traces of requests to this server are sent by OTLP over HTTP, without /v1/traces (default: nowhere).',
  ),
  otlpTracesEndpoint: operation('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'The same, as the whole URL.'),
  otlpHeaders: operation(
    'OTEL_EXPORTER_OTLP_HEADERS',
    'Headers to send with traces, such as a=1,b=2; OTEL_EXPORTER_OTLP_TRACES_HEADERS likewise.',
  ),
  otlpProtocol: operation(
    'OTEL_EXPORTER_OTLP_PROTOCOL',
    'http/protobuf, which is the only one that traces are sent by; with another, none are.',
  ),
  otlpTracesProtocol: operation('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'The same, for traces alone.'),
  serviceName: operation('OTEL_SERVICE_NAME', 'What the server is called in traces (default: crateflow).'),
  resourceAttributes: operation(
    'OTEL_RESOURCE_ATTRIBUTES',
    'More of what traces tell of the server, such as deployment.environment.name=test.',
  ),
  sampler: operation(
    'OTEL_TRACES_SAMPLER',
    'Which requests are traced, such as parentbased_traceidratio (default: all, unless their client says otherwise).',
  ),
  samplerArgument: operation(
    'OTEL_TRACES_SAMPLER_ARG',
    'Share of requests for samplers by ratio, from 0 to 1.',
  ),
  tracesExporter: operation('OTEL_TRACES_EXPORTER', 'none sends no traces, whatever else is set.'),
  sdkDisabled: flag(false).register(settings, {
    group: 'Operation',
    env: 'OTEL_SDK_DISABLED',
    help: 'Send no traces, whatever else is set.',
  }),
})

export type TracingConfig = z.output<typeof TracingConfigSchema>

const SPOKEN = 'http/protobuf'

/**
 * Where traces go; a warning where they were asked for in a way that is not served, which may be meant for other programs.
 * @throws INVALID_PARAMETER_VALUE for an endpoint that is no URL
 */
export function tracingTarget(config: TracingConfig): { endpoint?: string; warning?: string } {
  const endpoint = config.otlpTracesEndpoint ?? config.otlpEndpoint
  const isOff = config.sdkDisabled || (config.tracesExporter ?? 'otlp') !== 'otlp'
  if (endpoint === undefined || isOff) return {}
  const protocol = config.otlpTracesProtocol ?? config.otlpProtocol ?? SPOKEN
  if (protocol !== SPOKEN)
    return {
      warning: `No traces are sent: OTEL_EXPORTER_OTLP_PROTOCOL asks for another protocol than ${SPOKEN}.`,
    }
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol))
    throw invalidParameter(
      `OTEL_EXPORTER_OTLP_${config.otlpTracesEndpoint === undefined ? '' : 'TRACES_'}ENDPOINT must be an http or https URL.`,
    )
  return { endpoint }
}
