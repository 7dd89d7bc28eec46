// Environments of Python with other versions of MLflow, made when they are wanted.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { makeEnvironment } from '../support/services/virtual-environment.ts'
import { useService } from '../support/services.ts'

const REQUIREMENTS = join(import.meta.dirname, 'requirements')
const ENVIRONMENTS = join(import.meta.dirname, '../../.cache/clients')

/** Each file of requirements/ is a version. */
export const VERSIONS = readdirSync(REQUIREMENTS).map((name) => name.replace(/\.txt$/, ''))

/** The Python of an environment that holds the client above the packages of the tests' own MLflow. */
export async function clientPython(version: string): Promise<string> {
  const folder = join(ENVIRONMENTS, version)
  const reason = await makeEnvironment({
    folder,
    requirements: join(REQUIREMENTS, `${version}.txt`),
    holds: `the MLflow client ${version}`,
    over: (await useService('python')).command,
  })
  if (reason) throw new Error(reason)
  return join(folder, 'bin', 'python')
}
