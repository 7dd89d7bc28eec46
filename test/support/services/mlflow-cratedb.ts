// Finds a Python that holds mlflow-cratedb, or makes one in .cache: for the night alone, since it takes minutes.
import { join } from 'node:path'
import { alreadyRunning, type Candidate, type Found, firstOf } from './service.ts'
import { makeEnvironment } from './virtual-environment.ts'

const FOLDER = join(import.meta.dirname, '../../../.cache/mlflow-cratedb')
const REQUIREMENTS = join(import.meta.dirname, '../mlflow-cratedb-requirements.txt')

export interface MlflowCratedb {
  /** The program `mlflow-cratedb`. */
  command: string
}

/** MLFLOW_CRATEDB, else .cache/mlflow-cratedb, made from test/support/mlflow-cratedb-requirements.txt. */
export const findMlflowCratedb = (): Promise<Found<MlflowCratedb>> =>
  firstOf(fromEnvironment, fromVirtualEnvironment)

async function fromEnvironment(): Promise<Candidate<MlflowCratedb> | string> {
  const command = process.env.MLFLOW_CRATEDB
  return command ? alreadyRunning('MLFLOW_CRATEDB', { command }) : 'no MLFLOW_CRATEDB'
}

async function fromVirtualEnvironment(): Promise<Candidate<MlflowCratedb> | string> {
  if (!process.env.TEST_EVERY_ENGINE) return 'part of npm run test:engines'
  const environment = { folder: FOLDER, requirements: REQUIREMENTS, holds: 'mlflow-cratedb' }
  const reason = await makeEnvironment(environment)
  return reason ?? alreadyRunning('.cache/mlflow-cratedb', { command: join(FOLDER, 'bin', 'mlflow-cratedb') })
}
