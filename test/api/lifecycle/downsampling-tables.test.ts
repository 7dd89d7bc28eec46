// Tables of people's own that are downsampled: each row is there, or in one bucket that says what it should; and what is refused.
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Connection, Engine } from '../../../src/platform/database/engine.ts'
import { migrate } from '../../../src/platform/database/migrate.ts'
import { openEngine } from '../../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../../src/platform/database/uri.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { tries } from '../../support/chance.ts'
import { describeEachEngine } from '../../support/engines.ts'
import {
  bucketsIn,
  createSensorTable,
  expectEachOnce,
  idsOf,
  type Reading,
  readingsOf,
  writeReadings,
} from '../../support/readings.ts'
import { DAY_MS, dataSchema, dropData, RETENTION, retentionOf } from '../../support/retention.ts'

const HOUR_MS = 3600_000
const HOUR = Math.floor(Date.now() / HOUR_MS) * HOUR_MS

describeEachEngine('downsampling of tables', (target) => {
  let app: TestApp
  let engine: Engine
  let retention: ReturnType<typeof retentionOf>
  /** Called before each statement. */
  let before: (text: string) => Promise<void> = async () => {}
  let uri: string
  const isCratedb = target.name === 'CrateDB'
  beforeAll(async () => {
    uri = await target.another()
    engine = await openEngine(parseBackendUri(uri), {
      maxConnections: 5,
      intercept: (connection: Connection) => ({
        ...connection,
        query: async (...asked) => {
          await before(asked[0])
          return connection.query(...asked)
        },
      }),
    })
    await migrate(engine, { shards: 1, replicas: '0', views: false })
    app = await startApp(target, { engine })
    retention = retentionOf(app.request)
  })
  afterAll(async () => {
    await app.close()
    if (isCratedb) await dropData(engine)
    await engine.close()
  })

  const policy = (name: string, table: string) => ({
    name,
    target: table,
    column: 'ts',
    by: ['sensor', 'site'],
    strategy: 'downsample',
    ladder: '1m:1d,1h:30d',
    aggregates: ['x:count,sum,min,max,first,last,mean', 'n'],
  })
  const run = async (name: string, more: object = {}) => {
    const { execution } = await retention.run(name, more)
    expect(execution.state, execution.message).toBe('succeeded')
    return execution
  }
  const refused = async (path: string, body: object) => {
    const answer = await app.request('POST', `${RETENTION}/${path}`, body)
    expect(answer.status, JSON.stringify(answer.body)).toBe(400)
    return (answer.body as { message: string }).message
  }
  const own = (name: string) =>
    sql.raw(
      name
        .split('.')
        .map((part) => `"${part}"`)
        .join('.'),
    )

  it.each([
    ['TIMESTAMP WITH TIME ZONE', isCratedb],
    ['BIGINT', false],
    ...(tries(0, 1) > 0
      ? ([
          ['TIMESTAMP WITHOUT TIME ZONE', false],
          ...(isCratedb ? ([['TIMESTAMP WITH TIME ZONE', false]] as const) : []),
        ] as const)
      : []),
  ] as const)('by %s (partitioned: %s) has each row once, whenever it comes', async (type, isPartitioned) => {
    const name = `chance_${type.toLowerCase().replaceAll(' ', '_')}_${isPartitioned}`
    const table = await createSensorTable(engine, name, { type, isPartitioned })
    await retention.create(policy(name, table))
    const written: Reading[] = []
    const add = async (seed: number, count: number) => {
      // Dense in some minutes, on both sides of each step of the ladder.
      const moments = [HOUR - 29 * DAY_MS, HOUR - 31 * DAY_MS, HOUR - 33 * DAY_MS, HOUR - 2000, -90_000]
      for (const [i, from] of moments.entries()) {
        const news = readingsOf(seed * 10 + i, {
          ...{ count, from, to: from + 3 * 60_000 },
          firstId: written.length,
        })
        written.push(...news)
        await writeReadings(engine, table, news)
      }
    }
    const rounds = tries(2, 8)
    for (let round = 1; round <= rounds; round++) {
      await add(round, 30)
      await run(name, { cutoff: String(HOUR - (1 - round / rounds) * 3 * DAY_MS) })
      const { left, sizes } = await expectEachOnce(engine, table, written)
      expect(sizes).toEqual([60_000, HOUR_MS])
      expect(left).toBeLessThan(written.length)
    }
    const [bucket] = (await bucketsIn(engine, `${table}_downsampled`)).filter(
      (one) => Number(one.x_count) > 1,
    )
    expect(Number(bucket?.x_mean)).toBeCloseTo(Number(bucket?.x_sum) / Number(bucket?.x_count))
    expect(await retention.preview({ policy_ids: [name], cutoff: String(HOUR) })).toMatchObject([{ rows: 0 }])
  })

  it('keeps a bucket for each row of no value, and tells what goes before it does', async () => {
    const table = await createSensorTable(engine, 'told')
    const at = HOUR - 3 * DAY_MS
    const row = { at, sensor: null, site: null, x: null, n: null }
    await writeReadings(engine, table, [
      { ...row, id: 1 },
      { ...row, id: 2, sensor: '' },
    ])
    const { by: _by, aggregates: _all, ...plain } = policy('told', table)
    const [plan] = await retention.preview({ policy: { ...plain, by: ['sensor'] } })
    expect(plan).toMatchObject({ rows: 2, step_count: 1 })
    expect(plan?.steps[0]?.statement).toContain('to buckets of 1m in')
    await retention.create({ ...plain, by: ['sensor'] })
    expect(await retention.check({ policy_ids: ['told'] })).toMatchObject([{ verdict: 'ok', code: 'ok' }])
    expect((await run('told')).rows).toBe(2)
    expect(await idsOf(engine, table)).toEqual([])
    const buckets = await bucketsIn(engine, `${table}_downsampled`)
    expect(buckets.map(({ sensor }) => sensor).sort()).toEqual(['', null].sort())
    for (const { id_count, n_count, n_sum, n_first, site_count } of buckets)
      expect([id_count, n_count, site_count].map(Number).concat([n_sum, n_first] as never)).toEqual([
        1,
        0,
        0,
        null,
        null,
      ])
    const { entries } = await retention.get<{ entries: { kind: string }[] }>('audit/list?policy_id=told')
    expect(entries.map(({ kind }) => kind)).toEqual(['execution_finished', 'policy_created'])
  })

  it('counts rows that come or change while it runs', async () => {
    const table = await createSensorTable(engine, 'busy')
    const at = HOUR - 3 * DAY_MS
    const written = readingsOf(7, { count: 60, from: at, to: at + 5 * 60_000, firstId: 0 }).filter(
      (one) => one.at !== null,
    )
    await writeReadings(engine, table, written)
    await retention.create(policy('busy', table))
    let hits = 0
    const [changed] = written
    before = async (text) => {
      if (!/INSERT INTO [^(]*"busy_downsampled"/.test(text)) return
      before = async () => {}
      hits++
      const late = readingsOf(8, { count: 20, from: at, to: at + 5 * 60_000, firstId: 1000 })
      written.push(...late)
      await writeReadings(engine, table, late)
      if (!changed) return
      changed.x = 12_345
      await engine.execute(sql`UPDATE ${own(table)} SET x = 12345 WHERE id = ${changed.id}::BIGINT`)
    }
    await run('busy')
    expect(hits).toBe(1)
    await expectEachOnce(engine, table, written)
    await run('busy')
    expect((await expectEachOnce(engine, table, written)).left).toBe(
      written.filter((one) => one.at === null).length,
    )
  })

  it('takes names of any kind, in a schema of any name', async () => {
    const schema = `${dataSchema(engine)}`
    const names = isCratedb
      ? ['time "x" é', "a'b,c:d", '1 number$']
      : ['time "x".é', "a'b,c:d", '1 number%$1']
    const [time = '', key = '', value = ''] = names
    const table = isCratedb ? 'odd$1' : 'odd "name" 1$.%s'
    const q = (name: string) => sql`${sql.identifier(name)}`
    if (!isCratedb) await engine.execute(sql`CREATE SCHEMA IF NOT EXISTS ${q(schema)}`)
    await engine.execute(
      sql`CREATE TABLE ${q(schema)}.${q(table)} (${q(time)} TIMESTAMP WITH TIME ZONE, ${q(key)} TEXT, ${q(value)} INTEGER)`,
    )
    await engine.execute(
      sql`INSERT INTO ${q(schema)}.${q(table)} (${q(time)}, ${q(key)}, ${q(value)}) VALUES ('2020-01-01T00:00:01Z', 'k', 3), ('2020-01-01T00:00:02Z', 'k', 4)`,
    )
    const spelled = `"${schema}"."${table.replaceAll('"', '""')}"`
    await retention.create({
      ...{ name: 'odd', target: spelled, column: time, by: [key], strategy: 'downsample' },
      ...{ ladder: '1h:1d', aggregates: [`${value}:sum,mean`], into: `"${schema}"."Odd$into"` },
    })
    await run('odd')
    if (isCratedb) await engine.execute(sql`REFRESH TABLE ${q(schema)}.${q('Odd$into')}`)
    const { rows } = await engine.execute(
      sql`SELECT ${q(key)} AS k, ${q(`${value}_sum`)} AS s, ${q(`${value}_mean`)} AS m FROM ${q(schema)}.${q('Odd$into')}`,
    )
    expect(rows.map(({ k, s, m }) => [k, Number(s), Number(m)])).toEqual([['k', 7, 3.5]])
  })

  it('finds what cannot work, and leaves tables of others alone', async () => {
    const table = await createSensorTable(engine, 'checked')
    await writeReadings(engine, table, [{ id: 1, at: HOUR - 3 * DAY_MS, sensor: 'a', site: 1, x: 1, n: 1 }])
    await retention.create(policy('checked', table))
    const finding = async (changes: object) => {
      await retention.post('policies/update', { policy_id: 'checked', ...changes })
      const [{ code, verdict } = { code: '', verdict: '' }] = await retention.check({
        policy_ids: ['checked'],
      })
      return `${verdict} ${code}`
    }
    expect(await finding({ by: ['sensor', 'missing'] })).toBe('failure column_missing')
    expect(await finding({ by: ['x'], aggregates: ['n'] })).toBe('failure column_type')
    expect(await finding({ by: ['site'], aggregates: ['sensor:count'] })).toBe('failure column_type')
    expect(await finding({ aggregates: ['other'] })).toBe('failure column_missing')
    expect(await finding({ column: 'sensor', by: ['site'], aggregates: ['x'] })).toBe('failure column_type')
    await createSensorTable(engine, 'somebodys')
    const into = `${dataSchema(engine)}.somebodys`
    expect(await finding({ column: 'ts', into })).toBe('failure into_taken')
    const { execution } = await retention.run('checked')
    expect(execution).toMatchObject({ state: 'failed', rows: 0 })
    expect(execution.message).toContain('was not made for buckets')
    expect(await idsOf(engine, table)).toEqual([1])
    expect(await idsOf(engine, into)).toEqual([])
    expect(await finding({ clear: ['into'] })).toBe('ok ok')
    await run('checked')
    expect(await finding({ aggregates: ['x', 'n'] })).toBe('failure into_differs')
    expect(await finding({ aggregates: ['x'] })).toBe('warning no_data')
  })

  it.each([
    [{ ladder: '100steps:30d' }, "'ladder': buckets of a table have times"],
    [{ by: ['ts'] }, "'by': ts is the column of time"],
    [{ by: ['a', 'a'] }, "'by': a column is named twice"],
    [{ aggregates: ['x:median'] }, "'aggregates': use column:count,sum"],
    [{ aggregates: ['x', 'x:sum'] }, "'aggregates': column x is named twice"],
    [{ aggregates: ['sensor'] }, "'aggregates': sensor tells series apart"],
    [{ into: 'readings' }, "'into': name a table with its schema"],
    [{ into: 'doc.readings' }, "'into': it is the table itself"],
    [{ into: 'information_schema.readings' }, "'into': schema information_schema belongs"],
    [{ column: undefined }, "'column': name the"],
    [{ category: 'partition' }, "'category': strategy downsample works on timerange"],
    [{ target: 'metrics', column: undefined }, "'by': strategy downsample of metrics has none"],
    [{ strategy: 'delete', ladder: undefined, duration: '1d' }, "'by': strategy delete of a table has none"],
  ])('refuses %j', async (more, reason) => {
    expect(await refused('policies/create', { ...policy('no', 'doc.readings'), ...more })).toContain(reason)
  })

  it('refuses the server’s own schema for buckets', async () => {
    const asked = { ...policy('no', 'doc.readings'), into: `${engine.schema}.runs` }
    expect(await refused('policies/create', asked)).toContain("is the server's own")
  })

  it.skipIf(!isCratedb)(
    'counts each row once when a server that hung comes back after another went on',
    async () => {
      const table = await createSensorTable(engine, 'hung')
      const at = HOUR - 3 * DAY_MS
      const written = readingsOf(5, { count: 100, from: at, to: at + 5 * 60_000, firstId: 0 })
      await writeReadings(engine, table, written)
      await retention.create(policy('hung', table))
      let wake = () => {}
      let tell = () => {}
      const isHung = new Promise<void>((resolve) => {
        tell = resolve
      })
      const isAwake = new Promise<void>((resolve) => {
        wake = resolve
      })
      before = async (text) => {
        if (!/INSERT INTO [^(]*"hung_downsampled"/.test(text)) return
        before = async () => {}
        tell()
        await isAwake
      }
      await retention.start({ policy_ids: ['hung'] })
      await isHung
      // Longer than a server that hangs holds a policy.
      const other = await startApp(target, { uri, clock: { now: () => Date.now() + 5 * 60_000 } })
      try {
        const elsewhere = retentionOf(other.request)
        expect((await elsewhere.run('hung')).execution.state).toBe('succeeded')
        const late = readingsOf(6, { count: 30, from: at, to: at + 5 * 60_000, firstId: 1000 })
        written.push(...late)
        await writeReadings(engine, table, late)
        expect((await elsewhere.run('hung')).execution.state).toBe('succeeded')
        await expectEachOnce(engine, table, written)
        wake()
      } finally {
        await other.close()
      }
      // What the server that hung does still, it has done when it closes.
      await app.close()
      app = await startApp(target, { engine })
      retention = retentionOf(app.request)
      await expectEachOnce(engine, table, written)
      expect((await retention.run('hung')).execution.state).toBe('succeeded')
      await expectEachOnce(engine, table, written)
    },
  )

  it.skipIf(!isCratedb)('of two servers at once counts each row once', async () => {
    const table = await createSensorTable(engine, 'two')
    const at = HOUR - 3 * DAY_MS
    const written = readingsOf(3, { count: 300, from: at, to: at + 10 * 60_000, firstId: 0 })
    await writeReadings(engine, table, written)
    const other = await startApp(target, { uri })
    try {
      await retention.create(policy('two a', table))
      await retention.create(policy('two b', table))
      const ends = await Promise.all([retention.run('two a'), retentionOf(other.request).run('two b')])
      expect(ends.map(({ execution }) => execution.state)).toEqual(['succeeded', 'succeeded'])
      await expectEachOnce(engine, table, written)
      expect(await retention.check({ policy_ids: ['two a'] })).toMatchObject([
        { code: 'no_data' },
        { code: 'contradiction' },
      ])
    } finally {
      await other.close()
    }
  })
})
