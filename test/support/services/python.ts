// Finds a Python that holds stock MLflow, or makes one in .venv at the root of the repository.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { withLock } from './lock.ts'
import { alreadyRunning, type Candidate, type Found, firstOf } from './service.ts'

const ROOT = join(import.meta.dirname, '../../..')
const VENV = join(ROOT, '.venv')
const REQUIREMENTS = join(import.meta.dirname, '../requirements.txt')
/** What has the requirements' hash as its content once they are all installed. */
const MARK = join(VENV, 'requirements.sha256')
const COMMANDS = ['python3', 'python3.12', 'python3.11', 'python3.13', 'python3.10', 'python']
/** Minor versions of Python 3 that the pinned packages have wheels for. */
const MINORS = [10, 11, 12, 13]

export interface Python {
  command: string
}

const run = promisify(execFile)

/** MLFLOW_PYTHON, else .venv, made from test/support/requirements.txt when it is absent or out of date. */
export const findPython = (): Promise<Found<Python>> => firstOf(fromEnvironment, fromVirtualEnvironment)

async function fromEnvironment(): Promise<Candidate<Python> | string> {
  const command = process.env.MLFLOW_PYTHON
  return command ? alreadyRunning('MLFLOW_PYTHON', { command }) : 'no MLFLOW_PYTHON'
}

async function fromVirtualEnvironment(): Promise<Candidate<Python> | string> {
  const reason = await withLock(join(ROOT, '.cache', 'venv.lock'), makeEnvironment)
  return reason ?? alreadyRunning('.venv', { command: join(VENV, 'bin', 'python') })
}

/** Answers why the environment cannot be had, undefined when it is there. */
async function makeEnvironment(): Promise<string | undefined> {
  const hash = createHash('sha256')
    .update(await readFile(REQUIREMENTS))
    .digest('hex')
  if ((await readFile(MARK, 'utf8').catch(() => '')) === hash) return undefined
  const python = await findInterpreter()
  if (!python) return `no Python 3.${MINORS[0]} to 3.${MINORS.at(-1)}`
  console.log('Installing stock MLflow into .venv; this takes some minutes, once.')
  try {
    await rm(VENV, { recursive: true, force: true })
    await run(python, ['-m', 'venv', VENV])
    const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--quiet', '-r', REQUIREMENTS]
    await run(join(VENV, 'bin', 'python'), pip, { maxBuffer: 1e8, timeout: 1_200_000 })
    await writeFile(MARK, hash)
    return undefined
  } catch (error) {
    return `stock MLflow cannot be installed: ${(error as Error).message.slice(-400)}`
  }
}

async function findInterpreter(): Promise<string | undefined> {
  for (const command of COMMANDS) {
    const minor = await run(command, [
      '-c',
      'import sys; print(sys.version_info[0] * 100 + sys.version_info[1])',
    ])
      .then(({ stdout }) => Number(stdout) - 300)
      .catch(() => 0)
    if (MINORS.includes(minor)) return command
  }
  return undefined
}
