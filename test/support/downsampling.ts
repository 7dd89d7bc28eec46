// Histories that are downsampled in tests: logged, read, and compared with what was logged.
import { expect } from 'vitest'
import type { BucketWire } from '../../src/tracking/downsampling/schema.ts'
import type { Metric } from '../../src/tracking/metrics/schema.ts'
import { type Ask, ask } from './full-experiment.ts'
import { DAY_MS } from './retention.ts'

const V2 = '/api/2.0/mlflow'

export interface Logged {
  value: number | 'NaN' | 'Infinity' | '-Infinity'
  timestamp: number
  step: number
}

/** What a history is made of, as it is stored. */
const SPECIAL: Record<string, number> = { NaN: 0, Infinity: Number.MAX_VALUE, '-Infinity': -Number.MAX_VALUE }
const storedOf = (value: Logged['value']): number =>
  typeof value === 'number' ? value : (SPECIAL[value] ?? 0)

/** The same for the same point, as it is logged and as it is read. */
export const idOf = ({ value, timestamp, step }: { value: unknown; timestamp: unknown; step: unknown }) =>
  `${timestamp} ${step} ${value === 'NaN' ? 'NaN' : storedOf(value as Logged['value'])}`

export async function logPoints(request: Ask, run_id: string, key: string, points: readonly Logged[]) {
  for (let i = 0; i < points.length; i += 1000)
    await ask(request, 'POST', `${V2}/runs/log-batch`, {
      run_id,
      metrics: points.slice(i, i + 1000).map((point) => ({ key, ...point })),
    })
}

export async function historyOf(request: Ask, run: string, key: string): Promise<Metric[]> {
  const path = `${V2}/metrics/get-history?run_id=${run}&metric_key=${key}`
  return (await ask<{ metrics?: Metric[] }>(request, 'GET', path)).metrics ?? []
}

/** All of them, page by page. */
export async function bucketsOf(request: Ask, run: string, key: string): Promise<BucketWire[]> {
  const path = `/api/crateflow/1.0/metrics/get-buckets?run_id=${run}&metric_key=${key}&max_results=100`
  const all: BucketWire[] = []
  for (let token = ''; ; ) {
    const page = await ask<{ buckets: BucketWire[]; next_page_token?: string }>(
      request,
      'GET',
      `${path}${token && `&page_token=${token}`}`,
    )
    all.push(...page.buckets)
    token = page.next_page_token ?? ''
    if (!token) return all
  }
}

/**
 * Proves that each point of the metric `m` is in one bucket, or is still there and in none; that what is there was logged, once; and that extremes stayed.
 * @param untilMs what is older, but for a day, is in buckets
 */
export async function expectNothingLost(
  request: Ask,
  id: string,
  { logged, untilMs }: { logged: readonly Logged[]; untilMs: number },
): Promise<void> {
  const [left, found] = [await historyOf(request, id, 'm'), await bucketsOf(request, id, 'm')]
  const ids = new Set(left.map(idOf))
  expect(ids.size).toBe(left.length)
  const kept = new Set(
    found.flatMap(({ first, last, min, max, latest, nan }) =>
      [first, last, min, max, latest, nan].filter((point) => point !== undefined).map(idOf),
    ),
  )
  for (const one of kept) expect(ids).toContain(one)
  const loose = left.filter((point) => !kept.has(idOf(point)))
  for (const { timestamp } of loose) expect(Number(timestamp)).toBeGreaterThanOrEqual(untilMs - DAY_MS)
  const known = new Set(logged.map(idOf))
  for (const one of ids) expect(known).toContain(one)
  const all = logged.map(({ value }) => value)
  const isNumber = (value: unknown) => typeof value === 'number' && Math.abs(value) < Number.MAX_VALUE
  const sum = (values: readonly unknown[]) =>
    values.filter(isNumber).reduce((total: number, value) => total + Number(value), 0)
  const total = (of: (bucket: BucketWire) => number) => found.reduce((all, bucket) => all + of(bucket), 0)
  const looseValues = loose.map(({ value }) => value)
  const nans = (values: readonly unknown[]) => values.filter((value) => value === 'NaN').length
  expect(total(({ count }) => count) + loose.length).toBe(logged.length)
  expect(total(({ nan_count }) => nan_count) + nans(looseValues)).toBe(nans(all))
  expect(total(({ sum }) => sum) + sum(looseValues)).toBe(sum(all))
  const numbers = logged.filter(({ value }) => value !== 'NaN').map(({ value }) => storedOf(value))
  const shown = left.filter(({ value }) => value !== 'NaN').map(({ value }) => Number(value))
  expect([Math.min(...shown), Math.max(...shown)]).toEqual([Math.min(...numbers), Math.max(...numbers)])
}
