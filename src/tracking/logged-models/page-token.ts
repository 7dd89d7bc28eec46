// Page tokens of the search over logged models: they carry the search, so that a token cannot go on with another one.
import { invalidParameter } from '../../errors.ts'
import { MAX_OFFSET } from '../../platform/wire/page-token.ts'
import { pythonJson, pythonLiteral } from '../../platform/wire/python.ts'

/** What a token must agree with. Absent parts are null, as in MLflow's tokens, which are readable here. */
export interface SearchOfToken {
  experiment_ids: string[]
  filter_string: string | null
  order_by:
    | {
        field_name: string
        ascending: boolean
        dataset_name: string | null
        dataset_digest: string | null
      }[]
    | null
}

/** @see mlflow/utils/search_utils.py SearchLoggedModelsPaginationToken.encode */
export const encodeSearchToken = (search: SearchOfToken, offset: number): string =>
  Buffer.from(JSON.stringify({ ...search, offset })).toString('base64')

/**
 * The offset in a token, 0 without a token.
 * @throws INVALID_PARAMETER_VALUE when it is none, or when it is of another search
 * @see mlflow/utils/search_utils.py SearchLoggedModelsPaginationToken.decode, validate
 */
export function decodeSearchToken(token: string | undefined, search: SearchOfToken): number {
  if (!token) return 0
  const read = readToken(token)
  const mustMatch = (name: string, expected: unknown, found: unknown, show: (value: unknown) => string) => {
    if (pythonJson(expected) === pythonJson(found)) return
    throw invalidParameter(
      `${name} in the page token ${name.endsWith('s') ? 'do' : 'does'} not match the requested ${inSentence(name)}. Expected: ${show(expected)}. Found: ${show(found)}`,
    )
  }
  const showText = (value: unknown) => (typeof value === 'string' ? value : pythonLiteral(value))
  mustMatch('Experiment IDs', search.experiment_ids, read.experiment_ids ?? null, pythonLiteral)
  mustMatch('Filter string', search.filter_string, read.filter_string || null, showText)
  mustMatch('Order by', search.order_by, emptyToNull(read.order_by), pythonLiteral)
  // What is no plain value may bring its own idea of a number, or none.
  if (typeof read.offset === 'object' && read.offset !== null) throw notAToken(token)
  const offset = Number(read.offset ?? 0)
  if (!Number.isSafeInteger(offset)) throw notAToken(token)
  return Math.min(Math.max(0, offset), MAX_OFFSET)
}

const inSentence = (name: string) => name[0]?.toLowerCase() + name.slice(1)

const emptyToNull = (list: unknown) => (Array.isArray(list) && list.length === 0 ? null : list || null)

const notAToken = (token: string) =>
  invalidParameter(`Invalid page token: ${token}. Expecting value: line 1 column 1 (char 0)`)

function readToken(token: string): Record<string, unknown> {
  try {
    const read: unknown = JSON.parse(Buffer.from(token, 'base64').toString('utf8'))
    if (read !== null && typeof read === 'object' && !Array.isArray(read))
      return read as Record<string, unknown>
  } catch {
    throw notAToken(token)
  }
  throw notAToken(token)
}
