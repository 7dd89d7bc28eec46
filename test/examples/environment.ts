// Which examples a run tries, and the Python that they run with.
import { join } from 'node:path'
import { makeEnvironment } from '../support/services/virtual-environment.ts'
import { useService } from '../support/services.ts'

const FOLDER = join(import.meta.dirname, '../../.cache/examples')

/** Why examples of the night are left out; empty when they run. */
export const leftToNight = process.env.TEST_EXAMPLES === 'all' ? '' : 'part of npm run test:examples'

/** A Python with what the examples import, above the packages of the tests' own MLflow; made at the first call, some 5 GB. */
export async function examplesPython(): Promise<string> {
  const reason = await makeEnvironment({
    folder: FOLDER,
    requirements: join(import.meta.dirname, 'requirements.txt'),
    holds: 'what the examples import',
    over: (await useService('python')).command,
  })
  if (reason) throw new Error(reason)
  return join(FOLDER, 'bin', 'python')
}
