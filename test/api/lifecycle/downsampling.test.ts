// Old points of metrics in buckets: nothing of what they sum up to is lost, charts keep their shape, and what everybody sees stays as it is.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Metric } from '../../../src/tracking/metrics/schema.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { tries } from '../../support/chance.ts'
import {
  bucketsOf,
  expectNothingLost,
  historyOf,
  idOf,
  type Logged,
  logPoints,
} from '../../support/downsampling.ts'
import { describeEachEngine } from '../../support/engines.ts'
import { ask, createExperiment, createRun } from '../../support/full-experiment.ts'
import { DAY_MS, retentionOf } from '../../support/retention.ts'

const V2 = '/api/2.0/mlflow'
const MINUTE_MS = 60_000

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
  const log = (run: string, key: string, points: readonly Logged[]) =>
    logPoints(app.request, run, key, points)
  const history = (run: string, key: string) => historyOf(app.request, run, key)
  const buckets = (run: string, key: string) => bucketsOf(app.request, run, key)
  const sampled = async (run: string, key: string) =>
    (
      await get<{ metrics?: Metric[] }>(
        `${V2}/metrics/get-history-bulk-interval?run_ids=${run}&metric_key=${key}&max_results=2500`,
      )
    ).metrics ?? []
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
            const untilMs = nowMs - Number(ladder.match(/:(\d+)d/)?.[1]) * DAY_MS
            await expectNothingLost(app.request, id, { logged: [...model.values()], untilMs })
            nowMs += days * DAY_MS
          }
        },
      ),
      { numRuns: tries(target.name === 'CrateDB' ? 2 : 6, 150), endOnFailure: true },
    )
  }, 600_000)

  it('keeps NaN, infinities and the latest value as they are shown, where all are in one bucket', async () => {
    const id = await newRun()
    const start = nowMs - 50 * DAY_MS
    const values: Logged['value'][] = [1, 'NaN', 5, 'Infinity', 2, '-Infinity', 'NaN', 3, 4]
    const all = values.map((value, i) => ({ value, timestamp: start + i, step: i }))
    await log(id, 'm', all)
    // Its step is the last one, its time is not.
    await log(id, 'n', [...all.slice(0, 3), { value: 7, timestamp: start, step: 99 }])
    const before = [await history(id, 'm'), await get<object>(`${V2}/runs/get?run_id=${id}`)] as const
    await policy('special', '1d:30d')
    await run('special')
    const after = await history(id, 'm')
    expect(after.map(({ step }) => step)).toEqual([0, 3, 5, 6, 8])
    expect(after).toEqual(before[0].filter(({ step }) => [0, 3, 5, 6, 8].includes(Number(step))))
    expect(await sampled(id, 'm')).toHaveLength(5)
    expect(await get<object>(`${V2}/runs/get?run_id=${id}`)).toEqual(before[1])
    expect(await buckets(id, 'm')).toMatchObject([
      {
        ...{ count: 9, nan_count: 2, infinite_count: 2, sum: 15 },
        first: { value: 1, step: 0 },
        last: { value: 4, step: 8 },
        min: { value: -Number.MAX_VALUE },
        max: { value: Number.MAX_VALUE },
        nan: { value: 'NaN', step: 6 },
      },
    ])
    expect((await buckets(id, 'm'))[0]).not.toHaveProperty('mean')
    expect((await history(id, 'n')).map(({ step }) => step)).toContain(99)
    await retention.post('policies/delete', { policy_id: 'special' })
  })

  it('thins only what filters mean, and forgets buckets with what else deletes their points', async () => {
    const other = await createExperiment(app.request, 'others')
    const start = Math.floor((nowMs - 50 * DAY_MS) / DAY_MS) * DAY_MS
    const all = Array.from({ length: 100 }, (_, i) => ({ value: i, timestamp: start + i * 1000, step: i }))
    const make = async (of: string, value: string) => {
      const id = await createRun(app.request, of)
      await ask(app.request, 'POST', `${V2}/runs/set-tag`, { run_id: id, key: 'kind', value })
      await log(id, 'm', all)
      await log(id, 'o', all)
      return id
    }
    const [meant, tagged, elsewhere] = [
      await make(other, 'sweep'),
      await make(other, 'final'),
      await make(experiment, 'sweep'),
    ]
    await policy('some', '50steps:30d', {
      experiment_pattern: 'other%',
      run_tags: [{ key: 'kind', value: 'sweep' }],
    })
    expect(await retention.preview({ policy_ids: ['some'] })).toMatchObject([{ rows: 200 }])
    expect(await run('some')).toMatchObject({ rows: 192 })
    for (const id of [tagged, elsewhere]) expect(await history(id, 'm')).toHaveLength(100)
    expect((await buckets(meant, 'm')).map(({ start, count, mean }) => [start, count, mean])).toEqual([
      [0, 50, 24.5],
      [50, 50, 74.5],
    ])
    await ask(app.request, 'POST', '/api/crateflow/1.0/runs/hard-delete-metric', {
      run_id: meant,
      metric_key: 'o',
    })
    expect(await buckets(meant, 'o')).toEqual([])
    // One bucket is older than the time, the other one only in part.
    await retention.create({
      ...{ name: 'old', target: 'metrics', strategy: 'delete', experiment_pattern: 'other%' },
      duration: `${nowMs - (start + 70_000)}ms`,
    })
    await run('old')
    expect((await history(meant, 'm')).map(({ step }) => step)).toEqual([99])
    expect((await buckets(meant, 'm')).map(({ start }) => start)).toEqual([50])
    expect(await retention.preview({ policy_ids: ['some'] })).toMatchObject([{ step_count: 0 }])
    for (const name of ['some', 'old']) await retention.post('policies/delete', { policy_id: name })
  })

  it('forgets buckets of which no point is left, and begins anew with what comes late', async () => {
    const id = await createRun(app.request, await createExperiment(app.request, 'moments'))
    const timestamp = Math.floor((nowMs - 50 * DAY_MS) / DAY_MS) * DAY_MS
    await log(
      id,
      'm',
      Array.from({ length: 300 }, (_, step) => ({ value: step, timestamp, step })),
    )
    await policy('moment', '100steps:30d', { experiment_pattern: 'moments' })
    await run('moment')
    const counts = async () => (await buckets(id, 'm')).map(({ start, count }) => [start, count])
    expect(await counts()).toEqual([
      [0, 100],
      [100, 100],
      [200, 100],
    ])
    // Of each metric the latest point stays, at the time of all others.
    await retention.create({
      ...{ name: 'aged', target: 'metrics', strategy: 'delete', duration: '40d' },
      experiment_pattern: 'moments',
    })
    await run('aged')
    expect(await counts()).toEqual([[200, 100]])
    await log(id, 'm', [
      { value: 50, timestamp, step: 50 },
      { value: 51, timestamp, step: 51 },
    ])
    await run('moment')
    expect(await counts()).toEqual([
      [0, 2],
      [200, 100],
    ])
    for (const name of ['moment', 'aged']) await retention.post('policies/delete', { policy_id: name })
  })

  it('counts each point once when two servers thin the same run by two policies while old points are logged to it', async () => {
    const id = await newRun()
    const start = Math.floor((nowMs - 50 * DAY_MS) / DAY_MS) * DAY_MS
    const all = Array.from({ length: 3000 }, (_, i) => ({ value: i, timestamp: start + i * 1000, step: i }))
    await log(id, 'm', all.slice(0, 2000))
    await policy('first', '1m:30d')
    await policy('second', '1m:20d,1h:35d')
    const second = await startApp(target, { engine: app.engine, clock: { now: () => nowMs } })
    const [mine, others] = await Promise.all([
      retention.run('first'),
      retentionOf(second.request).run('second'),
      ...[2000, 2250, 2500, 2750].map(async (from) => {
        for (let i = from; i < from + 250; i += 25) await log(id, 'm', all.slice(i, i + 25))
      }),
    ])
    expect([mine.execution.state, others.execution.state]).toEqual(['succeeded', 'succeeded'])
    await second.close()
    await run('second')
    await expectNothingLost(app.request, id, { logged: all, untilMs: nowMs - 20 * DAY_MS })
    expect((await buckets(id, 'm')).map(({ count }) => count)).toEqual([3000])
    for (const name of ['first', 'second']) await retention.post('policies/delete', { policy_id: name })
  })

  it('draws a run that is part old, part young, evenly over its steps', async () => {
    const id = await newRun()
    const start = nowMs - 31 * DAY_MS
    const all = Array.from({ length: 4000 }, (_, i) => ({
      value: i % 97,
      timestamp: i < 2000 ? start + i * 1000 : nowMs - DAY_MS + i,
      step: i,
    }))
    await log(id, 'm', all)
    await policy('half', '1m:30d')
    await run('half')
    const count = async (key: string, isOld: (point: Metric) => boolean) => {
      const path = `${V2}/metrics/get-history-bulk-interval?run_ids=${id}&metric_key=${key}&max_results=200`
      const { metrics } = await get<{ metrics: Metric[] }>(path)
      return [metrics.length, metrics.filter(isOld).length]
    }
    // By rank there would be about twelve of the old ones, of whose 34 minutes some 130 points are left.
    const [drawn = 0, old = 0] = await count('m', ({ step }) => Number(step) < 2000)
    expect(drawn).toBeLessThanOrEqual(200)
    expect(old).toBeGreaterThan(60)
    expect(drawn - old).toBeGreaterThan(90)
    const whole = await sampled(id, 'm')
    expect(whole.map(idOf)).toEqual((await history(id, 'm')).map(idOf))
    await retention.post('policies/delete', { policy_id: 'half' })
  })
})
