// What this wing asks of the others, where the things are that it deletes, and what it tells of them.
import { reasonOf } from '../../errors.ts'
import type { DeletedThing, DeletionCause, DeletionKind, LeftThing } from './schema.ts'
import type { DeletionRow } from './tables.ts'

/** A thing that is marked as deleted, or whose deletion for good has begun. */
export interface Doomed {
  id: string
  name: string | null
  experimentId: string
  /** active, deleted, restoring, or deleting from when its deletion for good has begun. */
  stage: string
  /** When it was marked as deleted, in milliseconds. */
  deletedMs: number
  /** Where its artifacts are; empty for none. */
  artifactUri: string
}

export interface DoomedQuery {
  ids?: readonly string[] | undefined
  experimentId?: string | undefined
  /** Only what was marked as deleted then or before. What has begun is always found. */
  deletedUntilMs?: number | undefined
  /** Whatever its stage. */
  anyStage?: boolean
  /** Behind this id. */
  after?: string | undefined
  limit: number
}

/** Things that are deleted by one change of their row, then of all that belongs to them, their row last. */
export interface DoomedKind {
  find: (query: DoomedQuery) => Promise<Doomed[]>
  /** Begins, if the thing is still as it was seen: then nobody finds it any more. Answers whether it has begun, by whomever. */
  take: (one: Doomed) => Promise<boolean>
  /** Rows of each, by id. */
  count: (ids: readonly string[]) => Promise<Map<string, number>>
  remove: (ids: readonly string[]) => Promise<void>
}

export interface DoomedRuns extends DoomedKind {
  /** A run of the experiment that may not go: it is active, or was deleted after the time. */
  findStanding: (experimentId: string, deletedUntilMs: number | undefined) => Promise<Doomed | undefined>
}

export interface DoomedExperiments extends Pick<DoomedKind, 'find' | 'take'> {
  /** Makes it deleted again. */
  giveBack: (experimentId: string) => Promise<void>
  count: (experimentId: string) => Promise<number>
  remove: (experimentId: string) => Promise<void>
}

/** A metric with its history, or a param, of a run. */
export interface DoomedPart {
  /** @throws RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE for a run that is not active */
  find: (runId: string, key: string) => Promise<{ experimentId: string; rows: number }>
  remove: (runId: string, key: string) => Promise<void>
}

/** What the GenAI wing keeps of experiments and runs. */
export interface Remains<Trace extends { traceId: string } = { traceId: string; month: string }> {
  findTraces: (experimentIds: readonly string[], limit: number) => Promise<Trace[]>
  traceArtifactsOf: (
    experiment: { experimentId: string; artifactLocation: string },
    traceId: string,
  ) => string
  /** Each answers how many rows went. */
  removeTraces: (traces: readonly Trace[]) => Promise<number>
  removeRest: (experimentId: string) => Promise<number>
  forgetRuns: (runIds: readonly string[]) => Promise<number>
}

/** The files of a thing. @throws what says that the server does not reach them */
export type LocateFiles = (
  rootUri: string,
  id: string,
) => { count: () => Promise<number>; remove: () => Promise<void> }

/** How things are deleted. */
export interface How {
  keepArtifacts: boolean
  userId: string | null
  cause: DeletionCause
}

/** What became of things. */
export interface Outcome {
  deleted: DeletedThing[]
  left: LeftThing[]
}

const named = (kind: DeletionKind, { id, name, experimentId }: Doomed) => ({
  kind,
  id,
  ...(name !== null && { name }),
  experiment_id: experimentId,
})

export const deletedThing = (
  kind: DeletionKind,
  one: Doomed,
  { rows, files }: { rows: number; files: number },
): DeletedThing => ({ ...named(kind, one), rows, files })

export const leftThing = (kind: DeletionKind, one: Doomed, error: unknown): LeftThing => ({
  ...named(kind, one),
  message: reasonOf(error),
})

/** The record of a deletion that begins. Its id follows from the thing, and from when it was marked as deleted. */
export const deletionOf = (
  kind: DeletionKind,
  one: Doomed,
  { userId, cause }: How,
  counts: { nowMs: number; rows: number; files: number },
): DeletionRow => ({
  deletionId: `${kind}:${one.id}:${one.deletedMs}`,
  deletedAtMs: counts.nowMs,
  kind,
  entityId: one.id,
  name: one.name,
  experimentId: one.experimentId,
  rowCount: counts.rows,
  fileCount: counts.files,
  userId,
  cause,
})
