// Old points of metrics in buckets: nothing of what they sum up to is lost, charts keep their shape, and what everybody sees stays as it is.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { BucketWire } from '../../../src/tracking/downsampling/schema.ts'
import type { Metric } from '../../../src/tracking/metrics/schema.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { tries } from '../../support/chance.ts'
import { describeEachEngine } from '../../support/engines.ts'
import { ask, createExperiment, createRun } from '../../support/full-experiment.ts'
import { DAY_MS, retentionOf } from '../../support/retention.ts'

const V2 = '/api/2.0/mlflow'
const MINUTE_MS = 60_000

interface Logged {
  value: number | 'NaN' | 'Infinity' | '-Infinity'
  timestamp: number
  step: number
}

describeEachEngine('downsampling of metrics', (target) => {
  let app: TestApp
  let retention: ReturnType<typeof retentionOf>
  let nowMs = Date.UTC(2026, 10, 30, 12)
  let experiment = ''
  beforeAll(async () => {
    app = await startApp(target, { clock: { now: () => nowMs } })
    retention = retentionOf(app.request)
    experiment = await createExperiment(app.request, 'downsampled')
  })
  afterAll(() => app.close())

  const get = <T>(path: string) => ask<T>(app.request, 'GET', path)
  const log = async (run_id: string, key: string, points: readonly Logged[]) => {
    for (let i = 0; i < points.length; i += 1000)
      await ask(app.request, 'POST', `${V2}/runs/log-batch`, {
        run_id,
        metrics: points.slice(i, i + 1000).map((point) => ({ key, ...point })),
      })
  }
  const history = async (run: string, key: string) =>
    (await get<{ metrics?: Metric[] }>(`${V2}/metrics/get-history?run_id=${run}&metric_key=${key}`))
      .metrics ?? []
  const sampled = async (run: string, key: string) =>
    (
      await get<{ metrics?: Metric[] }>(
        `${V2}/metrics/get-history-bulk-interval?run_ids=${run}&metric_key=${key}&max_results=2500`,
      )
    ).metrics ?? []
  async function buckets(run: string, key: string): Promise<BucketWire[]> {
    const all: BucketWire[] = []
    for (let token = ''; ; ) {
      const page = await get<{ buckets: BucketWire[]; next_page_token?: string }>(
        `/api/crateflow/1.0/metrics/get-buckets?run_id=${run}&metric_key=${key}&max_results=7${token && `&page_token=${token}`}`,
      )
      all.push(...page.buckets)
      token = page.next_page_token ?? ''
      if (!token) return all
    }
  }
  const policy = (name: string, ladder: string, more: object = {}) =>
    retention.create({ name, target: 'metrics', strategy: 'downsample', ladder, ...more })
  const run = async (name: string, more: object = {}) => {
    const { execution, steps } = await retention.run(name, more)
    expect(execution.state, execution.message).toBe('succeeded')
    return { ...execution, steps }
  }
  const newRun = () => createRun(app.request, experiment)

  it('keeps the first, last, least, greatest and latest point of each minute, and one NaN; older ones of each hour', async () => {
    const start = nowMs - 40 * DAY_MS
    const id = await newRun()
    const points = Array.from({ length: 7200 }, (_, i) => ({
      value: Math.round(Math.sin(i / 300) * 1024) / 8 + (i === 1234 ? 500 : 0),
      timestamp: start + i * 1000,
      step: i,
    }))
    await log(id, 'loss', points)
    await log(id, 'young', [{ value: 1, timestamp: nowMs, step: 1 }])
    const before = await get<object>(`${V2}/runs/get?run_id=${id}`)
    await policy('minutes', '1m:30d,1h:210d')
    const [plan] = await retention.preview({ policy_ids: ['minutes'] })
    expect(plan).toMatchObject({ rows: 7200, step_count: 1 })
    const { rows } = await run('minutes')
    const left = await history(id, 'loss')
    expect(left).toHaveLength(7200 - rows)
    expect(left.length).toBeLessThan(120 * 4 + 1)
    expect(new Set(left.map(({ timestamp }) => timestamp)).size).toBe(left.length)
    const found = await buckets(id, 'loss')
    expect(found).toHaveLength(120)
    for (const [i, bucket] of found.entries()) {
      const own = points.slice(i * 60, (i + 1) * 60)
      const values = own.map(({ value }) => value)
      expect(bucket).toMatchObject({ kind: 'time', size: MINUTE_MS, start: start + i * MINUTE_MS, count: 60 })
      expect(bucket.sum).toBe(values.reduce((sum, value) => sum + value, 0))
      expect([bucket.first, bucket.last]).toEqual([own[0], own[59]])
      expect([bucket.min?.value, bucket.max?.value]).toEqual([Math.min(...values), Math.max(...values)])
    }
    expect(left.some(({ value }) => Number(value) > 300)).toBe(true)
    expect(await get<object>(`${V2}/runs/get?run_id=${id}`)).toEqual(before)
    expect(await history(id, 'young')).toHaveLength(1)
    expect((await sampled(id, 'loss')).map(({ step }) => step)).toEqual(left.map(({ step }) => step))
    // Nothing is left to do, and nothing is done.
    expect(await retention.preview({ policy_ids: ['minutes'] })).toMatchObject([{ step_count: 0 }])
    nowMs += 200 * DAY_MS
    expect(await run('minutes')).toMatchObject({ steps_done: 1 })
    const hours = await buckets(id, 'loss')
    expect(hours.map(({ count, size }) => [count, size])).toEqual([
      [3600, 60 * MINUTE_MS],
      [3600, 60 * MINUTE_MS],
    ])
    expect(hours.reduce((sum, bucket) => sum + bucket.sum, 0)).toBe(
      points.reduce((sum, { value }) => sum + value, 0),
    )
    expect((await history(id, 'loss')).length).toBeLessThan(9)
    expect(await get<object>(`${V2}/runs/get?run_id=${id}`)).toEqual(before)
    await retention.post('policies/delete', { policy_id: 'minutes' })
  })
  /** What a history is made of, as it is stored. */
  const SPECIAL: Record<string, number> = {
    NaN: 0,
    Infinity: Number.MAX_VALUE,
    '-Infinity': -Number.MAX_VALUE,
  }
  const storedOf = (value: Logged['value']): number =>
    typeof value === 'number' ? value : (SPECIAL[value] ?? 0)
  const idOf = ({ value, timestamp, step }: { value: unknown; timestamp: unknown; step: unknown }) =>
    `${timestamp} ${step} ${value === 'NaN' ? 'NaN' : storedOf(value as Logged['value'])}`

  /** A day's points at times and steps that often coincide, each another one. */
  const points = (first: number) =>
    fc
      .array(
        fc.record({
          daysAgo: fc.integer({ min: 0, max: 300 }),
          seconds: fc.oneof(fc.integer({ min: 0, max: 86_399 }), fc.integer({ min: 0, max: 3 })),
          step: fc.oneof(fc.integer({ min: -50, max: 400 }), fc.integer({ min: 0, max: 3 })),
          value: fc.oneof(
            { weight: 9, arbitrary: fc.integer({ min: -999, max: 999 }) },
            fc.constantFrom('NaN', 'Infinity', '-Infinity'),
          ),
        }),
        { minLength: 1, maxLength: 60 },
      )
      .map((list) =>
        list.map(({ daysAgo, seconds, step, value }, i) => ({
          daysAgo,
          seconds,
          step,
          value: (typeof value === 'number' ? value * 1024 + first + i / 128 : value) as Logged['value'],
        })),
      )

  it('sums up in buckets to what was logged, whatever came late and however ladders changed', async () => {
    const ladders = ['1h:10d,1d:60d', '1d:10d', '7steps:10d,70steps:60d', '90m:20d,1d:100d']
    await policy('any', '1d:10d')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(points(0), fc.constantFrom(...ladders), fc.integer({ min: 0, max: 40 })), {
          minLength: 1,
          maxLength: 4,
        }),
        async (rounds) => {
          const id = await newRun()
          const model = new Map<string, Logged>()
          for (const [i, [list, ladder, days]] of rounds.entries()) {
            const midnight = Math.floor(nowMs / DAY_MS) * DAY_MS
            const fresh = list
              .map(({ daysAgo, seconds, step, value }) => ({
                value: typeof value === 'number' ? value + i / 8 : value,
                timestamp: midnight - daysAgo * DAY_MS + seconds * 1000,
                step,
              }))
              .filter((point) => !model.has(idOf(point)))
            for (const point of fresh) model.set(idOf(point), point)
            await log(id, 'm', fresh)
            const latest = await get<object>(`${V2}/runs/get?run_id=${id}`)
            await retention.post('policies/update', { policy_id: 'any', ladder })
            await run('any')
            expect(await get<object>(`${V2}/runs/get?run_id=${id}`)).toEqual(latest)
            await expectNothingLost(
              id,
              [...model.values()],
              nowMs - Number(ladder.match(/:(\d+)d/)?.[1]) * DAY_MS,
            )
            nowMs += days * DAY_MS
          }
        },
      ),
      { numRuns: tries(4, 150), endOnFailure: true },
    )
  }, 600_000)

  async function expectNothingLost(id: string, logged: readonly Logged[], untilMs: number): Promise<void> {
    const [left, found] = [await history(id, 'm'), await buckets(id, 'm')]
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
    for (const point of logged) if (point.timestamp >= nowMs) expect(ids).toContain(idOf(point))
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
})
