// What load balancers, clients and the web UI ask about the server itself.
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { reasonOf } from '../../errors.ts'
import { type Endpoint, endpoint } from './route.ts'

/** The MLflow version whose REST API this server speaks. Clients compare it with their own. */
export const MLFLOW_VERSION = '3.17.2'

/** @see mlflow/server/handlers.py build_server_info_payload */
export const ServerInfoWire = z
  .object({
    store_type: z.string().nullable().describe('SqlStore: the store keeps what needs a database'),
    workspaces_enabled: z.boolean(),
    trace_archival_enabled: z.boolean(),
    multipart_uploads_enabled: z.boolean(),
    multipart_downloads_enabled: z.boolean(),
    presigned_upload_run_id_supported: z.boolean(),
    presigned_upload_model_id_supported: z.boolean(),
    features_enabled: z.object({ gateway: z.boolean() }),
  })
  .meta({ id: 'ServerInfo' })

export interface HealthDeps {
  /** Answers when the database does. @throws while it is away, or when the signal aborts */
  ping: (signal: AbortSignal) => Promise<void>
  /** Whether artifacts are served from a store that takes uploads in parts and signs downloads. */
  multipart: { uploads: boolean; downloads: boolean }
}

const TextWire = z.string().meta({ id: 'PlainText' })
/** Stock's type of it, too. */
const VersionWire = z.string().meta({ id: 'Version' })
const ReadyWire = z
  .object({ status: z.enum(['ready', 'unavailable']), message: z.string().optional() })
  .meta({ id: 'Ready' })

/** Milliseconds after which a database that does not answer counts as away. */
const PING_TIMEOUT_MS = 3_000

const plain = (reply: FastifyReply, text: string, type: string) =>
  reply.type(`${type}; charset=utf-8`).send(text)

/** `/health`, `/version`, `/ready` and `server-info`. None of them needs a login. */
export function healthEndpoints(deps: HealthDeps): Endpoint[] {
  const common = { method: 'GET', prefixes: [''], tag: 'server' } as const
  return [
    endpoint({
      ...common,
      path: '/health',
      summary: 'The process answers',
      response: TextWire,
      handle: async (_input, _request, reply) => plain(reply, 'OK', 'text/plain'),
    }),
    endpoint({
      ...common,
      path: '/version',
      summary: 'The MLflow version whose API is served',
      response: VersionWire,
      handle: async (_input, _request, reply) => plain(reply, MLFLOW_VERSION, 'text/html'),
    }),
    endpoint({
      ...common,
      path: '/ready',
      summary: 'The database answers: 200, else 503',
      response: ReadyWire,
      handle: async (_input, request, reply) => {
        try {
          await within(PING_TIMEOUT_MS, deps.ping)
          return { status: 'ready' }
        } catch (error) {
          request.log.warn({ reason: reasonOf(error) }, 'The database does not answer')
          reply.code(503)
          return { status: 'unavailable', message: unreadyText(error) }
        }
      },
    }),
    endpoint({
      method: 'GET',
      path: '/3.0/mlflow/server-info',
      tag: 'server',
      summary: 'What this server can do',
      response: ServerInfoWire,
      handle: async () => serverInfo(deps),
    }),
  ]
}

/** Told without a login: no secrets, no addresses. */
const serverInfo = ({ multipart }: HealthDeps): z.output<typeof ServerInfoWire> => ({
  store_type: 'SqlStore',
  workspaces_enabled: false,
  trace_archival_enabled: false,
  multipart_uploads_enabled: multipart.uploads,
  multipart_downloads_enabled: multipart.downloads,
  presigned_upload_run_id_supported: true,
  presigned_upload_model_id_supported: true,
  features_enabled: { gateway: false },
})

class NoAnswerError extends Error {}

const unreadyText = (error: unknown): string =>
  error instanceof NoAnswerError
    ? `The database is busy or hangs: it did not answer within ${PING_TIMEOUT_MS / 1000} s.`
    : 'The database is not available.'

/** @throws NoAnswerError when there is no answer in time */
async function within(milliseconds: number, ping: HealthDeps['ping']): Promise<void> {
  const timer = new AbortController()
  const late = sleep(milliseconds, undefined, { signal: timer.signal, ref: false }).then(() => {
    throw new NoAnswerError(`No answer within ${milliseconds} ms`)
  })
  const question = new AbortController()
  try {
    await Promise.race([ping(question.signal), late])
  } finally {
    timer.abort()
    // Probes shall not pile up behind what holds up the database.
    question.abort()
  }
}
