// The moving wing: what other servers and stores have, into a store of ours. The commands join it to a source and a store.
import type { Engine } from '../platform/database/engine.ts'
import { createMover } from './mover.service.ts'
import type { Names } from './names.ts'
import { findConflicts } from './preflight.ts'
import { createProgress, noProgress } from './progress.ts'
import { createReport, type Report } from './report.ts'
import type { Source } from './source.ts'

export interface MoveDeps {
  engine: Engine
  source: Source
  names: Names
  /** Compares both sides and writes nothing. */
  isDryRun: boolean
  /** What comes before the rows, once nothing stands in their way. */
  prepare?: (() => Promise<void>) | undefined
  /** Where progress is shown. Absent: nowhere. */
  terminal?: NodeJS.WriteStream
}

/** Names or ids that the store has given to something else; nothing was written. */
export class ConflictError extends Error {}

/**
 * Moves all that a source has. May be ended at any time and begun anew: what is there and equal is left as it is.
 * @returns what both sides have now
 * @throws ConflictError before anything is written
 */
export async function moveInto(deps: MoveDeps): Promise<Report> {
  const { engine, source, names, isDryRun, prepare, terminal } = deps
  const conflicts = await findConflicts(engine, source, names)
  if (conflicts.length > 0)
    throw new ConflictError(
      `Nothing was written: ${conflicts.join('; ')}. Rename or delete one of both, or move into a store of its own.`,
    )
  await prepare?.()
  const report = createReport({ isDryRun })
  const progress = terminal?.isTTY
    ? createProgress(terminal, (await source.estimate?.()) ?? new Map())
    : noProgress
  try {
    await createMover({ engine, source, names, report, progress }).move()
  } finally {
    progress.end()
  }
  return report
}
