// What a request of the garbage collection asks for, and where in it the collection is: the token between its steps.
import { invalidParameter } from '../../errors.ts'
import { pythonRepr } from '../../platform/wire/python.ts'
import { parseAge } from './age.ts'

/** In this order: an experiment goes with its runs, in one piece for whoever wants to restore it. */
export const PHASES = ['experiment', 'run', 'logged_model'] as const
export type Phase = (typeof PHASES)[number]

export interface SelectionInput {
  older_than?: string | undefined
  experiment_ids: string[]
  run_ids: string[]
  logged_model_ids: string[]
}

export interface Selection {
  /** Ids by phase, where any are named; a phase without any is left out then. */
  ids: Record<Phase, string[]> | undefined
  olderThan: string | undefined
}

/**
 * Stock's command takes everything of the kinds that are not named; here only what is named goes.
 * @throws INVALID_PARAMETER_VALUE for an age that cannot be read
 */
export function readSelection(input: SelectionInput, parseExperimentId: (id: string) => string): Selection {
  const ids = {
    experiment: [...new Set(input.experiment_ids.map(parseExperimentId))],
    run: [...new Set(input.run_ids)],
    logged_model: [...new Set(input.logged_model_ids)],
  }
  const isNamed = Object.values(ids).some((list) => list.length > 0)
  return { ids: isNamed ? ids : undefined, olderThan: input.older_than }
}

/** What a collection of everything ends with, in a step of its own: rows that came too late. */
export const LATE_ROWS = 'late_rows'

/** Where the collection is: behind the thing of this id, of all that was marked as deleted by then. */
export interface Cursor {
  phase: Phase | typeof LATE_ROWS
  after: string | undefined
  deletedUntilMs: number | undefined
}

export function firstCursor({ ids, olderThan }: Selection, nowMs: number): Cursor | undefined {
  const deletedUntilMs = olderThan === undefined ? undefined : nowMs - parseAge(olderThan)
  const phase = PHASES.find((one) => !ids || ids[one].length > 0)
  return phase && { phase, after: undefined, deletedUntilMs }
}

/** The beginning of the next phase; undefined at the end. */
export function nextPhase({ phase, deletedUntilMs }: Cursor, { ids }: Selection): Cursor | undefined {
  if (phase === LATE_ROWS) return undefined
  const rest = PHASES.slice(PHASES.indexOf(phase) + 1)
  const next = rest.find((one) => !ids || ids[one].length > 0) ?? (ids ? undefined : LATE_ROWS)
  return next && { phase: next, after: undefined, deletedUntilMs }
}

export const encodeCursor = ({ phase, after, deletedUntilMs }: Cursor): string =>
  Buffer.from(JSON.stringify([phase, after ?? null, deletedUntilMs ?? null])).toString('base64url')

/** @throws INVALID_PARAMETER_VALUE for a token that this server has not made */
export function decodeCursor(token: string): Cursor {
  try {
    const [phase, after, until, ...more] = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
    const isRead =
      [...PHASES, LATE_ROWS].includes(phase) &&
      (after === null || typeof after === 'string') &&
      (until === null || Number.isSafeInteger(until)) &&
      (phase !== 'experiment' || after === null || /^-?\d{1,19}$/.test(after)) &&
      more.length === 0
    if (isRead) return { phase, after: after ?? undefined, deletedUntilMs: until ?? undefined }
  } catch {
    // It is no JSON.
  }
  throw invalidParameter(`Invalid page token, could not base64-decode ${pythonRepr(token)}`)
}
