// Compiles src to dist when a source is newer than the last build; `npm start` runs it, so it has to be quick.
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const stamp = join(root, 'dist/.built')

const modified = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0

const sources = ['package.json', 'package-lock.json'].concat(
  ['build.mjs', 'bundle.mjs', 'console.mjs', 'licenses.mjs', 'make-template.ts'].map((name) =>
    join('scripts', name),
  ),
  readdirSync(join(root, 'migrations/postgres')).map((name) => join('migrations/postgres', name)),
  readdirSync(join(root, 'console'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.\w+$/.test(path))
    .map((path) => join('console', path)),
  readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(ts|mjs)$/.test(path))
    .map((path) => join('src', path)),
)

if (sources.some((path) => modified(join(root, path)) >= modified(stamp))) {
  process.stderr.write('Compiling Crateflow, which takes some seconds after each change of its sources\n')
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
