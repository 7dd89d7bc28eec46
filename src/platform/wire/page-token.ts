// Page tokens. Clients treat them as opaque; the offset in them is readable by stock MLflow too.
import { createHash } from 'node:crypto'
import { invalidParameter } from '../../errors.ts'
import { pythonLiteral, pythonRepr } from './python.ts'

/** Where a page starts: behind a row, or after so many rows when there is none to go by. */
export interface PageStart {
  offset: number
  /** The sort keys of the row before; unchecked when it comes from a client. */
  after: readonly unknown[] | undefined
}

/** No result is so long that it goes on behind it, and CrateDB counts rows by 32-bit integers. */
export const MAX_OFFSET = 2_000_000_000

/** @see mlflow/utils/search_utils.py SearchUtils.create_page_token */
const encodeOffset = (offset: number): string => Buffer.from(JSON.stringify({ offset })).toString('base64')

/** A token that goes on behind the row, if the next page is in the same order, else at the offset. */
export const encodePageStart = ({ offset, after }: PageStart, order: unknown): string =>
  Buffer.from(JSON.stringify({ offset, order: fingerprint(order), after })).toString('base64')

const fingerprint = (order: unknown): string =>
  createHash('sha256').update(JSON.stringify(order)).digest('base64url').slice(0, 12)

/** Rows in front of a page: none when it goes on behind a row. */
export const rowsToSkip = ({ offset, after }: PageStart): number => (after ? 0 : offset)

/**
 * The offset in a page token, 0 for none.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 * @see mlflow/utils/search_utils.py SearchUtils.parse_start_offset_from_page_token
 */
const decodeOffset = (token: string | undefined): number => decodePageStart(token, undefined).offset

/**
 * Where the token says that the page starts. One of another order is read as stock MLflow would: by its offset.
 * @throws INVALID_PARAMETER_VALUE with MLflow's texts
 */
export function decodePageStart(token: string | undefined, order: unknown): PageStart {
  if (!token) return { offset: 0, after: undefined }
  let decoded: unknown
  try {
    if (!/^[A-Za-z0-9+/=_-]+$/.test(token)) throw new Error('not base64')
    decoded = JSON.parse(Buffer.from(token, 'base64').toString('utf8'))
  } catch {
    throw invalidParameter(`Invalid page token, could not base64-decode ${pythonRepr(token)}`)
  }
  const { offset, order: madeFor, after } = (decoded ?? {}) as Record<string, unknown>
  if (offset === undefined || offset === null) {
    throw invalidParameter(`Invalid page token, parsed value=${pythonLiteral(decoded)}`)
  }
  if (typeof offset === 'object' || !Number.isSafeInteger(Number(offset)) || Number(offset) < 0) {
    throw invalidParameter(`Invalid page token, not stringable ${pythonLiteral(offset)}`)
  }
  // Without an order pages go on by offset alone.
  const goesOn = order !== undefined && Array.isArray(after) && madeFor === fingerprint(order)
  return { offset: Math.min(Number(offset), MAX_OFFSET), after: goesOn ? after : undefined }
}

/**
 * A page of so many rows: what its statement needs, which reads one more to see whether there is a next page, and
 * that one's token.
 * @throws INVALID_PARAMETER_VALUE as `decodePageStart`
 */
export function pageOf(token: string | undefined, order: unknown, size: number) {
  const start = decodePageStart(token, order)
  const tokenBehind = (after: PageStart['after']) =>
    encodePageStart({ offset: start.offset + size, after }, order)
  return {
    bounds: { offset: rowsToSkip(start), after: start.after, limit: size + 1 },
    tokenBehind,
    /** The page's rows of those that were read, and the next page's token. */
    cut<Row extends { place: PageStart['after'] }>(found: Row[]) {
      const last = found.length > size ? found[size - 1] : undefined
      return { rows: found.slice(0, size), nextPageToken: last && tokenBehind(last.place) }
    },
  }
}

/** As `pageOf`, of rows without sort keys to go on behind: by the offset alone. */
export function offsetPage(token: string | undefined, size: number) {
  const offset = decodeOffset(token)
  return {
    bounds: { offset, limit: size + 1 },
    /** The page's rows of those that were read, and the next page's token. */
    cut: <Row>(found: Row[]) => ({
      rows: found.slice(0, size),
      nextPageToken: found.length > size ? encodeOffset(offset + size) : undefined,
    }),
  }
}
