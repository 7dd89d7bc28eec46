// Where requests of commands go that work through a running server, or in a store that none has open.
import { type ClientConfig, ClientConfigSchema } from '../client-config.ts'
import {
  ArtifactConfigSchema,
  type Environment,
  type Flags,
  readConfig,
  ServerConfigSchema,
  silenceAwsSdk,
} from '../config.ts'
import { requireMigrated } from '../platform/database/migrate.ts'
import { askServer, RefusedRequest, type ServerRequest } from './client.ts'
import { layoutOf } from './database.ts'
import { withDatabase } from './db.ts'
import { asUsage } from './errors.ts'

/** Sends one request and answers what came back. @throws RefusedRequest with the server's text */
export type Ask = <Answer>(request: ServerRequest) => Promise<Answer>

export interface Where {
  /** Of `GcConfigSchema`. */
  flags: Flags
  env: Environment
}

/** A server closes a connection on which nothing moves for so long; a step with very many files may take minutes. */
const TIMEOUT_MS = 300_000

/** Runs a command with a server to ask, or with an app on the store that listens nowhere and ends with the command. */
export function withAsk(where: Where, run: (ask: Ask) => Promise<number>): Promise<number> {
  const config = clientConfig(where)
  if (config) return run((request) => askServer(config, { timeoutMs: TIMEOUT_MS, ...request }))
  return inStore(where, run)
}

/**
 * The server to ask; undefined for a store of its own. A store that is named by an option goes before all else, then a server that is
 * named, then a store that the environment names.
 */
function clientConfig({ flags, env }: Where): ClientConfig | undefined {
  const isServerNamed = flags.trackingUri !== undefined || Boolean(env.MLFLOW_TRACKING_URI)
  if (flags.backendStoreUri !== undefined) return undefined
  if (!isServerNamed && env.MLFLOW_BACKEND_STORE_URI) return undefined
  return asUsage(() => readConfig(ClientConfigSchema, flags, env))
}

function inStore({ flags, env }: Where, run: (ask: Ask) => Promise<number>): Promise<number> {
  const config = asUsage(() => readConfig(ServerConfigSchema, flags, env))
  const artifacts = asUsage(() => readConfig(ArtifactConfigSchema, {}, env))
  silenceAwsSdk()
  return withDatabase(flags, env, async ({ engine }) => {
    await requireMigrated(engine, layoutOf(config))
    const { buildApp } = await import('../app.ts')
    const { storageDeps } = await import('./storage.ts')
    const storage = await storageDeps({ ...config, artifactsOnly: false }, artifacts)
    const app = await buildApp({ engine, ...storage })
    try {
      return await run(async ({ method, path, body }) => {
        const response = await app.inject({
          method,
          url: `/${path}`,
          ...(body !== undefined && { payload: body as object }),
        })
        const answer = JSON.parse(response.body)
        if (response.statusCode === 200) return answer
        throw new RefusedRequest(answer.message, answer.error_code)
      })
    } finally {
      await app.close()
    }
  })
}
