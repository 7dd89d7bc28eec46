// Statements that belong together on the embedded database: one message, which is one transaction, and which all else waits for.
import { serialize } from 'pg-protocol'
import { cancelled } from '../../errors.ts'
import { QUERY_CANCELED, statementTimedOut } from './errors.ts'
import { framesOf } from './pglite-frames.ts'
import { throwError } from './pglite-reader.ts'
import type { PgliteThread } from './pglite-thread.ts'
import type { RunScript } from './script.ts'

/** @param thread the database's thread, of which there is another one after it died */
export function createPgliteScript(thread: () => Promise<PgliteThread>): RunScript {
  return async (texts, { timeoutMs, signal }) => {
    const on = await thread()
    const answer = await on.exchange([serialize.query(texts.join(';\n'))], { limitMs: timeoutMs, signal })
    try {
      framesOf(answer).forEach(throwError)
    } catch (error) {
      if ((error as { sqlstate?: string }).sqlstate !== QUERY_CANCELED) throw error
      throw signal.aborted ? cancelled() : statementTimedOut(timeoutMs, error)
    }
  }
}
