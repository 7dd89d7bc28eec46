// What the web UI asks before it would send figures of its use: this server takes none and passes none on.
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { endpoint, mount } from '../../platform/http/route.ts'

const ConfigWire = z
  .object({
    disable_ui_telemetry: z.boolean(),
    disable_ui_events: z.array(z.string()),
    ui_rollout_percentage: z.number(),
  })
  .meta({ id: 'UiTelemetryConfig' })
const StatusWire = z.object({ status: z.string() }).meta({ id: 'UiTelemetryStatus' })

const common = { path: '/3.0/mlflow/ui-telemetry', prefixes: ['/ajax-api'], tag: 'server' } as const

/**
 * Answers as stock does under MLFLOW_DISABLE_TELEMETRY. What is sent all the same is not even read.
 * @see mlflow/server/handlers.py get_ui_telemetry_handler, post_ui_telemetry_handler
 */
export function registerUiTelemetry(app: FastifyInstance): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    mount(scope, [
      endpoint({
        ...common,
        method: 'GET',
        summary: 'Whether the web UI is to send figures of its use: never',
        response: ConfigWire,
        handle: async () => ({ disable_ui_telemetry: true, disable_ui_events: [], ui_rollout_percentage: 0 }),
      }),
      endpoint({
        ...common,
        method: 'POST',
        summary: 'Take no figures of the use of the web UI',
        response: StatusWire,
        handle: async () => ({ status: 'disabled' }),
      }),
    ])
  })
}
