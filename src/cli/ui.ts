// `crateflow ui install`: fetches the stock web UI before a server needs it.

import { type Environment, type Flags, readConfig, UiConfigSchema } from '../config.ts'
import { COMMAND } from '../package.ts'
import { MLFLOW_VERSION } from '../platform/http/health.ts'
import { UiError } from '../web/ui/errors.ts'
import { cacheFolder, requireSpoken } from '../web/ui/folder.ts'
import { installUi } from '../web/ui/install.ts'
import { asUsage, EXIT, UsageError } from './errors.ts'
import { print } from './print.ts'
import { listenForStop } from './signals.ts'

export interface InstallArguments {
  flags: Flags
  env: Environment
  /** Undefined for the version that the server speaks. */
  version: string | undefined
  force: boolean
}

/**
 * Installs the UI and tells where it is.
 * @returns the exit code
 * @throws UsageError for a version that this server does not speak, UiError when the UI cannot be had
 */
export async function installWebUi({ flags, env, version = MLFLOW_VERSION, force }: InstallArguments) {
  const { uiDir, python } = asUsage(() => readConfig(UiConfigSchema, flags, env))
  try {
    requireSpoken(version, MLFLOW_VERSION)
  } catch (error) {
    throw error instanceof UiError ? new UsageError(error.message) : error
  }
  const stop = listenForStop()
  try {
    const { ui, isNew } = await installUi({
      version,
      speaks: MLFLOW_VERSION,
      folder: uiDir ?? cacheFolder(version, env),
      force,
      python,
      signal: stop.signal,
      progress: (step) => print(`Web UI: ${step}`),
    })
    print(`The web UI of MLflow ${version} is ${isNew ? '' : 'already '}in ${ui.path}`)
    if (ui.path !== cacheFolder(MLFLOW_VERSION, env)) {
      print(`Serve it with: ${COMMAND} server --ui-dir ${ui.path}`)
    }
    return EXIT.ok
  } catch (error) {
    if (!stop.signal.aborted) throw error
    print('Stopped. Nothing was installed.')
    return EXIT.failure
  } finally {
    stop.release()
  }
}
