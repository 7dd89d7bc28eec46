// How much of each wing the tests run, by V8, and which files they run less than 85 % of. Arguments go to vitest.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const root = join(import.meta.dirname, '..')
const folder = join(root, '.cache/coverage')
const ENOUGH = 85
/** V8 counts in the processes of the test files alone. */
const REASONS = [
  [/^(cli\/|main\.ts)/, 'runs as a process of its own, in test/cli'],
  [/pglite-(worker|folder|files|control)\.mjs$/, "runs in the embedded database's thread"],
  [/^web\/ui\/(install|pip|source)\.ts$/, 'runs as a process of its own, in test/ui and test/cli'],
]

const parts = process.argv.slice(2)
const options = [
  '--coverage.enabled',
  '--coverage.reportOnFailure',
  '--coverage.provider=v8',
  '--coverage.include=src/**',
]
const { status } = spawnSync(
  join(root, 'node_modules/.bin/vitest'),
  ['run', ...options, '--coverage.reporter=json-summary', `--coverage.reportsDirectory=${folder}`, ...parts],
  { cwd: root, stdio: 'inherit' },
)

const summary = JSON.parse(readFileSync(join(folder, 'coverage-summary.json'), 'utf8'))
/** @type {Map<string, { files: number, total: number, covered: number }>} */
const wings = new Map()
const below = []
for (const [path, { lines }] of Object.entries(summary)) {
  if (path === 'total') continue
  const file = relative(join(root, 'src'), path)
  const wing = file.includes('/') ? file.split('/', 1)[0] : '(files at the top)'
  const sum = wings.get(wing) ?? { files: 0, total: 0, covered: 0 }
  wings.set(wing, {
    files: sum.files + 1,
    total: sum.total + lines.total,
    covered: sum.covered + lines.covered,
  })
  const reason = REASONS.find(([pattern]) => pattern.test(file))?.[1] ?? ''
  if (lines.pct < ENOUGH) below.push({ file, pct: lines.pct, reason })
}
console.log('\nLines that ran, by wing:')
for (const [wing, { files, total, covered }] of [...wings].sort())
  console.log(
    `${((100 * covered) / total).toFixed(1).padStart(6)} %  ${wing} (${files} files, ${total} lines)`,
  )
console.log(`\nBelow ${ENOUGH} %:`)
for (const { file, pct, reason } of below.sort((a, b) => a.file.localeCompare(b.file)))
  console.log(`${pct.toFixed(1).padStart(6)} %  ${file}${reason && `: ${reason}`}`)
process.exitCode = status ?? 1
