// Which time a partition holds: what its value says, and where that period ends.
import type { PartitionValue } from './aging.ts'

const DAY_MS = 24 * 3600_000
const LATEST_MS = Date.UTC(9999, 11)

const FIXED: Record<string, number> = {
  second: 1000,
  minute: 60_000,
  hour: 3600_000,
  day: DAY_MS,
  week: 7 * DAY_MS,
}
const MONTHS: Record<string, number> = { month: 1, quarter: 3, year: 12 }

/** Texts of periods that are told by what they lack. */
const TEXTS: [shape: RegExp, unit: string, rest: string][] = [
  [/^\d{4}$/, 'year', '-01-01'],
  [/^\d{4}-\d{2}$/, 'month', '-01'],
  [/^\d{4}-\d{2}-\d{2}$/, 'day', ''],
]

/** The last argument of a function: a column, or what other functions make of some. */
const LAST = String.raw`(?:[^,()]|\((?:[^()]|\([^()]*\))*\))+`
/** A cut to a unit, which may be that of a time zone; how CrateDB spells it. */
const CUT = new RegExp(`^date_trunc\\('(\\w+)', (?:('[^']*'), )?${LAST}\\)$`)
/** A text of a time in a time zone. */
const ZONED_TEXT = /^date_format\('[^']*', '/
/** Days of time zones begin up to 14 hours before those of UTC, and up to 12 behind: so much later is behind the same day's beginning in each. */
const ZONES_MS = 26 * 3600_000

/**
 * What integers are read as: milliseconds since 1970. Those before March 1973 are seconds, years or other numbers, by which all would be old.
 */
export const LEAST_BIGINT_MS = 1e11

/**
 * When the period ends that begins with the value, in milliseconds: of `2026-01` with January; of a time in a column that is cut to a month
 * likewise; of any other time, with itself. It is never too early: of periods of time zones it may be a day or two too late.
 * @returns undefined for what is no time, or is computed in a way that tells no period
 */
export function periodEnd(
  value: PartitionValue,
  { type, computed }: { type: string; computed: string },
): number | undefined {
  if (typeof value === 'string') {
    const text = TEXTS.find(([shape]) => shape.test(value))
    const beginMs = text ? Date.parse(`${value}${text[2]}T00:00:00.000Z`) : isoTime(value)
    if (Number.isNaN(beginMs)) return undefined
    return endOf(beginMs + (ZONED_TEXT.test(computed) ? ZONES_MS : 0), text?.[1])
  }
  const isTime = type.startsWith('timestamp') || (type === 'bigint' && Number(value) >= LEAST_BIGINT_MS)
  // A number that JavaScript rounded could be another partition.
  if (typeof value !== 'number' || !isTime || !Number.isSafeInteger(value)) return undefined
  if (computed === '') return value
  const [, unit, zone] = CUT.exec(computed) ?? []
  return unit === undefined ? undefined : endOf(value + (zone ? ZONES_MS : 0), unit.toLowerCase())
}

/** The month, as `2026-01`, that the value of a partition lies in or begins; undefined for what is no time. */
export function monthOfPartition(value: PartitionValue): string | undefined {
  if (typeof value === 'string') return /^\d{4}-(?:0\d|1[0-2])(?=$|-)/.exec(value)?.[0]
  const isTime = typeof value === 'number' && Math.abs(value) > DAY_MS && Math.abs(value) < LATEST_MS
  return isTime ? new Date(value).toISOString().slice(0, 7) : undefined
}

/** A time with a zone; without one it could be any. */
const isoTime = (text: string): number =>
  /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/.test(text)
    ? Date.parse(text)
    : Number.NaN

function endOf(beginMs: number, unit: string | undefined): number | undefined {
  if (unit === undefined) return beginMs
  const months = MONTHS[unit]
  if (months === undefined) return FIXED[unit] === undefined ? undefined : beginMs + FIXED[unit]
  const begin = new Date(beginMs)
  if (Number.isNaN(begin.getTime())) return undefined
  return begin.setUTCMonth(begin.getUTCMonth() + months)
}
