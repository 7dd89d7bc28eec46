// What is asked, and told, of runs, logged models and experiments that are to be deleted for good.

/** A thing that is marked as deleted, or whose deletion for good has begun. */
export interface DoomedRow {
  id: string
  name: string | null
  experimentId: string
  /** active, deleted, deleting from when its deletion for good has begun; experiments are restoring before they are active again. */
  stage: string
  /** When it was marked as deleted, in milliseconds. */
  deletedMs: number
  /** Where its artifacts are; empty for none. */
  artifactUri: string
}

/** Which of them to find. */
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
