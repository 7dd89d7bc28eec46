// Runs programs that use the stock MLflow client.
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll } from 'vitest'
import { useService } from '../support/services.ts'

export const EXAMPLES = join(import.meta.dirname, '../../examples')

/** Long enough for one program on stock and on this server when the machine is busy; only ends what hangs. */
export const TIMEOUT_MS = 600_000

/**
 * Runs Python with the arguments in an empty folder, which is its home too, and answers what it printed.
 * `url` is the tracking server; `python` another interpreter than that of the run.
 * @throws Error with the end of its output when it fails
 */
export async function runClient(
  url: string,
  args: readonly string[],
  env: Record<string, string> = {},
  python?: string,
): Promise<string> {
  const command = python ?? (await useService('python')).command
  const folder = await mkdtemp(join(tmpdir(), 'crateflow-client-'))
  try {
    const { stdout } = await promisify(execFile)(command, args, {
      cwd: folder,
      env: { ...process.env, ...clientEnv(command, folder), MLFLOW_TRACKING_URI: url, ...env },
      maxBuffer: 1e8,
    })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${args.join(' ')} failed:\n${stdout.slice(-1000)}\n${stderr.slice(-6000)}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function clientEnv(command: string, folder: string): Record<string, string> {
  return {
    HOME: folder,
    // Projects run the `python` of the PATH.
    PATH: [dirname(command), process.env.PATH].join(delimiter),
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONHASHSEED: '0',
    MPLBACKEND: 'Agg',
    MLFLOW_DISABLE_TELEMETRY: 'true',
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT: 'true',
    // A server that fails then fails the test at once instead of after minutes.
    MLFLOW_HTTP_REQUEST_MAX_RETRIES: '2',
    GIT_CONFIG_NOSYSTEM: '1',
  }
}

/**
 * A copy of a folder of programs for the surrounding suite, removed after it. Outside of this repository no
 * commit of ours gets into tags, which may change between two executions.
 */
export function copyPrograms(source: string): { readonly folder: string } {
  const copy = { folder: '' }
  beforeAll(async () => {
    copy.folder = await mkdtemp(join(tmpdir(), 'crateflow-programs-'))
    await cp(source, copy.folder, { recursive: true })
  })
  afterAll(() => rm(copy.folder, { recursive: true, force: true }))
  return copy
}
