// Page tokens. Clients treat them as opaque; the offset form is readable by stock MLflow too.
import { invalidParameter } from '../errors.ts'
import { pythonRepr } from './python.ts'

/** @see mlflow/utils/search_utils.py SearchUtils.create_page_token */
export const encodeOffset = (offset: number): string =>
  Buffer.from(JSON.stringify({ offset })).toString('base64')

/**
 * The offset in a page token, 0 for none.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 * @see mlflow/utils/search_utils.py SearchUtils.parse_start_offset_from_page_token
 */
export function decodeOffset(token: string | undefined): number {
  if (!token) return 0
  let decoded: unknown
  try {
    if (!/^[A-Za-z0-9+/=_-]+$/.test(token)) throw new Error('not base64')
    decoded = JSON.parse(Buffer.from(token, 'base64').toString('utf8'))
  } catch {
    throw invalidParameter(`Invalid page token, could not base64-decode ${pythonRepr(token)}`)
  }
  const offset = (decoded as { offset?: unknown } | null)?.offset
  if (offset === undefined || offset === null) {
    throw invalidParameter(`Invalid page token, parsed value=${JSON.stringify(decoded)}`)
  }
  if (!Number.isSafeInteger(Number(offset)) || Number(offset) < 0) {
    throw invalidParameter(`Invalid page token, not stringable ${String(offset)}`)
  }
  return Number(offset)
}
