// Opens the database of a command, and waits for one that is not up yet.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { DatabaseConfig, ServerConfig } from '../config.ts'
import { MlflowError, reasonOf } from '../errors.ts'
import type { Engine } from '../platform/database/engine.ts'
import type { TableLayout } from '../platform/database/migrate.ts'
import { openEngine } from '../platform/database/open-engine.ts'
import { describeOtherServer, describeRefusal, hintFor } from '../platform/database/refusals.ts'
import { type BackendTarget, describeTarget } from '../platform/database/uri.ts'
import { UsageError } from './errors.ts'

export interface WaitOptions {
  config: DatabaseConfig
  target: BackendTarget
  log: Logger
  /** Ends the wait. */
  signal?: AbortSignal
}

const LONGEST_PAUSE_MS = 2_000
const LINE_EVERY_MS = 10_000

/** How tables are laid out when they are created, and whether views are. */
export const layoutOf = (config: DatabaseConfig): TableLayout => ({
  shards: config.cratedbShards,
  replicas: config.cratedbReplicas,
  views: config.sqlViews === 'on',
})

/** Opens the engine as configured, without a word to its database; the embedded one begins to start. */
export function openEngineAt(
  target: BackendTarget,
  config: DatabaseConfig & Partial<Pick<ServerConfig, 'statementTimeoutSeconds'>>,
): Promise<Engine> {
  const { dbPoolSize, embeddedSync, statementTimeoutSeconds: seconds } = config
  return openEngine(target, {
    maxConnections: dbPoolSize,
    embeddedSync: embeddedSync === 'on',
    ...(seconds !== undefined && { statementTimeoutMs: seconds * 1000 }),
  })
}

/** The error of a command on the database, in words that say what to do where there are some. */
export function explained(error: unknown, target: BackendTarget): unknown {
  const refusal = describeRefusal(error, target)
  return refusal === undefined ? error : new UsageError(refusal)
}

/**
 * Runs `attempt` once the engine's database answers, and again while it is away, for `dbWaitSeconds` at most: where everything
 * starts at once, the database is often the last to be ready.
 * @throws what the driver said when it is still away then, or at once when it refuses us
 */
export async function untilAvailable(
  engine: Engine,
  options: WaitOptions,
  attempt: () => Promise<void> = async () => {},
): Promise<void> {
  const { config, target, log, signal } = options
  const deadline = Date.now() + config.dbWaitSeconds * 1000
  let pause = 125
  let nextLine = 0
  for (;;) {
    try {
      const other = await describeOtherServer(engine, target)
      if (other !== undefined) throw new UsageError(other)
      await engine.ping()
      return await attempt()
    } catch (error) {
      const told = explained(error, target)
      if (told !== error) throw told
      const left = deadline - Date.now()
      const isAway = error instanceof MlflowError && error.code === 'TEMPORARILY_UNAVAILABLE'
      if (!isAway) throw error
      const place = describeTarget(target)
      const reason = reasonOf(error) + hintFor(reasonOf(error))
      if (left <= 0) throw new Error(`The database ${place} does not answer: ${reason}`, { cause: error })
      if (Date.now() >= nextLine) {
        log.warn(`Waiting for the database ${place}, ${Math.ceil(left / 1000)} s more: ${reason}`)
        nextLine = Date.now() + LINE_EVERY_MS
      }
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
      await sleep(Math.min(pause, left), undefined, { signal })
    }
  }
}
