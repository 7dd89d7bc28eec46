// HTTP's Range and conditional headers for files, answered as MLflow's two servers answer them.
import type { IncomingHttpHeaders } from 'node:http'
import type { ArtifactStat, ByteRange } from './stores/store.ts'

/** More ranges than this in one request are ignored: the whole file is sent. */
const MAX_RANGES = 100

export type RangeAnswer =
  | { kind: 'whole' }
  | { kind: 'ranges'; ranges: ByteRange[] }
  | { kind: 'unsatisfiable' }
  | { kind: 'malformed'; reason: string }

const malformed = (reason: string): RangeAnswer => ({ kind: 'malformed', reason })

/**
 * The parts of a file that a `Range` header asks for, in order and merged where they overlap.
 * @see starlette.responses.FileResponse, whose texts a client sees
 */
export function parseRange(header: string, totalBytes: number): RangeAnswer {
  const equals = header.indexOf('=')
  if (equals < 0) return malformed('Malformed range header.')
  if (header.slice(0, equals).trim().toLowerCase() !== 'bytes') return malformed('Only support bytes range')
  const parts = header.slice(equals + 1).split(',')
  if (parts.length > MAX_RANGES) return { kind: 'whole' }
  const ranges = parts.flatMap((part) => parseOne(part, totalBytes))
  if (ranges.length === 0) return malformed('Range header: range must be requested')
  if (ranges.some(({ start }) => start >= totalBytes)) return { kind: 'unsatisfiable' }
  if (ranges.some(({ start, end }) => start > end)) {
    return malformed('Range header: start must be less than end')
  }
  return { kind: 'ranges', ranges: merge(ranges) }
}

function parseOne(part: string, totalBytes: number): ByteRange[] {
  const match = /^\s*(\d*)\s*-\s*(\d*)\s*$/.exec(part)
  if (!match || (match[1] === '' && match[2] === '')) return []
  const [first, last] = [Number(match[1]), Number(match[2])]
  if (match[1] === '') return [{ start: Math.max(totalBytes - last, 0), end: totalBytes - 1 }]
  return [{ start: first, end: match[2] === '' ? totalBytes - 1 : Math.min(last, totalBytes - 1) }]
}

function merge(ranges: ByteRange[]): ByteRange[] {
  const merged: ByteRange[] = []
  for (const range of ranges.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    const last = merged.at(-1)
    if (last && range.start <= last.end + 1) last.end = Math.max(last.end, range.end)
    else merged.push({ ...range })
  }
  return merged
}

export const httpDate = (date: Date): string => date.toUTCString()

/** Whether a `Range` may be honoured: `If-Range` is absent or names this very state of the file. */
export function rangeApplies(headers: IncomingHttpHeaders, stat: ArtifactStat): boolean {
  const condition = headers['if-range']
  return condition === undefined || condition === stat.etag || condition === httpDate(stat.lastModified)
}

/** Whether the client already holds this state of the file, by `If-None-Match` or else `If-Modified-Since`. */
export function isUnchanged(headers: IncomingHttpHeaders, stat: ArtifactStat): boolean {
  const tags = headers['if-none-match']
  if (tags !== undefined) {
    return tags.split(',').some((tag) => ['*', stat.etag].includes(tag.trim().replace(/^W\//, '')))
  }
  const since = Date.parse(headers['if-modified-since'] ?? '')
  return since >= Math.floor(stat.lastModified.getTime() / 1000) * 1000
}
