// What takes too long for every change: run it each night. Each part is ended after its time; a table tells how they went.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
/** A part's name, its script, and the minutes that it may take on two cores. */
const PARTS = [
  ['engines that npm test leaves out', 'test:engines', 60],
  ['tests of chance', 'test:chance', 30],
  ['clients of all versions', 'test:clients', 60],
  ['examples', 'test:examples', 60],
  ['Node 22 and 24', 'test:nodes', 60],
  ['hostile requests', 'fuzz', 30],
  ['power cuts', 'test:power', 60],
  ['memory under a million spans', 'test:memory', 60],
  ['a cluster in trouble', 'chaos', 60],
]
const wanted = process.argv.slice(2)

const rows = []
for (const [name, script, minutes] of PARTS) {
  if (wanted.length > 0 && !wanted.includes(script)) continue
  console.log(`\n${name}: npm run ${script}`)
  const began = Date.now()
  const { status, error } = spawnSync('npm', ['run', script], {
    cwd: root,
    stdio: 'inherit',
    timeout: minutes * 60_000,
    killSignal: 'SIGINT',
  })
  const outcome = status === 0 ? 'passed' : error ? `ended after ${minutes} min` : 'failed'
  rows.push({ name, outcome, minutes: ((Date.now() - began) / 60_000).toFixed(1) })
}

console.log()
for (const { name, outcome, minutes } of rows)
  console.log(`${outcome.padEnd(20)} ${minutes.padStart(6)} min  ${name}`)
process.exitCode = rows.some(({ outcome }) => outcome !== 'passed') ? 1 : 0
