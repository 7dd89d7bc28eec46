// A stock server on a file of SQLite whose place is known, as the source of moves.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runClient } from '../python/client.ts'
import { type HttpAnswer, sendHttp } from '../support/http.ts'
import { answers, freePort, startChild } from '../support/services/child.ts'
import { useService } from '../support/services.ts'

const ENVIRONMENT = {
  MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
  MLFLOW_TRACKING_URI: '',
  MLFLOW_DISABLE_TELEMETRY: 'true',
  MLFLOW_MODEL_CATALOG_URI: '',
}

export interface StockSource {
  url: string
  /** Its database file. */
  file: string
  /** Its backend store URI. */
  uri: string
  artifacts: string
  request: (method: string, path: string, body?: unknown) => Promise<HttpAnswer>
  stop: () => Promise<void>
}

export const SEED = join(import.meta.dirname, 'seed.py')
export const SEED_GENAI = join(import.meta.dirname, '../browser/seed_genai.py')

/**
 * Starts the server and fills it by the programs, each with its arguments.
 * @param backend another store than its file of SQLite
 * @param program another one than stock MLflow
 */
export async function startStockSource(
  programs: readonly (readonly string[])[],
  backend?: string,
  program?: readonly string[],
): Promise<StockSource> {
  const stock = program ?? [(await useService('python')).command, '-m', 'mlflow']
  const folder = await mkdtemp(join(tmpdir(), 'crateflow-source-'))
  const port = await freePort()
  const [file, artifacts] = [join(folder, 'mlflow.db'), join(folder, 'artifacts')]
  const url = `http://127.0.0.1:${port}`
  const child = await startChild({
    command: [
      ...[...stock, 'server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1'],
      ...[
        '--backend-store-uri',
        backend ?? `sqlite:///${file}`,
        '--artifacts-destination',
        artifacts,
        '--serve-artifacts',
      ],
    ],
    logFile: join(folder, 'stock.log'),
    cwd: folder,
    env: { ...process.env, ...ENVIRONMENT },
    ready: () => answers(`${url}/health`),
  })
  const stop = async () => {
    await child.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    for (const one of programs) await runClient(url, one, { GIT_PYTHON_REFRESH: 'quiet' })
  } catch (error) {
    await stop()
    throw error
  }
  const request: StockSource['request'] = (method, path, body) => sendHttp(url, method, path, body)
  return { url, file, uri: `sqlite:///${file}`, artifacts, request, stop }
}
