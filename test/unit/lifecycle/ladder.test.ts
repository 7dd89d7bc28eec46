// Ladders of policies that thin old points: what is read, what is refused, and which times their steps have.
import { describe, expect, it } from 'vitest'
import { parseLadder, rungsAt } from '../../../src/lifecycle/downsampling/ladder.schema.ts'

const DAY_MS = 24 * 3600_000

describe('a ladder', () => {
  it.each([
    ['1m:30d,1h:210d', 'time', [60_000, 3600_000], [30, 210]],
    [' 90s : 1d , 1h : 2d ', 'time', [90_000, 3600_000], [1, 2]],
    ['100steps:30d,1000steps:1y', 'steps', [100, 1000], [30, 365]],
    ['1step:1w', 'steps', [1], [7]],
  ])('reads %s', (text, kind, sizes, days) => {
    const { rungs, ...ladder } = parseLadder(text)
    expect(ladder.kind).toBe(kind)
    expect(rungs.map(({ size }) => size)).toEqual(sizes)
    expect(rungs.map(({ ageMs }) => ageMs / DAY_MS)).toEqual(days)
  })

  it.each([
    ['', 'size:age'],
    ['1m', 'size:age'],
    ['1m:30d:2y', 'size:age'],
    ['1m:30d,', 'size:age'],
    ['one:30d', 'duration'],
    ['1m:old', 'duration'],
    ['0steps:30d', 'one step at least'],
    ['1m:30d,100steps:1y', 'not both'],
    ['1m:30d,1h:30d', 'ages must grow'],
    ['1m:30d,1h:7d', 'ages must grow'],
    ['1h:30d,1m:1y', 'multiple'],
    ['1m:30d,1m:1y', 'multiple'],
    ['1m:30d,90s:1y', 'multiple'],
    ['100steps:30d,150steps:1y', 'multiple'],
    [Array.from({ length: 11 }, (_, i) => `${2 ** i}m:${i + 1}d`).join(), '10 steps'],
    ['1'.repeat(600), '500 characters'],
  ])('refuses %s', (text, reason) => {
    expect(() => parseLadder(text)).toThrow(reason)
  })

  it('takes buckets of time when they are over as a whole, and steps as they are', () => {
    const nowMs = Date.UTC(2026, 10, 30, 13, 5, 7)
    const first = nowMs - DAY_MS
    expect(rungsAt(parseLadder('1m:1d,1h:2d'), first)).toEqual([
      { size: 60_000, untilMs: Date.UTC(2026, 10, 29, 13, 5) },
      { size: 3600_000, untilMs: Date.UTC(2026, 10, 28, 13) },
    ])
    expect(rungsAt(parseLadder('10steps:1d,100steps:2d'), first)).toEqual([
      { size: 10, untilMs: first },
      { size: 100, untilMs: first - DAY_MS },
    ])
  })
})
