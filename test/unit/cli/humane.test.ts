import { describe, expect, it } from 'vitest'
import { duration, isoTime, shortNumber, size, timeAgo } from '../../../src/cli/humane.ts'
import { csvLine } from '../../../src/cli/remote/fields.ts'
import { showsColours } from '../../../src/cli/terminal.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const NOW = Date.UTC(2026, 10, 30, 12)

describe('what people are told', () => {
  it.each([
    [0, 'just now'],
    [4 * SECOND, 'just now'],
    [59 * SECOND, '59 s ago'],
    [3.9 * MINUTE, '3 min ago'],
    [23 * HOUR, '23 h ago'],
    [29 * DAY, '29 d ago'],
    [30 * DAY, '2026-10-31'],
    [-59 * SECOND, 'just now'],
    [-2 * HOUR, 'in 2 h'],
    [-40 * DAY, '2027-01-09'],
    [NOW + 70_000 * 365 * DAY, '-067984-06-23'],
  ])('%d ms before now is %j', (passed, text) => {
    expect(timeAgo(NOW - passed, NOW)).toBe(text)
  })

  it.each([
    [0, '0 ms'],
    [0.0421, '0.042 ms'],
    [850.4, '850 ms'],
    [999.6, '1000 ms'],
    [1234, '1.2 s'],
    [59_940, '59.9 s'],
    [59_960, '1 min'],
    [184_000, '3 min 4 s'],
    [2 * HOUR + 5 * MINUTE + 1, '2 h 5 min'],
    [2 * DAY + 5 * HOUR, '2 d 5 h'],
    [3 * DAY + MINUTE, '3 d'],
    [-1500, '-1.5 s'],
  ])('%d ms is a duration of %j', (ms, text) => {
    expect(duration(ms)).toBe(text)
  })

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [10 * 1024, '10 KiB'],
    [1024 * 1024 - 1, '1.0 MiB'],
    [5 * 1024 ** 3, '5.0 GiB'],
    [2 ** 60, '1024 PiB'],
  ])('%d bytes are %j', (bytes, text) => {
    expect(size(bytes)).toBe(text)
  })

  it.each([
    [0.1 + 0.2, '0.3'],
    [123456789, '123456789'],
    [1234567.8, '1234570'],
    [1e-9, '1e-9'],
    [1e300, '1e+300'],
    [9007199254740993n, '9007199254740993'],
  ])('the number %d is %j', (number, text) => {
    expect(shortNumber(number)).toBe(text)
  })

  it('a time that no calendar reaches is its number', () => {
    expect(isoTime(2 ** 62)).toBe('4611686018427388000')
  })
})

describe('CSV', () => {
  const elsewhere = { width: undefined, paint: (text: string) => text }

  it('is quoted by RFC 4180, and exact', () => {
    const values = ['plain', 'a,b', 'say "so"', 'two\nlines', '', '\u001b[31m']
    expect(csvLine(values, elsewhere)).toBe('plain,"a,b","say ""so""","two\nlines",,\u001b[31m\n')
  })

  it('says nothing on a terminal that it would obey', () => {
    expect(csvLine(['\u001b[31m', 'two\nlines'], { ...elsewhere, width: 80 })).toBe('\\x1b[31m,two\\nlines\n')
  })
})

describe('colours', () => {
  it.each<[Record<string, string>, boolean, boolean]>([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
    [{ TERM: 'dumb' }, true, false],
  ])('%j on a terminal: %j gives %j', (env, isTerminal, shown) => {
    expect(showsColours(env, isTerminal)).toBe(shown)
  })
})
