// How times, durations, sizes and numbers are told to people.

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const UNITS: [name: string, ms: number][] = [
  ['d', DAY],
  ['h', HOUR],
  ['min', MINUTE],
  ['s', SECOND],
]

/** `3 min ago`; the day for what is a month away or more. Clocks that differ by seconds make no future. */
export function timeAgo(ms: number, nowMs: number): string {
  const passed = nowMs - ms
  const distance = Math.abs(passed)
  if (distance < 5 * SECOND || (passed < 0 && distance < MINUTE)) return 'just now'
  if (distance >= 30 * DAY) return isoTime(ms).slice(0, isoTime(ms).indexOf('T'))
  const [name, unit] = UNITS.find(([, unit]) => distance >= unit) ?? ['s', SECOND]
  const count = `${Math.floor(distance / unit)} ${name}`
  return passed > 0 ? `${count} ago` : `in ${count}`
}

/** ISO 8601 in UTC, `2026-11-30T05:50:07.123Z`; the number itself where no calendar reaches. */
export function isoTime(ms: number): string {
  const time = new Date(ms)
  return Number.isNaN(time.getTime()) ? String(ms) : time.toISOString()
}

/** `850 ms`, `1.2 s`, `3 min 4 s`, `2 d 5 h`: two units at most. */
export function duration(ms: number): string {
  if (ms < 0) return `-${duration(-ms)}`
  if (ms < SECOND) return `${ms < 10 && ms > 0 ? shortNumber(Number(ms.toPrecision(2))) : Math.round(ms)} ms`
  if (ms < 59.95 * SECOND) return `${(ms / SECOND).toFixed(1)} s`
  const whole = Math.round(ms / SECOND) * SECOND
  const largest = UNITS.findIndex(([, unit]) => whole >= unit)
  const [name, unit] = UNITS[largest] ?? ['s', SECOND]
  const [lesser, small] = UNITS[largest + 1] ?? ['', 0]
  const rest = small ? Math.floor((whole % unit) / small) : 0
  return `${Math.floor(whole / unit)} ${name}${rest > 0 ? ` ${rest} ${lesser}` : ''}`
}

/** `512 B`, `1.5 KiB`, `12 MiB` */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = bytes
  let unit = 0
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}

/** `1 row, 512 B`, `12 rows` where bytes are not known */
export function rowsText(rows: number, bytes: number): string {
  return `${rows} ${rows === 1 ? 'row' : 'rows'}${bytes > 0 ? `, ${size(bytes)}` : ''}`
}

/** Six digits that count; whole numbers whole. */
export function shortNumber(value: number | bigint): string {
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return String(value)
  return String(Number(value.toPrecision(6)))
}
