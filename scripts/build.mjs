// Compiles src to dist and makes the template of embedded databases there.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

function run(command, options) {
  const { status } = spawnSync(command, options, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

run(process.execPath, [
  join(root, 'node_modules/typescript/bin/tsc'),
  '-p',
  join(root, 'tsconfig.build.json'),
])
run(process.execPath, [join(import.meta.dirname, 'make-template.mjs')])
