// Finds a Python that holds stock MLflow, or makes one in .venv at the root of the repository.
import { join } from 'node:path'
import { alreadyRunning, type Candidate, type Found, firstOf } from './service.ts'
import { makeEnvironment } from './virtual-environment.ts'

const VENV = join(import.meta.dirname, '../../../.venv')
const REQUIREMENTS = join(import.meta.dirname, '../requirements.txt')

export interface Python {
  command: string
}

/** MLFLOW_PYTHON, else .venv, made from test/support/requirements.txt when it is absent or out of date. */
export const findPython = (): Promise<Found<Python>> => firstOf(fromEnvironment, fromVirtualEnvironment)

async function fromEnvironment(): Promise<Candidate<Python> | string> {
  const command = process.env.MLFLOW_PYTHON
  return command ? alreadyRunning('MLFLOW_PYTHON', { command }) : 'no MLFLOW_PYTHON'
}

async function fromVirtualEnvironment(): Promise<Candidate<Python> | string> {
  const reason = await makeEnvironment({ folder: VENV, requirements: REQUIREMENTS, holds: 'stock MLflow' })
  return reason ?? alreadyRunning('.venv', { command: join(VENV, 'bin', 'python') })
}
