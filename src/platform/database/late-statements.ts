// Remembers for a while which statements ran out of time. Clients ask the same again at once, several times.
import { createHash } from 'node:crypto'
import { MlflowError } from '../../errors.ts'
import { toText } from './values.ts'

/** The stock client repeats what was answered with 504 seven times; see Retry-After in http/error-handler.ts. */
const REMEMBERED_MS = 30_000
const MAX_REMEMBERED = 1000

interface Statement {
  text: string
  params: unknown[]
}

export interface LateStatements {
  /** @throws DEADLINE_EXCEEDED when the same statement ran out of time lately */
  check(statement: Statement): void
  /** Remembers the statement when this is how it ended. */
  note(statement: Statement, error: unknown): void
}

export function createLateStatements(): LateStatements {
  /** Oldest first. */
  const late = new Map<string, { until: number; error: MlflowError }>()
  return {
    check(statement) {
      if (late.size === 0) return
      const now = Date.now()
      for (const [key, { until }] of late) {
        if (until > now) break
        late.delete(key)
      }
      const known = late.size > 0 && late.get(keyOf(statement))
      if (known) throw known.error
    },
    note(statement, error) {
      if (!(error instanceof MlflowError) || error.code !== 'DEADLINE_EXCEEDED') return
      late.set(keyOf(statement), { until: Date.now() + REMEMBERED_MS, error })
      const [oldest] = late.keys()
      if (late.size > MAX_REMEMBERED && oldest !== undefined) late.delete(oldest)
    },
  }
}

function keyOf({ text, params }: Statement): string {
  const hash = createHash('sha1').update(text)
  for (const value of params) hash.update(`\0${toText(value)}`)
  return hash.digest('base64')
}
