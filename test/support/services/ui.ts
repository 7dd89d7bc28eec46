// The stock web UI, installed once per machine below .cache by our own installer.
import { join } from 'node:path'
import { MLFLOW_VERSION } from '../../../src/platform/http/health.ts'
import { installedUi } from '../../../src/web/ui/folder.ts'
import { installUi } from '../../../src/web/ui/install.ts'
import { alreadyRunning, type Candidate, type Found, firstOf } from './service.ts'

const FOLDER = join(import.meta.dirname, '../../../.cache/ui', MLFLOW_VERSION)
/** pip tries an index that it does not reach for a while. */
const PATIENCE_MS = 120_000

export interface Ui {
  /** For --ui-dir. */
  folder: string
}

/** What an earlier run has installed, else what pip fetches. */
export const findUi = (): Promise<Found<Ui>> => firstOf(installed, fromPip)

async function installed(): Promise<Candidate<Ui> | string> {
  const ui = await installedUi(FOLDER, MLFLOW_VERSION)
  return ui ? alreadyRunning('.cache/ui', { folder: ui.path }) : 'no .cache/ui'
}

async function fromPip(): Promise<Candidate<Ui> | string> {
  try {
    const { ui } = await installUi({
      version: MLFLOW_VERSION,
      speaks: MLFLOW_VERSION,
      folder: FOLDER,
      signal: AbortSignal.timeout(PATIENCE_MS),
      progress: () => {},
    })
    return alreadyRunning('pip', { folder: ui.path })
  } catch (error) {
    return (error as Error).message
  }
}
