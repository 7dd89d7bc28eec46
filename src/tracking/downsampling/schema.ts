// What is asked of the room, and messages about buckets of old points, which are this server's own: MLflow has none.

/** Which buckets old points go into. */
export interface DuePlan {
  /** By which a point belongs to a bucket: its time in milliseconds, or its step. */
  kind: 'time' | 'steps'
  /** From the smallest and youngest to the largest and oldest: what lies before `untilMs`, and before that of no larger one, has the size. */
  rungs: readonly { size: number; untilMs: number }[]
}
