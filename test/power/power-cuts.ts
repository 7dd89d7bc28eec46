// Cuts the power at moments of a recording and checks what is left.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openMigrated } from '../support/databases.ts'
import { findFaults } from './check.ts'
import { FATES, type Fate, type Lost, makeRemains } from './cut.ts'
import type { CutPoint } from './cut-points.ts'
import { Disk } from './disk.ts'
import { readLog } from './log.ts'
import { createRandom } from './random.ts'
import { type Recording, STORE } from './recording.ts'

export interface Outcome extends CutPoint {
  fate: string
  lost: Lost
  faults: string[]
}

/** Stores are made and opened by the hundred: in memory where there is a folder for that. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
/** Stores that are checked at once. */
const AT_ONCE = 2

/** @param cuts in the order of the log */
export async function cutPower(recording: Recording, cuts: readonly CutPoint[]): Promise<Outcome[]> {
  const folder = mkdtempSync(join(MEMORY, 'crateflow-power-'))
  const disk = new Disk()
  const running = new Set<Promise<unknown>>()
  const outcomes: Outcome[] = []
  const log = readLog(recording.log)
  // As long as one database is open, the others share its compiled program.
  cpSync(join(recording.root, STORE), join(folder, 'warm'), { recursive: true })
  const warm = await openMigrated(`pglite:${join(folder, 'warm')}`)
  try {
    let record = log.next()
    for (const [i, cut] of cuts.entries()) {
      for (; !record.done && record.value.end <= cut.at; record = log.next()) disk.apply(record.value)
      const remains = join(folder, String(i))
      mkdirSync(remains)
      const random = createRandom(cut.seed)
      // An acknowledgement tells most when the log has nothing but what was synced.
      const fates = cut.kind.startsWith('at an ack') ? FATES.filter(({ wal }) => wal < 0.5) : FATES
      const fate = fates[Math.floor(random() * fates.length)] as Fate
      const lost = makeRemains(disk, remains, fate, random)
      const check = open(remains, recording, cut).then((faults) => {
        outcomes.push({ ...cut, fate: fate.name, lost, faults })
        running.delete(check)
      })
      running.add(check)
      if (running.size >= AT_ONCE) await Promise.race(running)
    }
    await Promise.all(running)
  } finally {
    log.return(undefined)
    await warm.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return outcomes
}

async function open(remains: string, { sent }: Recording, { at }: CutPoint): Promise<string[]> {
  try {
    const engine = await openMigrated(`pglite:${join(remains, STORE)}`)
    try {
      return await findFaults(engine, sent, at)
    } finally {
      await engine.close()
    }
  } catch (error) {
    return [`does not open: ${(error as Error).stack} ${(error as Error).cause}`]
  } finally {
    rmSync(remains, { recursive: true, force: true })
  }
}
