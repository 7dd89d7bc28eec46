// Materialized views: readers see the old rows or the new ones, whatever is asked for wrongly changes nothing, and what others made stays.
import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import { tries } from '../../support/chance.ts'
import { describeEachEngine } from '../../support/engines.ts'
import { dataSchema } from '../../support/retention.ts'
import {
  createSource,
  dropByHand,
  putRows,
  readRows,
  settle,
  shownIn,
  tableOf,
  tablesIn,
  VIEWS,
  viewsOf,
} from '../../support/views.ts'

const HOUR_MS = 3600_000
const COLUMNS = 'id INTEGER PRIMARY KEY, at BIGINT, value TEXT'

describeEachEngine('materialized views', (target) => {
  let app: TestApp
  let views: ReturnType<typeof viewsOf>
  let own: string
  beforeAll(async () => {
    app = await startApp(target)
    views = viewsOf(app.request)
    own = `${app.engine.schema}_views`
  })
  afterAll(async () => {
    for (const { name } of await views.list()) await views.drop(name)
    for (const schema of [own, dataSchema(app.engine)])
      for (const table of await tablesIn(app.engine, schema))
        await app.engine.execute(sql`DROP TABLE ${tableOf(`${schema}.${table}`)}`)
    await app.close()
  })

  const refusedWith = async (verb: string, body: object) => {
    const { status, body: answer } = await app.request('POST', `${VIEWS}/${verb}`, body)
    const { error_code, message } = answer as { error_code: string; message: string }
    return { status, error_code, message }
  }
  const countOf = async (name: string) =>
    Number((await readRows(app.engine, `SELECT count(*) FROM ${name}`))[0]?.[0])

  it('shows what was there at its last refresh, to all who read', async () => {
    const statement = "SELECT experiment_id, name, 'x' AS letter FROM experiments -- all of them"
    const made = await views.create({ name: 'known', statement, key: ['experiment_id'] })
    const rows = await countOf('experiments')
    expect(made).toMatchObject({ name: `${own}.known`, version: 1, rows, key: ['experiment_id'] })
    expect(made.statement).not.toContain('--')
    expect(
      await readRows(app.engine, `SELECT experiment_id, letter FROM ${own}.known ORDER BY 1 LIMIT 1`),
    ).toEqual([['0', 'x']])
    await app.request('POST', '/api/2.0/mlflow/experiments/create', { name: 'one more' })
    expect(await countOf(`${own}.known`)).toBe(rows)
    expect(await views.refresh('known')).toMatchObject({ version: 2, rows: rows + 1 })
    expect(await countOf(`${own}.known`)).toBe(rows + 1)
    // The same once more, since its answer was lost.
    expect(await views.create({ name: 'known', statement, key: ['experiment_id'] })).toMatchObject({
      version: 2,
    })
    expect(await refusedWith('create', { name: 'known', statement: 'SELECT 1 AS a' })).toMatchObject({
      status: 400,
      error_code: 'RESOURCE_ALREADY_EXISTS',
    })
    expect((await views.list()).map(({ name }) => name)).toEqual([`${own}.known`])
    await views.drop(`${own}.known`)
    expect(await tablesIn(app.engine, own)).toEqual([])
    const audit = await app.request('GET', `/api/crateflow/1.0/retention/audit/list?kind=view_dropped`)
    expect(audit.body).toMatchObject({ entries: [{ kind: 'view_dropped', policy_name: `${own}.known` }] })
    expect(await refusedWith('refresh', { name: 'known' })).toMatchObject({
      status: 404,
      message: `Materialized view '${own}.known' does not exist.`,
    })
  })

  it('has columns of the types of the answer', async () => {
    const types: Record<string, [type: string, value: string]> = {
      ...{ small: ['SMALLINT', '1'], large: ['BIGINT', '9007199254740993'], real: ['REAL', '1.5'] },
      ...{ exact: ['NUMERIC(12, 2)', '12.34'], flag: ['BOOLEAN', 'true'], short: ['VARCHAR(5)', "'ab'"] },
      at: ['TIMESTAMP WITH TIME ZONE', "'2026-01-31T12:00:00.123Z'"],
      local: ['TIMESTAMP WITHOUT TIME ZONE', "'2026-01-31T12:00:00'"],
      ...(target.name === 'CrateDB'
        ? {
            list: ['ARRAY(TEXT)', "['a', 'b']"],
            open: ['OBJECT(DYNAMIC)', "{a = 1, b = {c = 'd'}}"],
            closed: ['OBJECT(STRICT) AS (e INTEGER)', '{e = 2}'],
            loose: ['OBJECT(IGNORED)', "{f = 'g'}"],
            point: ['GEO_POINT', '[9.5, 47.2]'],
            area: ['GEO_SHAPE', "'POINT (9.5 47.2)'"],
            host: ['IP', "'127.0.0.1'"],
          }
        : {
            list: ['TEXT[]', "ARRAY['a', 'b']"],
            open: ['JSONB', `'{"a": {"b": 1}}'`],
            id: ['UUID', 'gen_random_uuid()'],
          }),
    } as Record<string, [string, string]>
    const columns = Object.entries(types)
    const source = await createSource(
      app.engine,
      'types',
      columns.map(([name, [type]]) => `"${name}" ${type}`).join(', '),
    )
    await app.engine.execute(
      sql.raw(`INSERT INTO ${source} VALUES (${columns.map(([, [, value]]) => value).join(', ')})`),
    )
    await settle(app.engine, source)
    await views.create({ name: 'types', statement: `SELECT * FROM ${source}` })
    const described = (schema: string) =>
      app.engine.rows(sql`SELECT column_name, data_type FROM information_schema.columns
        WHERE table_schema = ${schema} AND table_name = 'types' AND column_name NOT LIKE '%[%' ORDER BY column_name`)
    expect(await described(own)).toEqual(await described(dataSchema(app.engine)))
    expect(await readRows(app.engine, `SELECT * FROM ${own}.types`)).toEqual(
      await readRows(app.engine, `SELECT * FROM ${source}`),
    )
    await views.drop('types')
  })

  it('keeps params and metrics of runs, which have any names', async () => {
    const create = await app.request('POST', '/api/2.0/mlflow/runs/create', { experiment_id: '0' })
    const { run } = create.body as { run: { info: { run_id: string } } }
    await app.request('POST', '/api/2.0/mlflow/runs/log-batch', {
      run_id: run.info.run_id,
      metrics: [{ key: 'loss', value: 0.25, timestamp: 1, step: 0 }],
      params: [{ key: 'learning rate', value: '0.1' }],
    })
    await views.create({
      name: 'latest',
      statement: 'SELECT run_id, key, value FROM latest_metrics',
      key: ['run_id', 'key'],
    })
    expect(await readRows(app.engine, `SELECT key, value FROM ${own}.latest`)).toEqual([['loss', '0.25']])
    await views.drop('latest')
  })

  it('is swapped at once: whoever reads all the time sees the old rows or the new ones', async () => {
    const source = await createSource(app.engine, 'swapped', COLUMNS)
    const rows = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => ({ id: from + i, at: i, value: `v${i}` }))
    await putRows(app.engine, source, rows(0, 1000))
    await views.create({
      name: 'swapped',
      statement: `SELECT * FROM ${source}`,
      key: ['id'],
      incremental: 'id',
    })
    const seen = new Set<number>()
    let isOver = false
    const reader = (async () => {
      while (!isOver)
        seen.add(Number((await app.engine.rows(sql.raw(`SELECT count(*) FROM ${own}.swapped`)))[0]?.[0]))
    })()
    const counts = [1000]
    for (const full of [true, false, true]) {
      await putRows(app.engine, source, rows(counts.length * 1000, 1000))
      counts.push((await views.refresh('swapped', { full })).rows ?? 0)
    }
    isOver = true
    await reader
    expect(counts).toEqual([1000, 2000, 3000, 4000])
    expect(counts).toEqual(expect.arrayContaining([...seen]))
    await views.drop('swapped')
  })

  it.each([
    'Upper',
    'with space',
    'a.b.c',
    '',
    '.',
    'a.',
    '"quoted"',
    'x; DROP TABLE experiments',
    "quote'",
    'ünïcode',
    'a'.repeat(64),
    'pg_catalog.x',
    'information_schema.x',
  ])('is not called %j', async (name) => {
    expect(await refusedWith('create', { name, statement: 'SELECT 1 AS a' })).toMatchObject({
      status: 400,
      error_code: 'INVALID_PARAMETER_VALUE',
    })
  })

  describe('whatever is asked for wrongly', () => {
    const statement = 'SELECT 1 AS a, 2 AS b'
    it.each<[what: string, view: object, message: RegExp, status?: number]>([
      ['the schema of the server', { name: 'SERVER.mine', statement }, /is the server's own/],
      ['nothing', { statement: '' }, /There is no statement|Missing value/],
      ['two statements', { statement: 'SELECT 1 AS a; SELECT 2' }, /One statement at a time/],
      ['a write', { statement: 'DELETE FROM experiments' }, /not DELETE/],
      [
        'a hidden write',
        { statement: 'WITH x AS (DELETE FROM experiments RETURNING *) SELECT * FROM x' },
        /./,
      ],
      ['a report', { statement: 'EXPLAIN SELECT 1' }, /not EXPLAIN/],
      ['half of two statements', { statement: 'SELECT 1 AS a) AS b, (SELECT 2 AS c' }, /parentheses/],
      ['an open text', { statement: "SELECT 'a AS b" }, /./],
      ['secrets', { statement: 'SELECT * FROM webhooks' }, /webhooks/],
      ['a table that is not there', { statement: 'SELECT * FROM nowhere' }, /nowhere/],
      ['what fails on the way', { statement: 'SELECT CAST(name AS INTEGER) AS a FROM experiments' }, /./],
      ['columns of one name', { statement: 'SELECT 1 AS a, 2 AS a' }, /./],
      ['a key that is not there', { statement, key: ['c'] }, /no column 'c' in the answer, which has a, b/],
      ['a key twice', { statement, key: ['a', 'a'] }, /named twice/],
      [
        'a key that several rows have',
        { statement: 'SELECT 1 AS a FROM (VALUES (1), (2)) AS t', key: ['a'] },
        /several rows/,
      ],
      ['incremental without a key', { statement, incremental: 'a' }, /as key/],
      [
        'an incremental column without order',
        { statement: 'SELECT 1 AS a, true AS b', key: ['a'], incremental: 'b' },
        /no order/,
      ],
      ['two schedules', { statement, cron: '0 3 * * *', every: '1h' }, /Only one of/],
      ['no schedule', { statement, every: 'soon' }, /every/],
    ])('leaves nothing: %s', async (_what, view, message) => {
      const named = { name: 'wrong', ...view } as { name: string }
      const answer = await refusedWith('create', {
        ...named,
        name: named.name.replace('SERVER', app.engine.schema),
      })
      expect([400, 403]).toContain(answer.status)
      expect(answer.message).toMatch(message)
      expect(await views.list()).toEqual([])
      expect(await tablesIn(app.engine, own)).toEqual([])
    })
  })

  it('tells what a refresh failed by, and keeps the rows from before', async () => {
    const source = await createSource(app.engine, 'failing', COLUMNS)
    await putRows(app.engine, source, [{ id: 1, at: 1, value: '5' }])
    const statement = `SELECT id, CAST(value AS INTEGER) AS number FROM ${source}`
    await views.create({ name: 'failing', statement, key: ['id'] })
    await putRows(app.engine, source, [{ id: 2, at: 2, value: 'five' }])
    expect(await refusedWith('refresh', { name: 'failing' })).toMatchObject({ status: 400 })
    expect(await views.get('failing')).toMatchObject({
      version: 1,
      rows: 1,
      message: expect.stringMatching(/five/),
    })
    expect(await readRows(app.engine, `SELECT * FROM ${own}.failing`)).toEqual([['1', '5']])
    expect(await shownIn(app.engine, own)).toEqual(['failing'])
    await putRows(app.engine, source, [{ id: 2, at: 2, value: '6' }])
    expect(await views.refresh('failing')).not.toHaveProperty('message')
    await views.drop('failing')
  })

  it('never touches what others made', async () => {
    const name = await createSource(app.engine, 'theirs', COLUMNS)
    expect(await refusedWith('create', { name, statement: 'SELECT 1 AS a' })).toMatchObject({
      status: 400,
      error_code: 'RESOURCE_ALREADY_EXISTS',
    })
    const taken = `${dataSchema(app.engine)}.taken`
    await views.create({ name: taken, statement: 'SELECT 1 AS a' })
    await dropByHand(app.engine, taken)
    await createSource(app.engine, 'taken', COLUMNS)
    await putRows(app.engine, taken, [{ id: 7, at: 7, value: 'theirs' }])
    expect(await refusedWith('refresh', { name: taken })).toMatchObject({
      status: 409,
      error_code: 'INVALID_STATE',
    })
    await views.drop(taken)
    expect(await app.engine.rows(sql`SELECT id FROM ${tableOf(taken)}`)).toEqual([[7]])
    expect(await tablesIn(app.engine, dataSchema(app.engine))).toEqual(
      expect.arrayContaining(['taken', 'theirs']),
    )
  })

  it.skipIf(target.name !== 'PostgreSQL')('keeps the rights that were granted on it', async () => {
    await views.create({ name: 'granted', statement: 'SELECT 1 AS a' })
    await app.engine.execute(sql`GRANT SELECT ON ${tableOf(`${own}.granted`)} TO PUBLIC`)
    await views.refresh('granted')
    const rights =
      await app.engine.rows(sql`SELECT grantee, privilege_type FROM information_schema.table_privileges
      WHERE table_schema = ${own} AND table_name = 'granted' AND grantee = 'PUBLIC'`)
    expect(rights).toEqual([['PUBLIC', 'SELECT']])
    await views.drop('granted')
  })

  it('is made again where somebody dropped its table', async () => {
    await views.create({ name: 'gone', statement: 'SELECT 1 AS a', key: ['a'], incremental: 'a' })
    await dropByHand(app.engine, `${own}.gone`)
    expect(await views.refresh('gone')).toMatchObject({ version: 2, rows: 1 })
    await views.drop('gone')
  })

  it('is refreshed by one server at a time', async () => {
    const source = await createSource(app.engine, 'together', COLUMNS)
    await putRows(app.engine, source, [{ id: 1, at: 1, value: 'a' }])
    await views.create({ name: 'together', statement: `SELECT * FROM ${source}` })
    const other = await startApp(target, { engine: app.engine })
    const all = await Promise.all(
      [views, viewsOf(other.request), views].map((one) => one.refresh('together')),
    )
    expect(all.map(({ version }) => version).sort()).toEqual([2, 3, 4])
    expect(await shownIn(app.engine, own)).toEqual(['together'])
    await other.close()
    await views.drop('together')
  })

  it('shows by increments what it would show if it were made anew', async () => {
    const step = fc.array(
      fc.record({
        id: fc.integer({ min: 0, max: 30 }),
        value: fc.string({ unit: 'grapheme-ascii', maxLength: 3 }),
      }),
      { maxLength: 8 },
    )
    let number = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (steps) => {
        const table = `steps_${number++}`
        const source = await createSource(app.engine, table, COLUMNS)
        const statement = `SELECT id, at, value, at * 2 AS twice FROM ${source}`
        await views.create({ name: table, statement, key: ['id'], incremental: 'at' })
        let at = 0
        for (const rows of steps) {
          const latest = new Map(rows.map(({ id, value }) => [id, { id, value }]))
          // Times grow, several rows may share one.
          await putRows(
            app.engine,
            source,
            [...latest.values()].map((row, i) => ({ ...row, at: at + Math.floor(i / 2) })),
          )
          at += rows.length
          await views.refresh(table)
          expect(await readRows(app.engine, `SELECT * FROM ${own}.${table} ORDER BY id`)).toEqual(
            await readRows(app.engine, `${statement} ORDER BY id`),
          )
        }
        await views.drop(table)
      }),
      { numRuns: tries(target.name === 'CrateDB' ? 2 : 5, 50) },
    )
  })

  it('keeps rows that went and misses such that came late, until it is made anew', async () => {
    const source = await createSource(app.engine, 'late', COLUMNS)
    const row = (id: number, at: number) => ({ id, at, value: 'v' })
    await putRows(app.engine, source, [row(1, 10), row(2, 20)])
    await views.create({ name: 'late', statement: `SELECT * FROM ${source}`, key: ['id'], incremental: 'at' })
    await app.engine.execute(sql`DELETE FROM ${tableOf(source)} WHERE id = 1`)
    await putRows(app.engine, source, [row(3, 5), row(4, 20)])
    const idsOf = async () => (await readRows(app.engine, `SELECT id FROM ${own}.late ORDER BY id`)).flat()
    await views.refresh('late')
    expect(await idsOf()).toEqual(['1', '2', '4'])
    await views.refresh('late', { full: true })
    expect(await idsOf()).toEqual(['2', '3', '4'])
    await views.drop('late')
  })

  it('is refreshed by schedule, once for all times that were missed', async () => {
    let aheadMs = 0
    const clock = { now: () => Date.now() + aheadMs }
    const one = await startApp(target, { engine: app.engine, clock, retentionSchedule: false })
    const source = await createSource(app.engine, 'scheduled', COLUMNS)
    const of = viewsOf(one.request)
    await of.create({ name: 'scheduled', statement: `SELECT * FROM ${source}`, every: '1h' })
    await of.create({ name: 'by_hand', statement: 'SELECT 1 AS a' })
    await putRows(app.engine, source, [{ id: 1, at: 1, value: 'a' }])
    aheadMs = 5 * HOUR_MS
    const servers = await Promise.all([0, 1].map(() => startApp(target, { engine: app.engine, clock })))
    await Promise.all(servers.map((server) => server.app.listen({ port: 0, host: '127.0.0.1' })))
    await expect.poll(() => of.get('scheduled'), { timeout: 20_000 }).toMatchObject({ version: 2, rows: 1 })
    await Promise.all(servers.map((server) => server.close()))
    const { version, next_due_at = 0 } = await of.get('scheduled')
    expect([version, next_due_at > clock.now()]).toEqual([2, true])
    expect(await of.get('by_hand')).toMatchObject({ version: 1 })
    for (const name of ['scheduled', 'by_hand']) await of.drop(name)
    await one.close()
  })

  it('is made and dropped by whom the server lets, and refreshed by all', async () => {
    await views.create({ name: 'guarded', statement: 'SELECT 1 AS a' })
    const off = await startApp(target, { engine: app.engine, retentionTables: 'off' })
    for (const verb of ['create', 'drop'])
      expect(
        (await off.request('POST', `${VIEWS}/${verb}`, { name: 'guarded', statement: 'SELECT 1 AS a' }))
          .status,
      ).toBe(403)
    expect((await off.request('POST', `${VIEWS}/refresh`, { name: 'guarded' })).status).toBe(200)
    const forwarded = await app.app.inject({
      ...{ method: 'POST', url: `${VIEWS}/drop`, payload: { name: 'guarded' } },
      headers: { 'x-forwarded-for': '192.0.2.1' },
    })
    expect(forwarded.statusCode).toBe(403)
    await off.close()
    await views.drop('guarded')
  })
})
