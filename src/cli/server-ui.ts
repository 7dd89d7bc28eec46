// The web UI of `crateflow server`: a folder that is given, or one that is fetched while the server runs already.
import type { Logger } from 'pino'
import type { Environment, ServerConfig } from '../config.ts'
import { reasonOf } from '../errors.ts'
import { MLFLOW_VERSION } from '../platform/http/health.ts'
import { redactPasswords } from '../platform/wire/redact.ts'
import { UiError } from '../web/ui/errors.ts'
import { cacheFolder, openUiFolder } from '../web/ui/folder.ts'
import { HOW_TO_GET_UI } from '../web/ui/pages.ts'
import { awaitedUi, fixedUi, type UiSource } from '../web/ui/source.ts'
import { UsageError } from './errors.ts'

export interface ServerUi {
  source: UiSource
  /** Fetches what is missing; resolves when that is over, at once when nothing is. @returns why it failed */
  fetchMissing: () => Promise<string | undefined>
}

export interface ServerUiOptions {
  config: ServerConfig
  env: Environment
  log: Logger
  /** Ends the fetching. */
  signal: AbortSignal
  /** Of a worker: why its primary process could not fetch the UI. Workers fetch nothing. */
  failure?: () => string | undefined
}

/**
 * Finds the UI that the settings ask for.
 * @throws UsageError when --ui-dir names no folder with a UI for this server
 */
export async function openServerUi(options: ServerUiOptions): Promise<ServerUi> {
  const { config, env } = options
  if (config.uiDir !== undefined) {
    const folder = await openUiFolder(config.uiDir, MLFLOW_VERSION).catch((error: unknown) => {
      throw error instanceof UiError ? new UsageError(`--ui-dir: ${error.message}`) : error
    })
    return { source: fixedUi(folder), fetchMissing: async () => undefined }
  }
  let reason: string | undefined
  const path = cacheFolder(MLFLOW_VERSION, env)
  const source = awaitedUi(path, MLFLOW_VERSION, options.failure ?? (() => reason))
  const isMissing = (await source.current()).kind !== 'ready'
  return {
    source,
    async fetchMissing() {
      if (isMissing && !options.failure) reason = await fetchUi(path, options)
      return reason
    },
  }
}

/** @returns why it failed; undefined when it did not, or when the server stops */
async function fetchUi(path: string, { config, log, signal }: ServerUiOptions): Promise<string | undefined> {
  const started = Date.now()
  try {
    const { installUi } = await import('../web/ui/install.ts')
    await installUi({
      version: MLFLOW_VERSION,
      speaks: MLFLOW_VERSION,
      folder: path,
      python: config.python,
      signal,
      progress: (step) => log.info(`Web UI: ${step}`),
    })
    log.info(`Web UI: ready after ${Math.round((Date.now() - started) / 1000)} s, in ${path}`)
    return undefined
  } catch (error) {
    if (signal.aborted) return undefined
    const reason = redactPasswords(reasonOf(error))
    log.warn(`Web UI: ${reason} ${HOW_TO_GET_UI} The API works without it; --no-ui ends this warning.`)
    return reason
  }
}
