// Opens the sending of traces for a server whose settings ask for it.
import type { Logger } from 'pino'
import { packageVersion } from '../package.ts'
import type { Tracing } from '../platform/active-span.ts'

/** How long the process may go on for the sake of spans that nobody takes: the exporter tries again for ten seconds. */
const LINGER_MS = 300

/** Loaded when wanted: all of OpenTelemetry costs a start some 40 ms. */
export async function openServerTracing(
  endpoint: string | undefined,
  log: Logger,
): Promise<Tracing | undefined> {
  if (endpoint === undefined) return undefined
  log.info(`Traces of requests go to ${new URL(endpoint).origin}`)
  const { openTracing } = await import('../platform/open-telemetry.ts')
  const tracing = openTracing({ version: packageVersion(), warn: (text) => log.warn(text) })
  return {
    ...tracing,
    async close() {
      await tracing.close()
      setTimeout(() => process.exit(), LINGER_MS).unref()
    },
  }
}
