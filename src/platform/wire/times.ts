// Times and durations as protobuf's JSON spells them.

/** Milliseconds of a protobuf Timestamp in JSON (`2026-01-02T03:04:05.678+01:00`); undefined for what is none. */
export function parseTimestamp(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text)
  if (!match) return undefined
  const seconds = Date.parse(`${match[1]}${match[3]}`)
  return Number.isNaN(seconds) ? undefined : seconds + fraction(match[2])
}

/** Milliseconds of a protobuf Duration in JSON (`-1.250s`); undefined for what is none. */
export function parseDuration(text: string): number | undefined {
  const match = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/.exec(text)
  if (!match) return undefined
  const ms = Number(match[2]) * 1000 + fraction(match[3])
  return match[1] && ms > 0 ? -ms : ms
}

/** Whole milliseconds of a fraction of a second. */
const fraction = (digits = '') => Number(digits.padEnd(3, '0').slice(0, 3))

/** A protobuf Duration in JSON: `1.250s`. */
export function durationJson(ms: number): string {
  const rest = Math.abs(ms % 1000)
  const seconds = Math.trunc(ms / 1000)
  const sign = ms < 0 && seconds === 0 ? '-' : ''
  return `${sign}${seconds}${rest === 0 ? '' : `.${String(rest).padStart(3, '0')}`}s`
}

/** A protobuf Timestamp in JSON: `2026-01-02T03:04:05.678Z`. */
export const timestampJson = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z')
