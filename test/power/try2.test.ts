import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'vitest'
import { chooseCuts } from './cut-points.ts'
import { createRandom, cutPower } from './power-cuts.ts'
it('cuts', async () => {
  const folder = process.env.REC as string
  const recording = JSON.parse(readFileSync(join(folder, 'recording.json'), 'utf8'))
  recording.log = join(folder, 'log')
  let cuts = chooseCuts(recording, Number(process.env.N ?? 20), createRandom(Number(process.env.SEED ?? 1)))
  if (process.env.KIND) cuts = cuts.filter((c) => c.kind === process.env.KIND)
  if (process.env.NOCREATE) cuts = cuts.filter((c) => c.kind !== 'in the creation')
  const t = Date.now(), c0 = process.cpuUsage()
  let n = 0, bad = 0
  const outs = await cutPower(recording, cuts, (o) => { n++; if (o.faults.length) bad++; if (o.faults.length || process.env.V) console.log(JSON.stringify({ ...o, faults: o.faults.length, f: o.faults.slice(0, 3).map((x) => x.slice(0, 1500)) })) ; if (n % 20 === 0) console.log(n, 'of', cuts.length, bad) })
  const c = process.cpuUsage(c0)
  console.log('cuts', outs.length, 'bad', bad, 'wall', Date.now() - t, 'cpu', (c.user + c.system) / 1000)
}, 6000000)
