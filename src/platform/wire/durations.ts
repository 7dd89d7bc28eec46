// Durations as policies have them: `90m`, `4w`, `1d12h`, `1y`, down to the millisecond.
import { invalidParameter } from '../../errors.ts'

const DAY_MS = 24 * 3600_000
const UNITS: Record<string, number> = {
  y: 365 * DAY_MS,
  w: 7 * DAY_MS,
  d: DAY_MS,
  h: 3600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
}
const PART = /(\d+(?:\.\d+)?)(ms|[ywdhms])/g
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|[ywdhms]))+$/
/** A thousand years: what is longer is a mistake. */
const LONGEST_MS = 1000 * 365 * DAY_MS

/**
 * Milliseconds of a duration; a year has 365 days.
 * @throws INVALID_PARAMETER_VALUE for what is none, is nothing, or is longer than a thousand years
 */
export function parseDuration(text: string, field: string): number {
  const trimmed = text.trim()
  const parts = WHOLE.test(trimmed) ? [...trimmed.matchAll(PART)] : []
  const ms = Math.trunc(
    parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 0), 0),
  )
  if (ms >= 1 && ms <= LONGEST_MS) return ms
  throw invalidParameter(
    `Invalid value '${text.slice(0, 100)}' for parameter '${field}': use a duration such as 90m, 12h, 4w, 365d or 1y, up to 1000y.`,
  )
}

/** Whether the calendar has the day: the 30th of February would be read as one of March. */
const isDay = (text: string): boolean => {
  const day = text.slice(0, 10)
  const ms = Date.parse(day)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day)
}

const EARLIEST_MS = Date.UTC(1000, 0)
const LATEST_MS = Date.UTC(9999, 11)

/**
 * The time from which durations count back: now, unless another one is given in ISO 8601 or milliseconds.
 * @throws INVALID_PARAMETER_VALUE
 */
export function parseCutoff(text: string | undefined, nowMs: number): number {
  if (!text) return nowMs
  const isMs = /^\d{1,16}$/.test(text)
  const isIso = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text)
  const ms = isMs ? Number(text) : isIso && isDay(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN
  // What is to come is not old: with such a time all would go.
  if (ms > nowMs && ms <= LATEST_MS)
    throw invalidParameter(
      `Invalid value '${text.slice(0, 100)}' for parameter 'cutoff': it lies in the future.`,
    )
  if (ms <= LATEST_MS && ms >= 0) return ms
  throw invalidParameter(
    `Invalid value '${text.slice(0, 100)}' for parameter 'cutoff': use a time such as 2026-01-31, 2026-01-31T12:00:00Z or milliseconds since 1970.`,
  )
}

/** What is older than the duration before the time; never before calendars that all databases have. */
export const cutoffOf = (durationMs: number, fromMs: number): number =>
  Math.max(fromMs - durationMs, EARLIEST_MS)
