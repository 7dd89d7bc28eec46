// When an event is sent again, and how many deliveries go on at once.
import { describe, expect, it } from 'vitest'
import { judge, pauseMs } from '../../../../src/registry/webhooks/retries.ts'
import { createSlots } from '../../../../src/registry/webhooks/slots.ts'

const nowMs = Date.UTC(2026, 0, 1)

describe('retries', () => {
  it.each([
    [200, 'taken'],
    [204, 'taken'],
    [301, 'refused'],
    [400, 'refused'],
    [404, 'refused'],
    [429, 'later'],
    [500, 'later'],
    [501, 'refused'],
    [503, 'later'],
    [504, 'later'],
  ] as const)('take status %i for %s', (status, expected) => {
    expect(judge({ status })).toBe(expected)
  })

  it('wait 1, 2, 4 … 60 seconds, and up to a second more', () => {
    const pauses = [1, 2, 3, 6, 7, 50].map((failures) => pauseMs(failures, { nowMs, random: 0 }))
    expect(pauses).toEqual([1000, 2000, 4000, 32_000, 60_000, 60_000])
    expect(pauseMs(1, { nowMs, random: 0.5 })).toBe(1500)
  })

  it.each([
    ['7', 7000],
    ['0', 1000],
    ['999999', 3_600_000],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 1000],
    ['soon', 1000],
  ])('wait as long as Retry-After %s asks for, within reason', (retryAfter, expected) => {
    expect(pauseMs(1, { retryAfter, nowMs, random: 0 })).toBe(expected)
  })
})

describe('slots', () => {
  it('leave half of them to other webhooks', () => {
    const slots = createSlots(4)
    const first = slots.take('slow')
    expect(slots.take('slow')).toBeDefined()
    expect(slots.take('slow')).toBeUndefined()
    expect(slots.full()).toEqual(['slow'])
    expect(slots.take('a')).toBeDefined()
    expect(slots.take('b')).toBeDefined()
    expect(slots.isOpen()).toBe(false)
    expect(slots.take('c')).toBeUndefined()
    first?.()
    first?.()
    expect(slots.full()).toEqual([])
    expect(slots.take('c')).toBeDefined()
    expect(slots.isOpen()).toBe(false)
  })

  it('serve a webhook even if there is one slot alone', () => {
    expect(createSlots(1).take('a')).toBeDefined()
  })
})
