// Deletes runs and logged models for good, some at a time. The order is what makes a crash harmless: the thing is taken from its clients,
// recorded, then its files go, then what belongs to it, and its row last, by which the next collection finds what is left.
import { limitConcurrency } from '../../platform/concurrency.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import {
  type Doomed,
  type DoomedKind,
  deletedThing,
  deletionOf,
  type How,
  type LocateFiles,
  leftThing,
  type Outcome,
} from './doomed.ts'
import type { DeletionKind } from './schema.ts'
import { recordDeletions } from './store.ts'

export interface BatchDeps {
  engine: Engine
  clock: Clock
  locateFiles: LocateFiles
}

/** Folders or prefixes of a store that are gone through at once. */
const STORES_AT_ONCE = 4

export type Batches = ReturnType<typeof createBatches>

export function createBatches({ engine, clock, locateFiles }: BatchDeps) {
  const inTurn = limitConcurrency(STORES_AT_ONCE)

  /** The files of a thing; none where they are to stay, or where it has no place for them. */
  function filesOf({ artifactUri, id }: Pick<Doomed, 'artifactUri' | 'id'>, { keepArtifacts }: How) {
    if (keepArtifacts || artifactUri === '') return undefined
    return locateFiles(artifactUri, id)
  }

  /** How many files there are, which also tells whether their store answers, before anything is begun. */
  const countFiles = (one: Pick<Doomed, 'artifactUri' | 'id'>, how: How): Promise<number> =>
    inTurn(async () => (await filesOf(one, how)?.count()) ?? 0)

  const removeFiles = (one: Pick<Doomed, 'artifactUri' | 'id'>, how: How): Promise<void> =>
    inTurn(async () => filesOf(one, how)?.remove())

  /**
   * Deletes those of the things that are still as they were seen. One whose store fails is left: before it was taken as it was, else
   * for the next time.
   * @throws what the database says; then some of them are left for the next time
   */
  async function remove(
    kind: DeletionKind,
    { take, count, remove: removeRows }: DoomedKind,
    things: readonly Doomed[],
    how: How,
  ): Promise<Outcome> {
    const left: Outcome['left'] = []
    /** Does the work for each, and leaves out those that fail. */
    const each = async <T extends { one: Doomed }, R>(all: readonly T[], work: (item: T) => Promise<R>) => {
      const results = await Promise.allSettled(all.map(work))
      return results.flatMap((result, i) => {
        if (result.status === 'fulfilled') return [{ item: all[i] as T, value: result.value }]
        left.push(leftThing(kind, (all[i] as T).one, result.reason))
        return []
      })
    }

    const all = things.map((one) => ({ one }))
    const counted = await each(all, ({ one }) => countFiles(one, how))
    const takes = await Promise.all(counted.map(({ item }) => take(item.one)))
    const taken = counted.filter((_one, i) => takes[i])
    if (taken.length === 0) return { deleted: [], left }
    const rows = await count(taken.map(({ item }) => item.one.id))
    const nowMs = clock.now()
    const going = taken.map(({ item: { one }, value: files }) => ({
      one,
      counts: { rows: rows.get(one.id) ?? 0, files },
    }))
    await recordDeletions(
      engine,
      going.map(({ one, counts }) => deletionOf(kind, one, how, { nowMs, ...counts })),
    )
    const withoutFiles = await each(going, ({ one }) => removeFiles(one, how))
    await removeRows(withoutFiles.map(({ item }) => item.one.id))
    return { deleted: withoutFiles.map(({ item: { one, counts } }) => deletedThing(kind, one, counts)), left }
  }

  return { remove, countFiles, removeFiles }
}
