// Compiles the server once per test run, for tests that start it as a process.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { withLock } from './lock.ts'
import type { Found } from './service.ts'

const ROOT = join(import.meta.dirname, '../../..')

export interface Build {
  /** The compiled command line program. */
  main: string
}

export const findBuild = (): Found<Build> => ({
  candidate: { how: 'npm run build', start: build },
  missing: '',
})

async function build() {
  await withLock(join(ROOT, '.cache', 'build.lock'), () =>
    promisify(execFile)(process.execPath, [join(ROOT, 'scripts/build.mjs')]),
  )
  return { value: { main: join(ROOT, 'dist/main.js') }, stop: async () => {} }
}
