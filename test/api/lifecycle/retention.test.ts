// Policies about old data through REST: what they may say, what they would do and do, what is recorded of it.
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import type { AuditEntry, Execution, OverviewWire, Policy } from '../../../src/lifecycle/retention/schema.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { describeEachEngine } from '../../support/engines.ts'
import { ask, createExperiment } from '../../support/full-experiment.ts'
import {
  countRowsOf,
  createReadings,
  DAY_MS,
  dataSchema,
  dropData,
  RETENTION,
  retentionOf,
} from '../../support/retention.ts'

const V2 = '/api/2.0/mlflow'
const HOUR_MS = 3600_000

type Told = z.infer<typeof OverviewWire>
/** Where everything is few enough to be counted. */
type Overview = Omit<Told, 'ingest'> & { ingest: Required<Told['ingest'][number]>[] }

describeEachEngine('retention policies', (target) => {
  let app: TestApp
  let retention: ReturnType<typeof retentionOf>
  beforeAll(async () => {
    app = await startApp(target)
    retention = retentionOf(app.request)
  })
  afterAll(async () => {
    await dropData(app.engine)
    await app.close()
  })

  const refusal = async (path: string, body: object) => {
    const { status, body: answer } = await app.request('POST', `${RETENTION}/${path}`, body)
    const { error_code, message } = answer as { error_code: string; message: string }
    return `${status} ${error_code}: ${message}`
  }

  it('are made, changed, listed by tags and deleted, and every change is in the audit', async () => {
    const made = await retention.create({
      name: 'old traces',
      target: 'traces',
      strategy: 'delete',
      duration: '30d',
      tags: ['team-a', 'prod'],
      every: '12h',
    })
    expect(made).toEqual({
      policy_id: expect.stringMatching(/^p-[0-9a-f]{16}$/),
      name: 'old traces',
      target: 'traces',
      category: 'timerange',
      strategy: 'delete',
      duration: '30d',
      duration_ms: 30 * DAY_MS,
      run_tags: [],
      tags: ['team-a', 'prod'],
      enabled: true,
      every: '12h',
      version: 1,
      created_at: expect.any(Number),
      updated_at: expect.any(Number),
      next_due_at: expect.any(Number),
    })
    expect(Number(made.next_due_at) - made.created_at).toBeGreaterThanOrEqual(DAY_MS / 2)
    // A request whose answer was lost comes again.
    expect(
      await retention.create({
        name: 'old traces',
        target: 'traces',
        strategy: 'delete',
        duration: '30d',
        tags: ['team-a', 'prod'],
        every: '12h',
      }),
    ).toEqual(made)
    const changed = await app.app.inject({
      method: 'POST',
      url: `${RETENTION}/policies/update`,
      headers: { user: 'ann' },
      payload: { policy_id: 'old traces', duration: '90m', cron: '0 3 * * *', clear: ['tags'] },
    })
    const { policy } = changed.json() as { policy: Policy }
    expect(policy).toMatchObject({
      duration: '90m',
      duration_ms: 5_400_000,
      cron: '0 3 * * *',
      tags: [],
      version: 2,
    })
    expect(policy.every).toBeUndefined()
    await retention.create({
      name: 'b',
      target: 'audit',
      strategy: 'delete',
      duration: '1y',
      tags: ['team-b'],
    })
    const names = async (query: string) =>
      (await retention.get<{ policies: Policy[] }>(`policies/list?${query}`)).policies.map(({ name }) => name)
    expect(await names('')).toEqual(['b', 'old traces'])
    expect(await names('tags=team-b')).toEqual(['b'])
    expect(await names('tags=team-b&tags=other')).toEqual([])
    expect(await names('target=traces')).toEqual(['old traces'])
    const first = await retention.get<{ policies: Policy[]; next_page_token: string }>(
      'policies/list?max_results=1',
    )
    expect(await names(`max_results=1&page_token=${first.next_page_token}`)).toEqual(['old traces'])
    await retention.post('policies/delete', { policy_id: made.policy_id })
    expect(await names('')).toEqual(['b'])
    expect((await app.request('GET', `${RETENTION}/policies/get?policy_id=old%20traces`)).status).toBe(404)
    const { entries } = await retention.get<{ entries: AuditEntry[] }>(`audit/list?policy_id=old%20traces`)
    expect(entries.map(({ kind, user_id }) => [kind, user_id])).toEqual([
      ['policy_deleted', undefined],
      ['policy_updated', 'ann'],
      ['policy_created', undefined],
    ])
    expect(entries[1]).toMatchObject({
      before: { duration: '30d', every: '12h' },
      after: { duration: '90m' },
    })
    // Its name is free, and its versions go on.
    const again = await retention.create({
      name: 'old traces',
      target: 'traces',
      strategy: 'delete',
      duration: '1d',
    })
    expect(again).toMatchObject({ policy_id: made.policy_id, version: 4, tags: [] })
  })

  it('are refused when they say what no policy may say, and nothing is kept of them', async () => {
    const base = { name: 'wrong', target: 'traces', strategy: 'delete', duration: '30d' }
    const table = { ...base, target: 'doc.t', column: 'time', category: 'timerange' }
    const cases: [object, RegExp][] = [
      [{ ...base, duration: '' }, /Missing value for required parameter 'duration'/],
      [{ ...base, duration: '4 weeks' }, /parameter 'duration': use a duration such as/],
      [{ ...base, duration: '0s' }, /parameter 'duration'/],
      [{ ...base, duration: '1001y' }, /parameter 'duration'/],
      [{ ...base, target: 'readings' }, /parameter 'target': name a table with its schema/],
      [{ ...base, target: 'a.b.c' }, /parameter 'target'/],
      [{ ...base, target: 'a.' }, /parameter 'target'/],
      [
        { ...table, target: 'doc.crateflow_view_0_1' },
        /parameter 'target': it holds the rows of a materialized view/,
      ],
      [
        { ...base, strategy: 'move' },
        /parameter 'strategy': use one of delete, reallocate, snapshot, downsample/,
      ],
      [{ ...base, strategy: 'toString' }, /parameter 'strategy'/],
      [{ ...base, category: 'partition' }, /parameter 'category': for traces it is timerange/],
      [{ ...base, category: 'x' }, /parameter 'category': use partition or timerange/],
      [{ ...base, column: 'time' }, /parameter 'column': for traces there is none/],
      [
        { ...base, run_tags: [{ key: 'a', value: 'b' }] },
        /parameter 'run_tags': traces cannot be told apart/,
      ],
      [
        { ...base, target: 'audit', experiment_pattern: 'a%' },
        /parameter 'experiment_pattern': audit cannot/,
      ],
      [{ ...base, repository: 'r' }, /parameter 'repository': strategy delete has none/],
      [{ ...base, cron: '0 3 * *' }, /parameter 'cron': use five fields/],
      [{ ...base, cron: '* * * * * *' }, /parameter 'cron'/],
      [{ ...base, cron: '99 3 * * *' }, /parameter 'cron'/],
      [{ ...base, cron: '0 3 * * *', every: '1d' }, /Only one of 'cron' and 'every'/],
      [{ ...base, every: '59s' }, /a minute is the shortest/],
      [{ ...base, tags: ['a,b'] }, /parameter 'tags'/],
      [{ ...base, name: ' ' }, /parameter 'name'/],
      [{ ...base, name: 'p-0123456789abcdef' }, /parameter 'name': it has the shape of an id/],
      [{ ...base, duration: '1s'.repeat(501) }, /parameter 'duration': use 1000 characters at most/],
      [{ ...base, cron: `${'0,'.repeat(500)}0 3 * * *` }, /parameter 'cron': use 1000 characters at most/],
      [
        { ...base, target: 'metrics', run_tags: [{ key: 'a', value: 'b'.repeat(8001) }] },
        /parameter 'run_tags': keys have 250 characters at most, values 8000/,
      ],
      [{ ...base, strategy: 'snapshot', repository: 'r' }, /parameter 'strategy': snapshot is for tables/],
      [{ ...table, column: '' }, /parameter 'column': name the partition column/],
      [{ ...table, experiment_pattern: 'a' }, /rows of a table have neither experiments nor runs/],
      [
        { ...table, target: `${app.engine.schema}.runs` },
        /the server's own tables lose rows by metrics, traces/,
      ],
      [{ ...table, target: 'information_schema.tables' }, /belongs to the database itself/],
    ]
    if (!app.engine.dialect.aging?.partitions)
      cases.push(
        [{ ...table, category: 'partition' }, /has no partitions, nodes or snapshots .* that takes CrateDB/],
        [{ ...table, category: 'partition', strategy: 'snapshot', repository: 'r' }, /that takes CrateDB/],
        [{ ...table, strategy: 'snapshot', repository: 'r' }, /parameter 'strategy': .*that takes CrateDB/],
        [
          { ...table, category: 'partition', strategy: 'reallocate', attribute: 'a', attribute_value: 'b' },
          /that takes CrateDB/,
        ],
      )
    else
      cases.push([
        { ...table, strategy: 'reallocate', attribute: 'a', attribute_value: 'b' },
        /reallocate works on partition only/,
      ])
    for (const [policy, text] of cases) {
      const refused = await refusal('policies/create', policy)
      expect(refused, JSON.stringify(policy)).toMatch(/^400 INVALID_PARAMETER_VALUE/)
      expect(refused).toMatch(text)
    }
    expect(await refusal('policies/update', { policy_id: 'wrong', duration: '1d' })).toBe(
      "404 RESOURCE_DOES_NOT_EXIST: Retention policy 'wrong' does not exist.",
    )
    await retention.create({ name: 'taken', target: 'audit', strategy: 'delete', duration: '9y' })
    expect(await refusal('policies/create', { ...base, name: 'taken' })).toBe(
      "400 RESOURCE_ALREADY_EXISTS: Retention policy 'taken' already exists.",
    )
    expect(await refusal('policies/update', { policy_id: 'taken', clear: ['target'] })).toMatch(
      /parameter 'clear'/,
    )
    for (const policy of [{}, { name: '', strategy: '', duration: '', cron: '' }])
      expect(await refusal('policies/preview', { policy })).toMatch(/^400 .*Missing value/)
    expect(await refusal('policies/preview', { policy_ids: ['taken'], cutoff: 'yesterday' })).toMatch(
      /'cutoff'/,
    )
    expect(await refusal('policies/preview', { policy_ids: ['taken'], cutoff: '2026-02-30' })).toMatch(
      /'cutoff': use a time/,
    )
    expect(await refusal('executions/run', { policy_ids: ['taken'], cutoff: '9000-01-01' })).toMatch(
      /in the future/,
    )
    expect(await refusal('executions/run', { policy_ids: ['no such'] })).toMatch(/^404 .*'no such' does not/)
    expect((await app.request('GET', `${RETENTION}/executions/list?state=x`)).status).toBe(400)
    expect((await app.request('GET', `${RETENTION}/audit/list?kind=x`)).status).toBe(400)
    expect((await app.request('GET', `${RETENTION}/executions/get?execution_id=x`)).status).toBe(404)
    const { entries } = await retention.get<{ entries: AuditEntry[] }>('audit/list?policy_id=wrong')
    expect(entries).toEqual([])
  })

  it('about tables are made and changed by clients on this machine alone, unless a setting says otherwise', async () => {
    const payload = {
      name: 'from afar',
      target: 'doc.t',
      column: 'time',
      category: 'timerange',
      strategy: 'delete',
      duration: '1d',
    }
    const send = (
      path: string,
      payload: object,
      headers: Record<string, string> = { 'x-forwarded-for': '203.0.113.7' },
    ) => app.app.inject({ method: 'POST', url: `${RETENTION}/${path}`, headers, payload })
    for (const [path, body] of [
      ['policies/create', payload],
      ['policies/preview', { policy: payload }],
    ] as const) {
      const refused = await send(path, body)
      expect([refused.statusCode, refused.json().message]).toEqual([
        403,
        expect.stringContaining('--retention-tables all'),
      ])
    }
    await retention.create(payload)
    expect((await send('policies/update', { policy_id: 'from afar', duration: '1ms' })).statusCode).toBe(403)
    expect((await send('policies/delete', { policy_id: 'from afar' })).statusCode).toBe(403)
    for (const name of ['x-forwarded-proto', 'cf-connecting-ip', 'via'])
      expect((await send('policies/preview', { policy: payload }, { [name]: 'a' })).statusCode).toBe(403)
    const traces = { name: 'own from afar', target: 'traces', strategy: 'delete', duration: '900y' }
    expect((await send('policies/create', traces)).statusCode).toBe(200)
    const off = await startApp(target, { engine: app.engine, retentionTables: 'off' })
    expect(
      (await off.request('POST', `${RETENTION}/policies/update`, { policy_id: 'from afar', duration: '2d' }))
        .status,
    ).toBe(403)
    await off.close()
    for (const policy_id of ['from afar', 'own from afar'])
      await retention.post('policies/delete', { policy_id })
  })

  describe('delete by time', () => {
    it('takes what is older than the duration and nothing else, shows it before, and records it', async () => {
      const endMs = Date.now()
      const table = await createReadings(app.engine, 'readings', { days: 100, endMs })
      const policy = { name: 'readings', target: table, column: 'time', strategy: 'delete', duration: '4w' }
      expect(await retention.create(policy)).toMatchObject({ category: 'timerange' })
      const [plan] = await retention.preview({ policy_ids: ['readings'] })
      expect(plan).toMatchObject({ policy_name: 'readings', step_count: 1, rows: 73 })
      expect(plan?.steps[0]?.statement).toContain(
        `DELETE FROM "${dataSchema(app.engine)}"."readings" WHERE "time" < '`,
      )
      expect(plan?.bytes).toBeGreaterThan(0)
      expect(await countRowsOf(app.engine, table)).toBe(100)
      const cutoff = new Date(endMs - 50 * DAY_MS).toISOString()
      expect((await retention.preview({ policy_ids: ['readings'], cutoff }))[0]?.rows).toBe(22)
      expect((await retention.preview({ policy: { ...policy, duration: '99d' } }))[0]?.rows).toBe(2)

      const { execution, steps } = await retention.run('readings')
      expect(execution).toMatchObject({
        policy_name: 'readings',
        state: 'succeeded',
        cause: 'api',
        rows: 73,
        steps_planned: 1,
        steps_done: 1,
      })
      expect(execution.ended_at).toBeGreaterThanOrEqual(execution.started_at)
      expect(steps).toMatchObject([{ number: 1, state: 'done', rows: 73 }])
      expect(await countRowsOf(app.engine, table)).toBe(27)
      // Once more there is nothing to do.
      expect((await retention.run('readings')).execution).toMatchObject({
        state: 'succeeded',
        rows: 0,
        steps_done: 0,
      })
      const { entries } = await retention.get<{ entries: AuditEntry[] }>(
        'audit/list?policy_id=readings&kind=execution_finished',
      )
      expect(entries.map((entry) => entry.execution?.rows)).toEqual([0, 73])
      const { executions } = await retention.get<{ executions: Execution[] }>(
        'executions/list?policy_id=readings',
      )
      expect(executions.map(({ rows }) => rows)).toEqual([0, 73])
    })

    it('takes columns of every type that tells a time', async () => {
      const schema = sql.identifier(dataSchema(app.engine))
      const types = { plain: 'TIMESTAMP WITHOUT TIME ZONE', number: 'BIGINT' } as Record<string, string>
      if (app.engine.dialect.migrations === 'postgres') types.day = 'DATE'
      for (const [column, type] of Object.entries(types)) {
        const name = sql`${schema}.${sql.identifier(`times_${column}`)}`
        await app.engine.execute(sql`CREATE TABLE ${name} (t ${sql.raw(type)})`)
        const value = (iso: string) =>
          column === 'number'
            ? sql`${String(Date.parse(iso))}::BIGINT`
            : sql`${iso.slice(0, column === 'day' ? 10 : 19)}::${sql.raw(type)}`
        for (const iso of [
          '1960-01-01T00:00:00Z',
          '2020-05-01T00:00:00Z',
          '2020-05-02T00:00:00Z',
          '2020-05-03T00:00:00Z',
        ])
          await app.engine.execute(sql`INSERT INTO ${name} (t) VALUES (${value(iso)})`)
        await app.engine.execute(sql`INSERT INTO ${name} (t) VALUES (NULL)`)
        const target = `${dataSchema(app.engine)}.times_${column}`
        await retention.create({
          name: `times ${column}`,
          target,
          column: 't',
          strategy: 'delete',
          duration: '1ms',
        })
        const { execution } = await retention.run(`times ${column}`, { cutoff: '2020-05-02T12:00:00.001Z' })
        // A day is over when the next one has begun.
        expect([column, execution.state, execution.rows]).toEqual([
          column,
          'succeeded',
          column === 'day' ? 2 : 3,
        ])
        expect(await countRowsOf(app.engine, target)).toBe(column === 'day' ? 3 : 2)
      }
    })

    it('keeps rows whose integers are no milliseconds, as by seconds all would be old', async () => {
      const schema = dataSchema(app.engine)
      const table = sql`${sql.identifier(schema)}.seconds`
      await app.engine.execute(sql`CREATE TABLE ${table} (t BIGINT)`)
      const now = String(Math.floor(Date.now() / 1000))
      await app.engine.execute(sql`INSERT INTO ${table} (t) VALUES (${now}::BIGINT)`)
      const base = { name: 'seconds', target: `${schema}.seconds`, column: 't', strategy: 'delete' }
      await retention.create({ ...base, duration: '30d' })
      const message = `Values of t are no milliseconds since 1970: the greatest of ${schema}.seconds, ${now}, would lie before March 1973.`
      expect(await retention.check({ policy_ids: ['seconds'] })).toMatchObject([
        { verdict: 'failure', message },
      ])
      expect((await retention.run('seconds')).execution).toMatchObject({ state: 'failed', message })
      expect(await countRowsOf(app.engine, `${schema}.seconds`)).toBe(1)
    })

    it('tells why it failed, and is done when that is mended', async () => {
      const target = `${dataSchema(app.engine)}.later`
      await retention.create({
        name: 'later',
        target,
        column: 'time',
        category: 'timerange',
        strategy: 'delete',
        duration: '1d',
      })
      const failed = await retention.run('later')
      expect(failed.execution).toMatchObject({
        state: 'failed',
        message: `There is no table ${target}.`,
        rows: 0,
      })
      const { entries } = await retention.get<{ entries: AuditEntry[] }>(
        'audit/list?policy_id=later&max_results=1',
      )
      expect(entries).toMatchObject([
        { kind: 'execution_failed', execution: { message: failed.execution.message } },
      ])
      await retention.create({ name: 'later too', target: 'audit', strategy: 'delete', duration: '900y' })
      expect(await retention.preview({ policy_ids: ['later', 'later too'] })).toMatchObject([
        { policy_name: 'later', message: failed.execution.message, steps: [], step_count: 0 },
        { policy_name: 'later too', step_count: 0 },
      ])
      await createReadings(app.engine, 'later', { days: 3, endMs: Date.now() })
      expect((await retention.run('later')).execution).toMatchObject({ state: 'succeeded', rows: 3 })
    })

    it('changes nothing but what a hostile name names', async () => {
      const innocent = await createReadings(app.engine, 'innocent', { days: 5, endMs: Date.now() })
      const schema = dataSchema(app.engine)
      const evil = `evil"; DELETE FROM "${schema}"."innocent`.slice(0, 60)
      const column = `t" < now() OR "id`
      const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
      for (const target of [`${quoted(schema)}.${quoted(evil)}`, `${quoted(`x"."${schema}`)}.innocent`]) {
        const name = `hostile ' ${target}`
        await retention.create({
          name,
          target,
          column,
          category: 'timerange',
          strategy: 'delete',
          duration: '1ms',
        })
        expect((await retention.run(name)).execution).toMatchObject({ state: 'failed' })
        expect((await retention.check({ policy_ids: [name] }))[0]).toMatchObject({ code: 'table_missing' })
        await retention.post('policies/delete', { policy_id: name })
      }
      const name = `hostile column '; --`
      await retention.create({
        name,
        target: innocent,
        column,
        category: 'timerange',
        strategy: 'delete',
        duration: '1ms',
      })
      expect((await retention.run(name)).execution).toMatchObject({
        state: 'failed',
        message: `${innocent} has no column ${column}.`,
      })
      expect(await countRowsOf(app.engine, innocent)).toBe(5)
    })
  })

  it('are run by their tags; a disabled one only when it is named', async () => {
    for (const name of ['one', 'two', 'three'])
      await retention.create({
        name: `tagged ${name}`,
        target: 'audit',
        strategy: 'delete',
        duration: '900y',
        tags: name === 'three' ? ['g'] : ['g', 'h'],
        enabled: name !== 'two',
      })
    const namesOf = (executions: Execution[]) => executions.map(({ policy_name }) => policy_name).sort()
    const byTag = await retention.start({ tags: ['g'] })
    expect(namesOf(byTag)).toEqual(['tagged one', 'tagged three'])
    const both = await retention.start({ tags: ['g', 'h'] })
    expect(namesOf(both)).toEqual(['tagged one'])
    const named = await retention.start({ policy_ids: ['tagged two'] })
    expect(namesOf(named)).toEqual(['tagged two'])
    expect(await retention.start({ tags: ['g'], strategy: 'snapshot' })).toEqual([])
    for (const { execution_id } of [...byTag, ...both, ...named]) await retention.ended(execution_id)
  })

  it('are checked: what is missing, what has no data, what contradicts', async () => {
    const table = await createReadings(app.engine, 'checked', { days: 2, endMs: Date.now() })
    await app.engine.execute(
      sql`CREATE TABLE ${sql.identifier(dataSchema(app.engine))}.empty (time TIMESTAMP WITH TIME ZONE, n TEXT)`,
    )
    const base = {
      column: 'time',
      category: 'timerange',
      strategy: 'delete',
      duration: '30d',
      tags: ['checked'],
    }
    const empty = `${dataSchema(app.engine)}.empty`
    // Another spelling of the same table.
    const quoted = `"${table.replace('.', '"."')}"`
    expect((await retention.create({ ...base, name: 'c1', target: quoted })).target).toBe(table)
    await retention.create({ ...base, name: 'c2', target: table, column: 'nothing' })
    await retention.create({ ...base, name: 'c3', target: `${dataSchema(app.engine)}.nothing` })
    await retention.create({ ...base, name: 'c4', target: empty })
    await retention.create({ ...base, name: 'c5', target: empty, column: 'n' })
    await retention.create({ ...base, name: 'c6', target: table, duration: '1d' })
    const findings = await retention.check({ tags: ['checked'] })
    expect(findings.map(({ policy_name, verdict, code }) => [policy_name, verdict, code])).toEqual([
      ['c1', 'ok', 'nothing_due'],
      ['c2', 'failure', 'column_missing'],
      ['c3', 'failure', 'table_missing'],
      ['c4', 'warning', 'no_data'],
      ['c5', 'failure', 'column_type'],
      ['c6', 'ok', 'ok'],
      ['c1', 'warning', 'contradiction'],
    ])
    expect(findings.at(-1)?.message).toBe("'c6' deletes after 1d all that 'c1' keeps until 30d.")
    expect(await retention.check({ tags: ['nobody'] })).toEqual([
      { verdict: 'warning', code: 'no_policy', message: 'There is no such policy.' },
    ])
  })

  it('show what the database holds, and what is due', async () => {
    await retention.create({
      name: 'due',
      target: 'audit',
      strategy: 'delete',
      duration: '900y',
      every: '1h',
    })
    const target = await createReadings(app.engine, 'held', { days: 10, endMs: Date.now() })
    // Of very many tables the largest ones are shown, and those that policies are about.
    await retention.create({ name: 'held', target, column: 'time', strategy: 'delete', duration: '900y' })
    const overview = await retention.get<{
      engine: string
      database_version: string
      health?: string
      tables: { name: string; own: boolean; rows?: number; bytes: number; months: object[] }[]
      ingest: { start: number; runs: number; traces: number; points: number }[]
      may_change_tables: boolean
      due_next: { policy_name: string; due_at: number }[]
      schedule_enabled: boolean
      last_hour: object
    }>('overview')
    expect(overview.engine).toBe(app.engine.dialect.name)
    expect(overview.database_version).toMatch(/\d/)
    expect(overview.tables).toContainEqual(
      expect.objectContaining({ name: `${app.engine.schema}.runs`, own: true }),
    )
    expect(overview.tables).toContainEqual(
      expect.objectContaining({
        name: `${dataSchema(app.engine)}.held`,
        own: false,
        bytes: expect.any(Number),
      }),
    )
    expect(overview.due_next.map(({ policy_name }) => policy_name)).toContain('due')
    expect(overview.last_hour).toEqual({ runs: expect.any(Number), traces: expect.any(Number) })
    expect(overview.schedule_enabled).toBe(true)
    expect(overview.may_change_tables).toBe(true)
  })

  it('show in an overview how many rows small tables have, whenever the database looked at them last', async () => {
    const table = `${app.engine.schema}.experiments`
    await createExperiment(app.request, 'looked at')
    await app.engine.execute(sql.raw(app.engine.dialect.name === 'cratedb' ? 'ANALYZE' : `ANALYZE ${table}`))
    for (const name of ['later', 'later still']) await createExperiment(app.request, name)
    const rows = await countRowsOf(app.engine, table)
    // What statements changed is told a moment later.
    await expect
      .poll(
        async () =>
          (await retention.get<Overview>('overview')).tables.find(({ name }) => name === table)?.rows,
        { timeout: 60_000 },
      )
      .toBe(rows)
  })

  it('show in an overview what came in by the hour, and what tables hold by the month', async () => {
    const before = await retention.get<Overview>('overview')
    const nowMs = Date.now()
    const experimentId = await createExperiment(app.request, 'by the hour')
    // One of a clock that is ahead, one of now, two of three hours ago, one of two days ago.
    for (const hoursAgo of [-2, 0, 3.5, 3.5, 48]) {
      const start_time = nowMs - hoursAgo * HOUR_MS
      const body = { experiment_id: experimentId, start_time }
      const { run } = await ask<{ run: { info: { run_id: string } } }>(
        app.request,
        'POST',
        `${V2}/runs/create`,
        body,
      )
      const metrics = [1, 2, 3].map((step) => ({
        key: 'loss',
        value: step,
        step,
        timestamp: start_time + step,
      }))
      await ask(app.request, 'POST', `${V2}/runs/log-batch`, { run_id: run.info.run_id, metrics })
    }
    // What took long to count serves for a while.
    const sumOf = (told: Overview) => told.ingest.reduce((all, { runs }) => all + runs, 0)
    let after = before
    await expect
      .poll(
        async () => {
          after = await retention.get<Overview>('overview')
          return sumOf(after) - sumOf(before)
        },
        { timeout: 60_000 },
      )
      .toBe(4)
    expect(after.ingest.map(({ start }, i) => start - (after.ingest[0]?.start ?? 0) - i * HOUR_MS)).toEqual(
      Array.from({ length: 24 }, () => 0),
    )
    const added = (field: 'runs' | 'points' | 'traces') =>
      after.ingest.map((hour, i) => hour[field] - (before.ingest[i]?.[field] ?? 0))
    const expected = (last: number, earlier: number) =>
      Array.from({ length: 24 }, (_, i) => (i === 23 ? last : i === 20 ? earlier : 0))
    expect(added('runs')).toEqual(expected(2, 2))
    expect(added('points')).toEqual(expected(6, 6))
    expect(added('traces')).toEqual(expected(0, 0))
    const sum = ({ tables }: Overview) =>
      tables
        .find(({ name }) => name === `${app.engine.schema}.metrics`)
        ?.months.reduce((all, { rows }) => all + rows, 0) ?? 0
    // CrateDB counts the rows of shards a moment later.
    await expect
      .poll(async () => sum(await retention.get<Overview>('overview')) - sum(before), { timeout: 60_000 })
      .toBe(15)
    const months = after.tables.flatMap((table) => table.months.map(({ month }) => month))
    expect(months.filter((month) => !/^\d{4}-\d{2}$/.test(month))).toEqual([])
  })

  it('tell whoever asks through a proxy that policies about tables are not theirs to change', async () => {
    const { body } = await app.app
      .inject({ url: `${RETENTION}/overview`, headers: { 'x-forwarded-for': '192.0.2.1' } })
      .then((answer) => ({ body: answer.json() as Overview }))
    expect(body.may_change_tables).toBe(false)
  })
})
