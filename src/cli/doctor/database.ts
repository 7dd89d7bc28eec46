// The database of a server: is it there, is it the one that was meant, is it well.

import { createStoreOpener } from '../../artifacts/stores/open-store.ts'
import type { ServerConfig } from '../../config.ts'
import { MlflowError, reasonOf } from '../../errors.ts'
import { COMMAND } from '../../package.ts'
import { describeHttpPort, diagnose } from '../../platform/database/diagnosis.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { migrationStatus } from '../../platform/database/migrate.ts'
import { holdsDatabase } from '../../platform/database/pglite-folder.mjs'
import {
  type BackendTarget,
  describeTarget,
  parseBackendUri,
  type ServerTarget,
} from '../../platform/database/uri.ts'
import { explained, layoutOf, openEngineAt, untilAvailable } from '../database.ts'
import { duration } from '../humane.ts'
import { createLog } from '../log.ts'
import { failure, ok, type Tell, warning } from './finding.ts'

const SUBJECT = 'Database'
/** Clocks that differ by more mix up the times of runs and their order, in milliseconds. */
const CLOCK_MS = 2_000

/** Looks at the database and changes nothing: where there is no store yet, none is made. */
export async function checkDatabase(config: ServerConfig, tell: Tell): Promise<void> {
  if (config.artifactsOnly) return tell(ok(SUBJECT, 'none is opened with --artifacts-only'))
  let target: BackendTarget
  try {
    target = parseBackendUri(config.backendStoreUri)
  } catch (error) {
    return tell(failure(SUBJECT, reasonOf(error), 'Correct --backend-store-uri or MLFLOW_BACKEND_STORE_URI.'))
  }
  if (target.engine === 'pglite') return checkEmbedded(target.folder, { config, target }, tell)
  const answering: ServerTarget['hosts'] = []
  for (const host of target.hosts) {
    const alone = { ...target, hosts: [host] }
    if (await checkHost(alone, { config, isOnly: target.hosts.length === 1 }, tell)) answering.push(host)
  }
  if (answering.length > 0) await examine({ ...target, hosts: answering }, config, tell)
  else if (target.hosts.length > 1) tell(failure(SUBJECT, 'none of the hosts answers'))
}

interface Embedded {
  config: ServerConfig
  target: BackendTarget
}

async function checkEmbedded(folder: string, { config, target }: Embedded, tell: Tell): Promise<void> {
  if (folder === '') {
    const advice = 'To keep it, name a folder: pglite:./crateflow-data/store.'
    return tell(warning(SUBJECT, 'the store is in memory and ends with the server.', advice))
  }
  if (holdsDatabase(folder)) return examine(target, config, tell)
  try {
    await createStoreOpener({})(folder).check()
    tell(ok(SUBJECT, `there is no store in ${folder} yet; the first start makes it`))
  } catch (error) {
    tell(failure(SUBJECT, reasonOf(error), 'Name another folder: --backend-store-uri pglite:<folder>'))
  }
}

/** Whether the host answers as it should; of one of several that does not, the others may do its work. */
async function checkHost(
  target: ServerTarget,
  { config, isOnly }: { config: ServerConfig; isOnly: boolean },
  tell: Tell,
): Promise<boolean> {
  try {
    await withEngine(target, config, async () => {})
    return true
  } catch (error) {
    const [host = { host: '', port: 0 }] = target.hosts
    const found = isOnly ? failure : warning
    const http = await describeHttpPort(host)
    const advice =
      'Is it running, and reachable from here? Correct --backend-store-uri or MLFLOW_BACKEND_STORE_URI.'
    if (http)
      tell(found(SUBJECT, http, 'Correct the port in --backend-store-uri or MLFLOW_BACKEND_STORE_URI.'))
    else tell(found(SUBJECT, reasonOf(error), error instanceof Error && error.cause ? advice : undefined))
    return false
  }
}

/** Runs `work` on the engine once its database answered, which is asked once. */
async function withEngine(
  target: BackendTarget,
  config: ServerConfig,
  work: (engine: Engine) => Promise<void>,
): Promise<void> {
  const log = createLog({ level: 'fatal', format: 'json' })
  const engine = await openEngineAt(target, { ...config, dbPoolSize: 1 })
  try {
    await untilAvailable(engine, { config: { ...config, dbWaitSeconds: 0 }, target, log })
    await work(engine)
  } catch (error) {
    throw explained(error, target)
  } finally {
    await engine.close()
  }
}

async function examine(target: BackendTarget, config: ServerConfig, tell: Tell): Promise<void> {
  try {
    await withEngine(target, config, async (engine) => {
      const { version, answerMs, clockAheadMs, findings } = await diagnose(engine)
      tell(ok(SUBJECT, `${version} at ${describeTarget(target)} answers in ${duration(answerMs)}`))
      await checkSchema(engine, config, tell)
      if (target.engine !== 'pglite') tell(clockFinding(clockAheadMs, answerMs))
      tell(...findings)
    })
  } catch (error) {
    const isInUse =
      target.engine === 'pglite' && error instanceof MlflowError && error.code === 'INVALID_STATE'
    if (!isInUse) return tell(failure(SUBJECT, reasonOf(error)))
    const advice = `Only one process can have it. If that is a server, ask it: ${COMMAND} doctor --tracking-uri <its URL>`
    tell(warning(SUBJECT, reasonOf(error), advice))
  }
}

async function checkSchema(engine: Engine, config: ServerConfig, tell: Tell): Promise<void> {
  const subject = 'Schema'
  try {
    const states = await migrationStatus(engine, layoutOf(config))
    const last = states.at(-1)?.version ?? 0
    const pending = states.filter(({ appliedAtMs }) => appliedAtMs === undefined)
    if (pending.length === 0) return tell(ok(subject, `${engine.schema} has version ${last}, the newest`))
    const text =
      pending.length === states.length
        ? `${engine.schema} has no tables yet`
        : `${engine.schema} lacks ${pending.length} of ${states.length} migrations`
    if (config.migrate) tell(ok(subject, `${text}; the next start of a server makes them`))
    else tell(failure(subject, `${text}, and --no-migrate is set.`, `Run: ${COMMAND} db migrate`))
  } catch (error) {
    tell(failure(subject, reasonOf(error), 'Start the program that made it, or a newer one.'))
  }
}

/** The answer may have been on its way for all of its time, or for none. */
function clockFinding(aheadMs: number, answerMs: number) {
  const subject = 'Clock'
  const text = `that of the database is ${duration(Math.abs(aheadMs))} ${aheadMs < 0 ? 'behind' : 'ahead'}`
  if (Math.abs(aheadMs) < CLOCK_MS + answerMs / 2) return ok(subject, text)
  return warning(subject, `${text}.`, 'Let both machines keep time by NTP.')
}
