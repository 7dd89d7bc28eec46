// SQL that people write themselves: who may ask, for how long, and how many at once.
import { MlflowError } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { linesOf } from '../../platform/database/sql-lines.ts'
import { onlyOnce } from '../../platform/database/sql-reader.ts'
import { type Access, type Asker, isLocal } from '../../platform/wire/asker.ts'

export interface SqlLimits {
  /** Whether only clients on this machine may ask, all, or none. */
  access: Access
  /** Milliseconds that the database may work on a statement. */
  timeoutMs: number
}

export type SqlService = ReturnType<typeof createSqlService>

export function createSqlService(engine: Engine, { access, timeoutMs }: SqlLimits) {
  let running = 0

  /** @throws PERMISSION_DENIED */
  function checkAsker(asker: Asker): void {
    if (access === 'all') return
    if (access === 'off') throw denied('SQL is switched off on this server (--sql).')
    if (!isLocal(asker))
      throw denied(
        'SQL is answered to clients on the machine of the server alone, unless it runs with --sql all.',
      )
  }

  /** @throws DEADLINE_EXCEEDED that tells which setting it was */
  function explained(error: unknown): unknown {
    if (!(error instanceof MlflowError) || error.code !== 'DEADLINE_EXCEEDED') return error
    const text = `The statement took longer than ${timeoutMs / 1000} s and was ended (--sql-timeout).`
    return new MlflowError('DEADLINE_EXCEEDED', text, { cause: error })
  }

  async function* guarded(lines: AsyncGenerator<string>, signal: AbortSignal, end: () => void) {
    try {
      yield* lines
    } catch (error) {
      // The answer has begun: its status is sent.
      if (!signal.aborted) yield `${JSON.stringify(asError(explained(error)))}\n`
    } finally {
      end()
    }
  }

  return {
    /**
     * Lines of the answer to one statement that reads. Errors that come once the answer has begun are its last line.
     * @throws PERMISSION_DENIED, INVALID_PARAMETER_VALUE, DEADLINE_EXCEEDED, REQUEST_LIMIT_EXCEEDED
     */
    async query(statement: string, asker: Asker, signal: AbortSignal): Promise<AsyncGenerator<string>> {
      checkAsker(asker)
      if (running >= engine.sqlAtOnce)
        throw new MlflowError('REQUEST_LIMIT_EXCEEDED', 'Too many SQL statements are running. Please retry.')
      running++
      const answer = await engine.readSql(statement, { timeoutMs, signal }).catch((error: unknown) => {
        running--
        throw explained(error)
      })
      // Whoever left before the first line never lets the answer begin, nor end.
      const end = onlyOnce(async () => {
        running--
        await answer.close()
      })
      if (signal.aborted) void end()
      signal.addEventListener('abort', () => void end(), { once: true })
      return guarded(linesOf(answer), signal, () => void end())
    },
  }
}

const denied = (text: string) => new MlflowError('PERMISSION_DENIED', text)

const asError = (error: unknown) =>
  error instanceof MlflowError
    ? error
    : new MlflowError('INTERNAL_ERROR', 'The answer could not be read to its end.')
