// MLflow's own Python client beside the random ones: its retries bring it through a fault.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Sources lie where they are written; only TypeScript is compiled elsewhere. */
const SCRIPT = join(import.meta.dirname, '../../../chaos/stock_client.py')

export interface StockOutcome {
  rounds: number
  writes: number
  /** Seconds of the slowest round of four requests. */
  slowest_s: number
  problems: string[]
}

/** Logs for some seconds to the server, then reads back. @throws Error when the client gives up */
export async function runStockClient(python: string, url: string, seconds: number): Promise<StockOutcome> {
  const { stdout } = await promisify(execFile)(python, [SCRIPT, url, String(seconds), crypto.randomUUID()], {
    timeout: 240_000,
  })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}
