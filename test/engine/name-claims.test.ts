// Unique names without transactions: races, crashes between the steps, and owners that come back late.
import { and, eq } from 'drizzle-orm'
import { beforeAll, expect, it } from 'vitest'
import type { Engine } from '../../src/platform/database/engine.ts'
import { claimedBy, claimName, nameClaims, releaseName } from '../../src/platform/database/name-claims.ts'
import {
  experimentNames,
  findExperiment,
  insertExperiment,
  renameExperiment,
} from '../../src/tracking/experiments/store.ts'
import { describeEveryEngine } from '../support/engines.ts'

const row = (experimentId: string, name: string) => ({
  experimentId,
  name,
  nameFence: 0,
  artifactLocation: '/x',
  lifecycleStage: 'active',
  creationTimeMs: 1,
  lastUpdateTimeMs: 1,
})

describeEveryEngine('name claims', (target) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await target.open()
  })
  const create = async (id: string, name: string) => {
    const takenBy = await claimName(engine, experimentNames(engine), { name, ownerId: id, fence: 0 })
    return takenBy === undefined && (await insertExperiment(engine, row(id, name)))
  }

  it('give a name to one of fifty racing owners', async () => {
    const won = await Promise.all(Array.from({ length: 50 }, (_, i) => create(String(1000 + i), 'raced')))
    expect(won.filter(Boolean)).toHaveLength(1)
  })

  it('let the next owner take a name whose owner died before its row was there', async () => {
    await claimName(engine, experimentNames(engine), { name: 'orphan', ownerId: '2000', fence: 0 })
    expect(await create('2001', 'orphan')).toBe(true)
    // The dead owner comes back: its row can no longer be made.
    expect(await insertExperiment(engine, row('2000', 'orphan'))).toBe(false)
    expect(await findExperiment(engine, '2000')).toBeUndefined()
    expect(await claimedBy(engine, 'experiment', 'orphan')).toBe('2001')
  })

  it('stop a rename whose claim was taken over while it slept', async () => {
    await create('3000', 'old')
    await claimName(engine, experimentNames(engine), { name: 'wanted', ownerId: '3000', fence: 0 })
    expect(await create('3001', 'wanted')).toBe(true)
    const renamed = await renameExperiment(engine, {
      experimentId: '3000',
      name: 'wanted',
      fence: 0,
      nowMs: 2,
    })
    expect(renamed).toBe(false)
    expect((await findExperiment(engine, '3000'))?.name).toBe('old')
  })

  it('let a crashed rename go on', async () => {
    await create('4000', 'before')
    const claim = { name: 'after', ownerId: '4000', fence: 0 }
    expect(await claimName(engine, experimentNames(engine), claim)).toBeUndefined()
    expect(await claimName(engine, experimentNames(engine), claim)).toBeUndefined()
    expect(await renameExperiment(engine, { experimentId: '4000', name: 'after', fence: 0, nowMs: 2 })).toBe(
      true,
    )
    await releaseName(engine, experimentNames(engine), { name: 'before', ownerId: '4000', fence: 0 })
    expect(await create('4001', 'before')).toBe(true)
  })

  it('take a name back from an owner that carries another one since a crash', async () => {
    await create('5000', 'left')
    await claimName(engine, experimentNames(engine), { name: 'taken', ownerId: '5000', fence: 0 })
    await renameExperiment(engine, { experimentId: '5000', name: 'taken', fence: 0, nowMs: 2 })
    // Crash before the old name was released.
    expect(await create('5001', 'left')).toBe(true)
    expect((await findExperiment(engine, '5000'))?.name).toBe('taken')
  })

  it('never release a name that somebody else has by now', async () => {
    await create('6000', 'busy')
    await releaseName(engine, experimentNames(engine), { name: 'busy', ownerId: '6001', fence: 0 })
    expect(await create('6002', 'busy')).toBe(false)
    const [claim] = await engine.db
      .select()
      .from(nameClaims)
      .where(and(eq(nameClaims.scope, 'experiment'), eq(nameClaims.name, 'busy')))
    expect(claim?.ownerId).toBe('6000')
  })
})
