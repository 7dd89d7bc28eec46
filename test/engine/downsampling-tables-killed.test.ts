// Kills the server between any two statements while it downsamples a table: whoever goes on counts each row once.
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Engine } from '../../src/platform/database/engine.ts'
import { tries } from '../support/chance.ts'
import { describeEachEngine } from '../support/engines.ts'
import { mortalPolicies, openMortalEngine } from '../support/mortal.ts'
import { createSensorTable, expectEachOnce, readingsOf, writeReadings } from '../support/readings.ts'
import { DAY_MS, dropData, retentionOf } from '../support/retention.ts'

const HOUR_MS = 3600_000
/** Statements by which kills are apart. */
const EVERY = { PGlite: tries(7, 1), PostgreSQL: tries(7, 1), CrateDB: tries(17, 1) }

describeEachEngine('downsampling of a table whose server is killed between any two statements', (target) => {
  let engine: Engine
  let policies: ReturnType<typeof mortalPolicies>
  beforeAll(async () => {
    const mortal = await openMortalEngine(target)
    engine = mortal.engine
    policies = mortalPolicies(target, mortal)
  })
  afterAll(async () => {
    if (target.name === 'CrateDB') await dropData(engine)
    await engine.close()
  })

  /** Has rows in minutes, late ones, and such as have become old enough for hours. */
  async function prepare(name: string, round: number) {
    const app = await policies.startAt(round)
    const retention = retentionOf(app.request)
    const table = await createSensorTable(engine, name)
    const from = Math.floor((Date.now() - 40 * DAY_MS) / HOUR_MS) * HOUR_MS
    const rows = (seed: number, firstId: number) =>
      readingsOf(seed, { count: 60, from, to: from + 5 * 60_000, firstId })
    const [first, late] = [rows(1, 0), rows(2, 60)]
    await writeReadings(engine, table, first)
    await retention.create({
      ...{ name, target: table, column: 'ts', by: ['sensor', 'site'], aggregates: ['x', 'n'] },
      ...{ strategy: 'downsample', ladder: '1m:30d' },
    })
    expect((await retention.run(name)).execution.state).toBe('succeeded')
    await writeReadings(engine, table, late)
    await retention.post('policies/update', { policy_id: name, ladder: '1m:1d,1h:35d' })
    await app.close()
    return { table, written: [...first, ...late] }
  }

  it('counts each row once', async () => {
    await policies.breakOff(
      'die',
      { first: 9, every: EVERY[target.name] },
      {
        prepare,
        async look({ request }, name, { table, written }) {
          const { execution } = await retentionOf(request).run(name)
          expect(execution.state, execution.message).toBe('succeeded')
          const { sizes, left: rows } = await expectEachOnce(engine, table, written)
          expect(sizes).toEqual([HOUR_MS])
          expect(rows).toBe(written.filter(({ at }) => at === null).length)
        },
      },
    )
  }, 900_000)

  it('counts each row once when a server hung between any two statements, and another one went on', async () => {
    await policies.breakOff(
      'hang',
      { first: 4, every: EVERY[target.name], round: 8000 },
      {
        prepare,
        async look({ request }, name, { table, written }) {
          const { sizes } = await expectEachOnce(engine, table, written)
          expect(sizes).toEqual([HOUR_MS])
          expect((await retentionOf(request).run(name)).execution.state).toBe('succeeded')
          await expectEachOnce(engine, table, written)
        },
      },
    )
  }, 900_000)
})
