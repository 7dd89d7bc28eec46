// Makes the program in dist, the console and the template of embedded databases beside it.
import { execFileSync } from 'node:child_process'
import { chmodSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundle } from './bundle.mjs'
import { buildConsole } from './console.mjs'
import { licensesOf } from './licenses.mjs'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
const main = join(dist, 'main.js')
const makeTemplate = join(dist, 'make-template.js')

const startedAt = new Date()
rmSync(dist, { recursive: true, force: true })
const files = await bundle(
  {
    'main.js': join(root, 'src/main.ts'),
    'pglite-worker.mjs': join(root, 'src/platform/database/pglite-worker.mjs'),
    'make-template.js': join(import.meta.dirname, 'make-template.ts'),
  },
  dist,
)
chmodSync(main, 0o755)
const pages = await buildConsole(join(dist, 'console'))
writeFileSync(join(dist, 'LICENSES.txt'), licensesOf([...files, ...pages]))
process.stderr.write('Making the template of embedded databases\n')
execFileSync(process.execPath, [makeTemplate], { stdio: 'inherit' })
for (const file of [makeTemplate, `${makeTemplate}.map`]) rmSync(file)
// Sources that are newer are not in it: see build-if-stale.mjs.
writeFileSync(join(dist, '.built'), startedAt.toISOString())
utimesSync(join(dist, '.built'), startedAt, startedAt)
