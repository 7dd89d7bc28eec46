// A power cut loses nothing that was acknowledged, whenever it comes and whatever reached the disk without a sync.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tries } from '../support/chance.ts'
import { useService } from '../support/services.ts'
import { chooseCuts, SHARES } from './cut-points.ts'
import { watchPages } from './log-first.ts'
import { cutPower, type Outcome } from './power-cuts.ts'
import { createRandom } from './random.ts'
import { bundleServer, type Recording, record, STORE } from './recording.ts'
import { tellTotals } from './totals.ts'

/** `npm run test:power` sets both. */
const CUTS = Number(process.env.POWER_CUTS ?? tries(16, 40))
const SEED = Number(process.env.POWER_SEED ?? 1)
/** The recording of a run that failed, to repeat its cuts. */
const RECORDING = process.env.POWER_RECORDING
/** A longer recording for many cuts. */
const ROUNDS = CUTS > 100 ? 6 : 2
const CUT_MS = 20_000

const folder = mkdtempSync(join(tmpdir(), 'crateflow-power-'))
const servers: string[] = []
let hasFailed = false

afterAll(() => {
  for (const server of servers) rmSync(server, { recursive: true, force: true })
  if (!hasFailed) rmSync(folder, { recursive: true, force: true })
})

async function recordServer(name: string, isSynced: boolean, rounds: number): Promise<Recording> {
  const root = join(folder, name)
  mkdirSync(root)
  const { main } = await useService('build')
  const server = await bundleServer(dirname(main))
  servers.push(server)
  const random = createRandom(SEED)
  const log = join(folder, `${name}.log`)
  return record({ server, root, log, random, isSynced, rounds, writes: 60 })
}

const readRecording = (file: string): Recording => JSON.parse(readFileSync(file, 'utf8'))
const isFaulty = ({ faults }: Outcome) => faults.length > 0

describe('a power cut', () => {
  let recording: Recording

  beforeAll(async () => {
    recording = RECORDING ? readRecording(RECORDING) : await recordServer('on', true, ROUNDS)
  }, 600_000)

  it(
    `loses nothing that was acknowledged, at ${CUTS} moments (seed ${SEED})`,
    async () => {
      const outcomes = await cutPower(recording, chooseCuts(recording, CUTS, createRandom(SEED)))
      tellTotals(outcomes)
      hasFailed = outcomes.some(isFaulty)
      const kept = `${recording.log}.json`
      if (hasFailed) writeFileSync(kept, JSON.stringify(recording))
      expect(outcomes.filter(isFaulty), `to repeat: POWER_RECORDING=${kept} POWER_SEED=${SEED}`).toEqual([])
      expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(Object.keys(SHARES)))
      // Most cuts leave something undone, or they proved nothing.
      const dropped = outcomes.filter(({ lost }) => lost.dropped + lost.torn > 0)
      expect(dropped.length).toBeGreaterThan(outcomes.length / 4)
    },
    300_000 + CUTS * CUT_MS,
  )

  it('finds no page on the disk before its log', () => {
    const { pages, amongUnsynced, tooEarly } = watchPages(recording.log, STORE)
    expect(tooEarly).toEqual([])
    // There were pages that could have come too early.
    expect(pages).toBeGreaterThan(1000)
    expect(amongUnsynced).toBeGreaterThan(0)
  })

  it('is seen to lose writes when nothing is synced', async () => {
    const unsynced = await recordServer('off', false, 1)
    const cuts = chooseCuts(unsynced, 40, createRandom(SEED)).filter(({ kind }) =>
      kind.startsWith('at an ack'),
    )
    const outcomes = await cutPower(unsynced, cuts.slice(-6))
    expect(outcomes.filter(isFaulty).length).toBeGreaterThan(0)
  })
})
