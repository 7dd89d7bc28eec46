// Rows that came too late: of requests that were under way, at any server, while what they wrote to was deleted and collected.
import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import type { Doomed, DoomedExperiments, DoomedKind, DoomedQuery, DoomedRuns, Remains } from './doomed.ts'
import { findRecentIds } from './store.ts'

export interface LateRowsDeps {
  engine: Engine
  clock: Clock
  experiments: DoomedExperiments
  runs: DoomedRuns
  models: DoomedKind
  remains: Remains
}

/** Longer than from one scheduled collection to the next. */
const RECENT_MS = 2 * 3600_000
/** Things that are looked at, the last ones. */
const MOST = 500
const TRACES = 200

/** Returns what deletes rows that belong to things which are gone. Repeatable. */
export function createLateRows({ engine, clock, experiments, runs, models, remains }: LateRowsDeps) {
  /** Ids of what was deleted of late, and is gone: a default experiment may be there again. */
  async function findGone(kind: string, find: (query: DoomedQuery) => Promise<Doomed[]>): Promise<string[]> {
    const ids = await findRecentIds(engine, { kind, sinceMs: clock.now() - RECENT_MS, limit: MOST })
    if (ids.length === 0) return []
    const there = await find({ ids, anyStage: true, limit: MOST })
    return ids.filter((id) => there.every((one) => one.id !== id))
  }

  return async (): Promise<void> => {
    await runs.remove(await findGone('run', runs.find))
    await models.remove(await findGone('logged_model', models.find))
    const gone = await findGone('experiment', experiments.find)
    if (gone.length === 0) return
    const traces = await remains.findTraces(gone, TRACES)
    if (traces.length > 0) await remains.removeTraces(traces)
  }
}
