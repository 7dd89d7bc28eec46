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
    let round = 0
    let kills = 0
    for (let statements = 9, hasLived = false; !hasLived; statements += EVERY[target.name]) {
      const name = `killed_${statements}`
      const { table, written } = await prepare(name, round++)
      hasLived = await policies.executeAndDie(name, statements, round++)
      kills += hasLived ? 0 : 1
      const app = await policies.startAt(round++)
      const { execution } = await retentionOf(app.request).run(name)
      expect(execution.state, execution.message).toBe('succeeded')
      const { sizes, left: rows } = await expectEachOnce(engine, table, written)
      expect(sizes).toEqual([HOUR_MS])
      expect(rows).toBe(written.filter(({ at }) => at === null).length)
      await app.close()
    }
    expect(kills).toBeGreaterThan(0)
  }, 900_000)

  it('counts each row once when a server hung between any two statements, and another one went on', async () => {
    let round = 8000
    let hangs = 0
    for (let statements = 4, hasHung = true; hasHung; statements += EVERY[target.name]) {
      const name = `hung_${statements}`
      const { table, written } = await prepare(name, round++)
      hasHung = await policies.executeAndHang(name, statements, round)
      hangs += hasHung ? 1 : 0
      round += 2
      const { sizes } = await expectEachOnce(engine, table, written)
      expect(sizes).toEqual([HOUR_MS])
      const app = await policies.startAt(round++)
      expect((await retentionOf(app.request).run(name)).execution.state).toBe('succeeded')
      await expectEachOnce(engine, table, written)
      await app.close()
    }
    expect(hangs).toBeGreaterThan(0)
  }, 900_000)
})
