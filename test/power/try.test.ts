import { mkdtempSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { it } from 'vitest'
import { useService } from '../support/services.ts'
import { record, withLittleMemory } from './recording.ts'
import { readLog } from './log.ts'
it('records', async () => {
  const main = '/work/wt/power/dist/main.js'
  const folder = mkdtempSync('/tmp/power-')
  const root = join(folder, 'disk')
  mkdirSync(root)
  const log = join(folder, 'log')
  const t = Date.now()
  const recording = await record({ dist: withLittleMemory(dirname(main)), root, log, random: Math.random, isSynced: process.env.SYNC !== 'off', rounds: Number(process.env.ROUNDS ?? 4), requests: 150 })
  console.log(folder, Date.now() - t, recording.sent.length, recording.spans)
  const ops: Record<string, number> = {}
  let seg = 0
  for (const r of readLog(log)) { ops[r.op] = (ops[r.op] ?? 0) + 1; if (r.op === 'rename' && r.to.includes('pg_wal/0')) seg++ }
  console.log(ops, 'segments', seg)
  writeFileSync(join(folder, 'recording.json'), JSON.stringify(recording))
}, 600000)
