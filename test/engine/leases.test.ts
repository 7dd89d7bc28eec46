// Leases: of any number of servers one does a work at a time.
import { beforeAll, expect, it } from 'vitest'
import type { Engine } from '../../src/platform/database/engine.ts'
import { findLease, moveLease } from '../../src/platform/database/leases.ts'
import { describeEveryEngine } from '../support/engines.ts'

const RACERS = 12

describeEveryEngine('leases', (target) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await target.open()
  })

  const race = async (act: (ownerId: string) => Promise<boolean>): Promise<string[]> => {
    const racers = Array.from({ length: RACERS }, (_, i) => `server ${i}`)
    const won = await Promise.all(racers.map(act))
    return racers.filter((_racer, i) => won[i])
  }

  it('go to one of those who want them at once, new, due or left behind', async () => {
    const name = 'work'
    expect(await findLease(engine, name)).toBeUndefined()
    const first = await race((ownerId) => moveLease(engine, undefined, { name, ownerId, untilMs: 10 }))
    expect(first).toHaveLength(1)
    const held = { name, ownerId: first[0] ?? '', untilMs: 10 }
    expect(await findLease(engine, name)).toEqual(held)
    const next = await race((ownerId) => moveLease(engine, held, { name, ownerId, untilMs: 20 }))
    expect(next).toHaveLength(1)
    // Who has lost it meanwhile can neither hold it nor give it back.
    expect(await moveLease(engine, held, { ...held, untilMs: 30 })).toBe(false)
    const now = { name, ownerId: next[0] ?? '', untilMs: 20 }
    expect(await moveLease(engine, now, { name, ownerId: '', untilMs: 40 })).toBe(true)
    expect(await findLease(engine, name)).toEqual({ name, ownerId: '', untilMs: 40 })
    expect(await findLease(engine, 'other work')).toBeUndefined()
  })
})
