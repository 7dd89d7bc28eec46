// Kills the server between any two statements while it thins old points: whoever goes on counts each point once.
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Engine } from '../../src/platform/database/engine.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { tries } from '../support/chance.ts'
import { bucketsOf, expectNothingLost, historyOf, type Logged, logPoints } from '../support/downsampling.ts'
import { describeEachEngine } from '../support/engines.ts'
import { ask, createExperiment, createRun } from '../support/full-experiment.ts'
import { type Life, mortalPolicies, openMortalEngine, TAKEN_OVER_MS } from '../support/mortal.ts'
import { DAY_MS, retentionOf } from '../support/retention.ts'

const MINUTE_MS = 60_000
/** Statements by which kills are apart. */
const EVERY = { PGlite: tries(5, 1), PostgreSQL: tries(5, 1), CrateDB: tries(23, 1) }

describeEachEngine('downsampling whose server is killed between any two statements', (target) => {
  let engine: Engine
  let life: Life
  let policies: ReturnType<typeof mortalPolicies>
  beforeAll(async () => {
    ;({ engine, life } = await openMortalEngine(target))
    policies = mortalPolicies(target, { engine, life })
  })
  afterAll(() => engine.close())

  /** Has points in minutes, late ones, and such as have become old enough for hours. */
  async function prepare(name: string, round: number) {
    const app = await policies.startAt(round)
    const retention = retentionOf(app.request)
    const run = await createRun(app.request, await createExperiment(app.request, name))
    const start = Math.floor((Date.now() - 40 * DAY_MS) / (60 * MINUTE_MS)) * 60 * MINUTE_MS
    const points = (count: number, apartMs: number, offset: number): Logged[] =>
      Array.from({ length: count }, (_, i) => ({
        value: i % 17 === 3 ? 'NaN' : (i * 7919) % 1024,
        timestamp: start + i * apartMs + offset,
        step: i,
      }))
    const [first, late] = [points(80, 5000, 0), points(20, 9000, 500)]
    await logPoints(app.request, run, 'm', first)
    const policy = { name, target: 'metrics', strategy: 'downsample', experiment_pattern: name }
    await retention.create({ ...policy, ladder: '1m:30d' })
    expect((await retention.run(name)).execution.state).toBe('succeeded')
    await logPoints(app.request, run, 'm', late)
    await logPoints(app.request, run, 'm', points(5, 1000, 10 * DAY_MS))
    await retention.post('policies/update', { policy_id: name, ladder: '1m:1d,1h:35d' })
    await app.close()
    return { run, logged: [...first, ...late, ...points(5, 1000, 10 * DAY_MS)] }
  }

  it('counts each point once', async () => {
    await policies.breakOff(
      'die',
      { first: 5, every: EVERY[target.name] },
      {
        prepare,
        async look({ request }, name, { run, logged }) {
          const { execution } = await retentionOf(request).run(name)
          expect(execution.state, execution.message).toBe('succeeded')
          await expectNothingLost(request, run, { logged, untilMs: Date.now() - DAY_MS })
          expect((await historyOf(request, run, 'm')).length).toBeLessThan(20)
        },
      },
    )
  }, 900_000)

  it('tells of all that went, some of it before it was broken off', async () => {
    const { run } = await prepare('told', 2000)
    const count = async (app: TestApp) => (await historyOf(app.request, run, 'm')).length
    const before = await policies.startAt(2001)
    const points = await count(before)
    await before.close()
    expect(await policies.executeAndDie('told', /^delete from .*metrics/i, 2001)).toBe(false)
    const app = await policies.startAt(2002)
    const { execution } = await retentionOf(app.request).run('told')
    expect(execution.rows).toBe(points - (await count(app)))
    await app.close()
  })

  it('is completed where nothing else is due any more', async () => {
    const { run } = await prepare('left', 3000)
    expect(await policies.executeAndDie('left', /^update .*metric_downsampling/i, 3001)).toBe(false)
    const journals = async () => {
      if (target.name === 'CrateDB') await engine.execute(sql`REFRESH TABLE metric_downsampling`)
      return engine.rows(sql`SELECT name FROM metric_downsampling WHERE journal IS NOT NULL`)
    }
    expect(await journals()).toHaveLength(1)
    const app = await policies.startAt(3002)
    await ask(app.request, 'POST', '/api/crateflow/1.0/runs/hard-delete-metric', {
      run_id: run,
      metric_key: 'm',
    })
    expect((await retentionOf(app.request).run('left')).execution.state).toBe('succeeded')
    expect(await journals()).toEqual([])
    expect(await bucketsOf(app.request, run, 'm')).toEqual([])
    await app.close()
  })

  it('keeps nothing of what was deleted for good while it was broken off', async () => {
    const { run } = await prepare('gone', 1000)
    const twin = await prepare('gone_2', 1001)
    expect(await policies.executeAndDie('gone', /^update .*metric_downsampling/i, 1002)).toBe(false)
    const app = await policies.startAt(1003)
    await ask(app.request, 'POST', '/api/crateflow/1.0/runs/hard-delete-metric', {
      run_id: run,
      metric_key: 'm',
    })
    expect(await bucketsOf(app.request, run, 'm')).toEqual([])
    // What is left of the other one's journal is done before its own work.
    expect((await retentionOf(app.request).run('gone_2')).execution.state).toBe('succeeded')
    expect(await bucketsOf(app.request, run, 'm')).toEqual([])
    await expectNothingLost(app.request, twin.run, { logged: twin.logged, untilMs: Date.now() - DAY_MS })
    await app.close()
  })

  it.each([
    ['before its buckets are written', /^insert into "metric_buckets"/i],
    ['before its points go', /^delete from "metrics"/i],
  ])('keeps nothing of what is deleted for good meanwhile, %s', async (what, before) => {
    const round = 4000 + what.length * 10
    const { run } = await prepare(what, round)
    const app = await policies.startAt(round + 1)
    let hasGone = false
    life.interrupt(before, async () => {
      const { status } = await app.request('POST', '/api/crateflow/1.0/runs/hard-delete-metric', {
        run_id: run,
        metric_key: 'm',
      })
      hasGone = status === 200
    })
    const { execution } = await retentionOf(app.request).run(what)
    expect(execution.state, execution.message).toBe('succeeded')
    expect(hasGone).toBe(true)
    expect(await bucketsOf(app.request, run, 'm')).toEqual([])
    await app.close()
  })

  it('says of the step in which it was cancelled what went', async () => {
    await prepare('cancelled', 5000)
    let laterMs = 5001 * TAKEN_OVER_MS
    const app = await startApp(target, {
      engine,
      clock: { now: () => Date.now() + laterMs },
      retentionSchedule: false,
    })
    const retention = retentionOf(app.request)
    life.interrupt(/^delete from "metrics"/i, async () => {
      const { executions } = await retention.get<{ executions: { execution_id: string }[] }>(
        'executions/list?state=running',
      )
      await retention.post('executions/cancel', { execution_id: executions[0]?.execution_id })
      // It looks for that now and then.
      laterMs += 1000
    })
    const { execution, steps } = await retention.run('cancelled')
    expect(execution).toMatchObject({ state: 'cancelled', rows: steps[0]?.rows, steps_done: 0 })
    expect(steps).toMatchObject([{ state: 'cancelled', rows: expect.any(Number) }])
    expect(steps[0]?.rows).toBeGreaterThan(0)
    await app.close()
  })

  it('ends the step that a dead server has left when it is cancelled before anybody goes on', async () => {
    await prepare('left and cancelled', 6000)
    expect(await policies.executeAndDie('left and cancelled', /^update .*metric_downsampling/i, 6001)).toBe(
      false,
    )
    const app = await policies.startAt(6002)
    const retention = retentionOf(app.request)
    const { executions } = await retention.get<{ executions: { execution_id: string }[] }>(
      'executions/list?state=running',
    )
    const [{ execution_id } = { execution_id: '' }] = executions
    await retention.post('executions/cancel', { execution_id })
    await retention.start({ policy_ids: ['left and cancelled'] })
    const { execution, steps } = await retention.ended(execution_id)
    expect(execution.state).toBe('cancelled')
    expect(steps).toMatchObject([{ state: 'cancelled' }])
    await app.close()
  })

  it('tells of all that went when a server ends in between and another one goes on', async () => {
    const { run } = await prepare('handed on', 7000)
    const points = async (app: TestApp) => (await historyOf(app.request, run, 'm')).length
    const first = await policies.startAt(7001)
    const before = await points(first)
    const hasEnded = new Promise<void>((resolve) => {
      life.interrupt(/^delete from "metrics"/i, async () => resolve(first.close()))
    })
    const [begun] = await retentionOf(first.request).start({ policy_ids: ['handed on'] })
    await hasEnded
    const second = await policies.startAt(7001)
    const { execution } = await retentionOf(second.request).run('handed on')
    expect(execution).toMatchObject({ execution_id: begun?.execution_id, state: 'succeeded' })
    expect(execution.rows).toBe(before - (await points(second)))
    await second.close()
  })

  it('counts each point once when a server hung between any two statements, and another one went on', async () => {
    await policies.breakOff(
      'hang',
      { first: 4, every: EVERY[target.name], round: 8000 },
      {
        prepare,
        async look({ request }, name, { run, logged }) {
          for (let times = 0; times < 2; times++) {
            await expectNothingLost(request, run, { logged, untilMs: Date.now() - DAY_MS })
            expect((await retentionOf(request).run(name)).execution.state).toBe('succeeded')
          }
        },
      },
    )
  }, 900_000)
})
