// Starts stock MLflow's server, the reference of the differential tests.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { answers, freePort, startChild } from './child.ts'
import type { Python } from './python.ts'
import { alreadyRunning, type Found, type Started } from './service.ts'

export interface Stock {
  url: string
}

// Experiment ids of one digit could not be told from other numbers in the texts of answers.
const RESERVE_IDS = `import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("INSERT INTO experiments (experiment_id, name, lifecycle_stage) VALUES (700000, 'reserved', 'deleted')")`

/** Telemetry also races with the start: its thread changes the environment while that is copied. Prices of models are those of the package. */
const ENVIRONMENT = {
  MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
  MLFLOW_TRACKING_URI: '',
  MLFLOW_DISABLE_TELEMETRY: 'true',
  MLFLOW_MODEL_CATALOG_URI: '',
}

/** STOCK_MLFLOW_URL, else a server of `python`'s MLflow on SQLite in a temporary folder. */
export function findStock(python: Found<Python>): Found<Stock> {
  const url = process.env.STOCK_MLFLOW_URL
  if (url) return { candidate: alreadyRunning('STOCK_MLFLOW_URL', { url }), missing: '' }
  // It takes seconds to start: npm run test:quick leaves comparisons with it to npm test.
  if (process.env.TEST_STOCK === 'off') return { missing: 'TEST_STOCK=off' }
  const found = python.candidate
  if (!found) return { missing: python.missing }
  return {
    candidate: { how: found.how, start: async () => startStock((await found.start()).value.command) },
    missing: '',
  }
}

async function startStock(python: string): Promise<Started<Stock>> {
  const folder = await mkdtemp(join(tmpdir(), 'crateflow-stock-'))
  const port = await freePort()
  const child = await startChild({
    command: [
      ...[python, '-m', 'mlflow', 'server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1'],
      ...['--backend-store-uri', `sqlite:///${join(folder, 'mlflow.db')}`],
      ...['--artifacts-destination', join(folder, 'artifacts'), '--serve-artifacts'],
    ],
    logFile: join(folder, 'stock.log'),
    cwd: folder,
    env: { ...process.env, ...ENVIRONMENT },
    ready: () => answers(`http://127.0.0.1:${port}/health`),
  })
  await promisify(execFile)(python, ['-c', RESERVE_IDS, join(folder, 'mlflow.db')])
  const stop = async () => {
    await child.stop()
    await rm(folder, { recursive: true, force: true })
  }
  return { value: { url: `http://127.0.0.1:${port}` }, stop }
}
