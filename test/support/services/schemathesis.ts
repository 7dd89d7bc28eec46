// Finds schemathesis, which reads the description of the API and sends requests of all kinds; else installs it.
import { join } from 'node:path'
import { alreadyRunning, type Candidate, type Found, firstOf } from './service.ts'
import { makeEnvironment } from './virtual-environment.ts'

/** Not with stock MLflow: their requirements need not fit each other. */
const VENV = join(import.meta.dirname, '../../../.cache/schemathesis')
const REQUIREMENTS = join(import.meta.dirname, '../schemathesis-requirements.txt')

export interface Schemathesis {
  /** The command line program. */
  command: string
}

/** SCHEMATHESIS, else an environment made from test/support/schemathesis-requirements.txt. */
export const findSchemathesis = (): Promise<Found<Schemathesis>> =>
  firstOf(fromEnvironment, fromVirtualEnvironment)

async function fromEnvironment(): Promise<Candidate<Schemathesis> | string> {
  const command = process.env.SCHEMATHESIS
  return command ? alreadyRunning('SCHEMATHESIS', { command }) : 'no SCHEMATHESIS'
}

async function fromVirtualEnvironment(): Promise<Candidate<Schemathesis> | string> {
  const reason = await makeEnvironment({
    folder: VENV,
    requirements: REQUIREMENTS,
    holds: 'schemathesis',
    interpreter: process.env.MLFLOW_PYTHON,
  })
  return reason ?? alreadyRunning('.cache/schemathesis', { command: join(VENV, 'bin', 'schemathesis') })
}
