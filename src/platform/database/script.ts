// What every engine offers for statements that belong together: a connection of their own, and more time than others have.

export interface ScriptLimits {
  /** Milliseconds that the database may work on each statement; on the embedded one and PostgreSQL, on all of them. */
  timeoutMs: number
  /** Ends the statement that runs. */
  signal: AbortSignal
}

/**
 * Runs statements one after the other; all or none of them where the database has transactions. Values stand in their texts.
 * @throws INVALID_PARAMETER_VALUE with the database's text, DEADLINE_EXCEEDED, CANCELLED, TEMPORARILY_UNAVAILABLE
 */
export type RunScript = (texts: readonly string[], limits: ScriptLimits) => Promise<void>
