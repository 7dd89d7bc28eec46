// The long run of test/fuzz: `npm run fuzz -- --minutes 10 --cases 100000`, and how many cases there were.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, cases: { type: 'string', default: '100000' } },
})
const seed = process.env.FUZZ_SEED ?? String(Math.floor(Math.random() * 2 ** 31))
const folder = mkdtempSync(join(tmpdir(), 'crateflow-fuzz-'))
const counts = join(folder, 'counts.jsonl')

const { status } = spawnSync(join(root, 'node_modules/.bin/vitest'), ['run', 'test/fuzz'], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    FUZZ_MINUTES: values.minutes,
    FUZZ_CASES: values.cases,
    FUZZ_SEED: seed,
    FUZZ_COUNTS: counts,
  },
})

let lines = []
try {
  lines = readFileSync(counts, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
} catch (error) {
  if (error.code !== 'ENOENT') throw error
}
rmSync(folder, { recursive: true })
lines.sort((a, b) => a.engine.localeCompare(b.engine) || a.generator.localeCompare(b.generator))
const sum = lines.reduce((total, { cases }) => total + cases, 0)
for (const { engine, generator, cases } of lines) {
  console.log(`${engine.padEnd(12)} ${generator.padEnd(32)} ${String(cases).padStart(9)}`)
}
console.log(`${'in all'.padEnd(45)} ${String(sum).padStart(9)}   (schemathesis with seed ${seed})`)
process.exit(status ?? 1)
