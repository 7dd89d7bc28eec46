// Kills the server between any two statements while it thins old points: whoever goes on counts each point once.
import { sql } from 'drizzle-orm'
import type { FastifyBaseLogger } from 'fastify'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Connection, Engine } from '../../src/platform/database/engine.ts'
import { migrate } from '../../src/platform/database/migrate.ts'
import { openEngine } from '../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../src/platform/database/uri.ts'
import { startApp } from '../support/app.ts'
import { tries } from '../support/chance.ts'
import { bucketsOf, expectNothingLost, historyOf, type Logged, logPoints } from '../support/downsampling.ts'
import { describeEachEngine } from '../support/engines.ts'
import { ask, createExperiment, createRun } from '../support/full-experiment.ts'
import { DAY_MS, RETENTION, retentionOf } from '../support/retention.ts'

/** Longer than a server that died holds a policy. */
const TAKEN_OVER_MS = 5 * 60_000
const MINUTE_MS = 60_000
/** Statements by which kills are apart. */
const EVERY = { PGlite: tries(5, 1), PostgreSQL: tries(5, 1), CrateDB: tries(23, 1) }

describeEachEngine('downsampling whose server is killed between any two statements', (target) => {
  let left = Number.POSITIVE_INFINITY
  /** The last statement before the server dies. */
  let lastOne = /^$/
  let engine: Engine
  beforeAll(async () => {
    engine = await openEngine(parseBackendUri(await target.another()), {
      maxConnections: 5,
      intercept: (connection: Connection) => ({
        ...connection,
        queryAll: undefined as never,
        query: async (...asked) => {
          if (left <= 0) throw new Error('The server was killed')
          left--
          const answer = await connection.query(...asked)
          if (lastOne.test(asked[0])) left = 0
          return answer
        },
      }),
    })
    await migrate(engine, { shards: 1, replicas: '0', views: false })
  })
  afterAll(() => engine.close())

  const startAt = (round: number, logger?: FastifyBaseLogger) =>
    startApp(target, {
      engine,
      clock: { now: () => Date.now() + round * TAKEN_OVER_MS },
      retentionSchedule: false,
      ...(logger && { logger }),
    })

  /** Has points in minutes, late ones, and such as have become old enough for hours. */
  async function prepare(name: string, round: number) {
    const app = await startAt(round)
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

  async function executeAndDie(name: string, statements: number, round: number): Promise<boolean> {
    let hear = () => {}
    const over = new Promise<void>((resolve) => {
      hear = resolve
    })
    const write = (line: string) => {
      if (/retention policy (ended|failed|was broken off)/.test(line)) hear()
    }
    const app = await startAt(round, pino({ level: 'info' }, { write }))
    left = statements
    const answer = await app.request('POST', `${RETENTION}/executions/run`, { policy_ids: [name] })
    if (answer.status === 200) await over
    await app.close()
    const hasLived = left > 0
    left = Number.POSITIVE_INFINITY
    return hasLived
  }

  it('counts each point once', async () => {
    let round = 0
    let kills = 0
    for (let statements = 5, hasLived = false; !hasLived; statements += EVERY[target.name]) {
      const name = `killed_${statements}`
      const { run, logged } = await prepare(name, round++)
      hasLived = await executeAndDie(name, statements, round++)
      kills += hasLived ? 0 : 1
      const app = await startAt(round++)
      const { execution } = await retentionOf(app.request).run(name)
      expect(execution.state, execution.message).toBe('succeeded')
      await expectNothingLost(app.request, run, { logged, untilMs: Date.now() - DAY_MS })
      expect((await historyOf(app.request, run, 'm')).length).toBeLessThan(20)
      await app.close()
    }
    expect(kills).toBeGreaterThan(0)
  }, 900_000)

  it('tells of all that went, some of it before it was broken off', async () => {
    const { run } = await prepare('told', 2000)
    const count = async (app: Awaited<ReturnType<typeof startAt>>) =>
      (await historyOf(app.request, run, 'm')).length
    const before = await startAt(2001)
    const points = await count(before)
    await before.close()
    lastOne = /^delete from .*metrics/i
    await executeAndDie('told', Number.POSITIVE_INFINITY, 2001)
    lastOne = /^$/
    left = Number.POSITIVE_INFINITY
    const app = await startAt(2002)
    const { execution } = await retentionOf(app.request).run('told')
    expect(execution.rows).toBe(points - (await count(app)))
    await app.close()
  })

  it('is completed where nothing else is due any more', async () => {
    const { run } = await prepare('left', 3000)
    lastOne = /^update .*metric_downsampling/i
    await executeAndDie('left', Number.POSITIVE_INFINITY, 3001)
    lastOne = /^$/
    left = Number.POSITIVE_INFINITY
    const journals = async () => {
      if (target.name === 'CrateDB') await engine.execute(sql`REFRESH TABLE metric_downsampling`)
      return engine.rows(sql`SELECT name FROM metric_downsampling WHERE journal IS NOT NULL`)
    }
    expect(await journals()).toHaveLength(1)
    const app = await startAt(3002)
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
    lastOne = /^update .*metric_downsampling/i
    await executeAndDie('gone', Number.POSITIVE_INFINITY, 1002)
    lastOne = /^$/
    left = Number.POSITIVE_INFINITY
    const app = await startAt(1003)
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
})
