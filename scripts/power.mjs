// The long run of test/power: `npm run test:power -- --cuts 3000`, and how many cuts of each kind there were.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/** Cuts of one recording. */
const PART = 500

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({
  options: { cuts: { type: 'string', default: '3000' }, seed: { type: 'string' } },
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const folder = mkdtempSync(join(tmpdir(), 'crateflow-power-counts-'))
const counts = join(folder, 'counts.jsonl')

let failed = false
for (let left = Number(values.cuts), part = 0; left > 0; left -= PART, part++) {
  const { status } = spawnSync(join(root, 'node_modules/.bin/vitest'), ['run', 'test/power'], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      POWER_CUTS: String(Math.min(left, PART)),
      POWER_SEED: String(seed + part),
      POWER_COUNTS: counts,
    },
  })
  failed ||= status !== 0
}

const totals = new Map()
for (const line of readFileSync(counts, 'utf8').trim().split('\n')) {
  const { by, name, ...numbers } = JSON.parse(line)
  const total = totals.get(`${by}: ${name}`) ?? { cuts: 0, faulty: 0, kept: 0, dropped: 0, torn: 0 }
  for (const key of Object.keys(total)) total[key] += numbers[key]
  totals.set(`${by}: ${name}`, total)
}
rmSync(folder, { recursive: true })
console.log(`Seed ${seed}`)
console.table(Object.fromEntries([...totals].sort(([a], [b]) => (a < b ? 1 : -1))))
process.exit(failed ? 1 : 0)
