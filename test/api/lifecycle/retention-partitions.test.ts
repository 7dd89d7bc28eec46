// Policies on partitions, which CrateDB alone has: dropped, put into snapshots and restored from them, moved to nodes.
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Finding } from '../../../src/lifecycle/retention/schema.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { describeEachEngine } from '../../support/engines.ts'
import { startMinio } from '../../support/minio.ts'
import {
  countRowsOf,
  createPartitioned,
  createReadings,
  DAY_MS,
  dataSchema,
  dropData,
  retentionOf,
} from '../../support/retention.ts'
import { missing } from '../../support/services.ts'

const MONTHS = ['2020-01', '2020-02', '2020-03', '2020-04']
/** March has not ended yet. */
const CUTOFF = '2020-03-31T00:00:00Z'
const ROWS = 20

describeEachEngine(
  'retention of partitions',
  (target) => {
    let app: TestApp
    let retention: ReturnType<typeof retentionOf>
    const repositories: string[] = []
    beforeAll(async () => {
      app = await startApp(target)
      retention = retentionOf(app.request)
    })
    afterAll(async () => {
      await dropData(app.engine)
      for (const name of repositories) await dropRepository(name)
      await app.close()
    })

    const monthsOf = async (table: string): Promise<string[]> => {
      const [schema = '', name = ''] = table.split('.')
      const { rows } = await app.engine.execute<{ month: number }>(
        sql`SELECT "values"['time_month'] AS month FROM information_schema.table_partitions
            WHERE table_schema = ${schema} AND table_name = ${name} ORDER BY 1`,
      )
      return rows.map(({ month }) => new Date(Number(month)).toISOString().slice(0, 7))
    }
    const rowsOf = async (table: string) => {
      const name = sql.raw(`"${table.replace('.', '"."')}"`)
      await app.engine.execute(sql`REFRESH TABLE ${name}`)
      return app.engine.rows(
        sql`SELECT id, time::BIGINT, text FROM ${name} WHERE time < '2020-03-01' ORDER BY time, id LIMIT 1000`,
      )
    }
    const isHeld = async (table: string) => {
      const [schema = '', name = ''] = table.split('.')
      const rows = await app.engine.rows(
        sql`SELECT count(*) FROM information_schema.table_partitions
            WHERE table_schema = ${schema} AND table_name = ${name} AND settings['blocks']['write']`,
      )
      return Number(rows[0]?.[0]) > 0
    }
    async function dropRepository(name: string): Promise<void> {
      const { rows } = await app.engine.execute<{ name: string }>(
        sql`SELECT name FROM sys.snapshots WHERE repository = ${name}`,
      )
      for (const snapshot of rows)
        await app.engine.execute(sql`DROP SNAPSHOT ${sql.identifier(name)}.${sql.identifier(snapshot.name)}`)
      await app.engine.execute(sql`DROP REPOSITORY ${sql.identifier(name)}`)
    }
    /** @returns false where the node allows none */
    async function createRepository(
      name: string,
      options: Record<string, string>,
      type = 'fs',
    ): Promise<boolean> {
      const listed = Object.entries(options).map(([key, value]) => sql`${sql.identifier(key)} = ${value}`)
      try {
        await app.engine.execute(
          sql`CREATE REPOSITORY ${sql.identifier(name)} TYPE ${sql.raw(type)} WITH (${sql.join(listed, sql`, `)})`,
        )
        repositories.push(name)
        return true
      } catch (error) {
        if (/path\.repo|unknown repository type|Invalid repository type/i.test((error as Error).message))
          return false
        throw error
      }
    }

    it('drops those whose whole period is over, and shows them before', async () => {
      const table = await createPartitioned(app.engine, 'dropped', { months: MONTHS, rows: ROWS })
      const made = await retention.create({
        name: 'dropped',
        target: table,
        column: 'time_month',
        strategy: 'delete',
        duration: '1ms',
      })
      expect(made.category).toBe('partition')
      const [plan] = await retention.preview({ policy_ids: ['dropped'], cutoff: CUTOFF })
      expect(plan).toMatchObject({ step_count: 2, rows: 2 * ROWS })
      expect(plan?.steps[0]).toEqual({
        statement: `DELETE FROM "${dataSchema(app.engine)}"."dropped" WHERE "time_month" = '1577836800000'`,
        partition: 'time_month=2020-01-01T00:00:00.000Z',
        rows: ROWS,
        bytes: expect.any(Number),
      })
      expect(await monthsOf(table)).toEqual(MONTHS)
      const { execution, steps } = await retention.run('dropped', { cutoff: CUTOFF })
      expect(execution).toMatchObject({ state: 'succeeded', steps_planned: 2, steps_done: 2, rows: 2 * ROWS })
      expect(steps.map(({ partition, rows }) => [partition?.slice(11, 18), rows])).toEqual([
        ['2020-01', ROWS],
        ['2020-02', ROWS],
      ])
      expect(await monthsOf(table)).toEqual(['2020-03', '2020-04'])
      expect(await countRowsOf(app.engine, table)).toBe(2 * ROWS)
    })

    it('drops those of tables with several partition columns, hostile values among them', async () => {
      const name = sql`${sql.identifier(dataSchema(app.engine))}.several`
      await app.engine.execute(
        sql`CREATE TABLE ${name} (month TEXT, area TEXT, n INTEGER) CLUSTERED INTO 1 SHARDS PARTITIONED BY (month, area) WITH (number_of_replicas = 0)`,
      )
      const evil = `x' OR month <> '`
      await app.engine.execute(
        sql`INSERT INTO ${name} (month, area, n) VALUES ('2020-01', ${evil}, 1), ('2020-01', NULL, 2), ('2020-02', ${evil}, 3), (NULL, 'a', 4), ('no time', 'a', 5)`,
      )
      const table = `${dataSchema(app.engine)}.several`
      await retention.create({
        name: 'several',
        target: table,
        column: 'month',
        strategy: 'delete',
        duration: '1ms',
      })
      const { execution } = await retention.run('several', { cutoff: '2020-02-15' })
      expect(execution).toMatchObject({ state: 'succeeded', steps_done: 2, rows: 2 })
      await app.engine.execute(sql`REFRESH TABLE ${name}`)
      expect((await app.engine.rows(sql`SELECT n FROM ${name} ORDER BY n`)).flat()).toEqual([3, 4, 5])
      expect(await retention.check({ policy_ids: ['several'] })).toMatchObject([
        { verdict: 'warning', code: 'column_type' },
        { verdict: 'ok', code: 'ok' },
      ])
    })

    it('drops none before the period is over that its column is computed for, or whose column tells no period', async () => {
      const computed: Record<string, [type: string, expression: string, goes: boolean]> = {
        plain: ['TIMESTAMP', `date_trunc('month', coalesce(time, now()))`, true],
        upper: ['TIMESTAMP WITH TIME ZONE', `date_trunc('MONTH', time)`, true],
        zone: ['TIMESTAMP WITH TIME ZONE', `date_trunc('month', 'Europe/Berlin', time)`, true],
        text: ['TEXT', `date_format('%Y-%m', 'America/New_York', time)`, true],
        bin: ['TIMESTAMP WITH TIME ZONE', `date_bin('30 days'::INTERVAL, time, 0)`, false],
        year: ['BIGINT', 'extract(YEAR FROM time)', false],
      }
      // In March of Berlin and New York, the last of which is the last of UTC.
      const times = ['2020-02-20T12:00:00Z', '2020-03-31T12:00:00Z', '2020-04-01T03:00:00Z']
      for (const [name, [type, expression, goes]] of Object.entries(computed)) {
        const table = sql`${sql.identifier(dataSchema(app.engine))}.${sql.identifier(`computed_${name}`)}`
        await app.engine.execute(
          sql`CREATE TABLE ${table} (time TIMESTAMP WITH TIME ZONE, part ${sql.raw(type)} GENERATED ALWAYS AS ${sql.raw(expression)})
              CLUSTERED INTO 1 SHARDS PARTITIONED BY (part) WITH (number_of_replicas = 0)`,
        )
        const values = times.map((time) => sql`(${time})`)
        await app.engine.execute(sql`INSERT INTO ${table} (time) VALUES ${sql.join(values, sql`, `)}`)
        const target = `${dataSchema(app.engine)}.computed_${name}`
        await retention.create({ name: target, target, column: 'part', strategy: 'delete', duration: '1ms' })
        for (const [cutoff, left] of [
          ['2020-03-31T12:00:00Z', goes ? 2 : 3],
          ['2020-04-01T02:00:00Z', goes && !['zone', 'text'].includes(name) ? 1 : goes ? 2 : 3],
        ] as const) {
          const { execution } = await retention.run(target, { cutoff })
          expect([name, execution.state]).toEqual([name, 'succeeded'])
          expect([name, cutoff, await countRowsOf(app.engine, target)]).toEqual([name, cutoff, left])
        }
        const [finding] = await retention.check({ policy_ids: [target] })
        expect([name, finding?.code]).toEqual([name, goes ? 'ok' : 'column_type'])
      }
    })

    it('checks columns, repositories and nodes', async () => {
      const plain = await createReadings(app.engine, 'plain', { days: 1, endMs: Date.now() })
      const parted = await createPartitioned(app.engine, 'parted', { months: ['2020-01'], rows: 1 })
      const base = { category: 'partition', column: 'time_month', duration: '1d', tags: ['p'] }
      const snapshot = { ...base, strategy: 'snapshot', repository: 'no such "repository"' }
      const move = { ...base, strategy: 'reallocate', attribute: 'no.such', attribute_value: 'x' }
      await retention.create({ ...base, name: 'p1', target: plain, column: 'time', strategy: 'delete' })
      await retention.create({ ...base, name: 'p2', target: parted, column: 'time', strategy: 'delete' })
      await retention.create({ ...snapshot, name: 'p3', target: parted })
      await retention.create({ ...move, name: 'p4', target: parted })
      const codes = (findings: Finding[]) => findings.map(({ policy_name, code }) => `${policy_name} ${code}`)
      const findings = await retention.check({ tags: ['p'] })
      expect(codes(findings).slice(0, 4)).toEqual([
        'p1 no_partitions',
        'p2 not_partitioned_by',
        'p3 repository_missing',
        'p4 no_node',
      ])
      expect(codes(findings).slice(4)).toContain('p2 contradiction')
      for (const name of ['p3', 'p4'])
        expect((await retention.run(name)).execution).toMatchObject({
          state: 'failed',
          rows: 0,
          message: expect.stringMatching(/There is no repository|No node has the attribute/),
        })
      expect(await countRowsOf(app.engine, parted)).toBe(1)
      expect(await isHeld(parted)).toBe(false)
    })

    describe('into a snapshot', () => {
      async function moveAndRestore(repository: string) {
        const table = await createPartitioned(app.engine, `kept_${repository}`, {
          months: MONTHS,
          rows: ROWS,
          shards: 2,
        })
        const before = await rowsOf(table)
        expect(before).toHaveLength(2 * ROWS)
        await retention.create({
          name: repository,
          target: table,
          column: 'time_month',
          strategy: 'snapshot',
          repository,
          duration: '1ms',
        })
        const { execution, steps } = await retention.run(repository, { cutoff: CUTOFF })
        expect(execution).toMatchObject({ state: 'succeeded', rows: 2 * ROWS, steps_done: 2 })
        expect(steps[0]?.statement).toMatch(/"blocks.write" = true\); CREATE SNAPSHOT .*; DELETE FROM/)
        expect(await monthsOf(table)).toEqual(['2020-03', '2020-04'])
        expect(await rowsOf(table)).toEqual([])
        const { rows } = await app.engine.execute<{ name: string; state: string }>(
          sql`SELECT name, state FROM sys.snapshots WHERE repository = ${repository} ORDER BY started`,
        )
        expect(rows.map(({ state }) => state)).toEqual(['SUCCESS', 'SUCCESS'])
        const months = [1577836800000, 1580515200000]
        for (const [i, { name }] of rows.entries())
          await app.engine.execute(
            sql`RESTORE SNAPSHOT ${sql.identifier(repository)}.${sql.identifier(name)}
                TABLE ${sql.raw(`"${table.replace('.', '"."')}"`)} PARTITION (time_month = ${String(months[i])}) WITH (wait_for_completion = true)`,
          )
        expect(await rowsOf(table)).toEqual(before)
        return { table }
      }

      it('of a file system brings the same rows back, row by row', async ({ skip }) => {
        const repository = `fs_${app.engine.schema}`
        if (!(await createRepository(repository, { location: repository }))) skip('the node has no path.repo')
        const { table } = await moveAndRestore(repository)
        // What comes back takes no writes until somebody wants that.
        expect(await isHeld(table)).toBe(true)
      })

      it.for(['whole', 'parted'])(
        'of a %s table brings back the rows that go by time',
        async (kind, { skip }) => {
          const repository = `range_${kind}_${app.engine.schema}`
          if (!(await createRepository(repository, { location: repository })))
            skip('the node has no path.repo')
          const endMs = Date.parse('2020-03-01')
          const table =
            kind === 'parted'
              ? await createPartitioned(app.engine, `range_${kind}`, {
                  months: MONTHS,
                  rows: ROWS,
                  shards: 2,
                })
              : await createReadings(app.engine, kind, { days: ROWS, endMs: endMs + 5 * DAY_MS })
          const name = sql.raw(`"${table.replace('.', '"."')}"`)
          const all = async () => {
            await app.engine.execute(sql`REFRESH TABLE ${name}`)
            return app.engine.rows(sql`SELECT id, time::BIGINT FROM ${name} ORDER BY time LIMIT 1000`)
          }
          const before = await all()
          const kept = before.filter(([, time]) => Number(time) >= endMs)
          expect(kept.length).toBeGreaterThan(0)
          await retention.create({
            ...{ name: repository, target: table, column: 'time', category: 'timerange', repository },
            ...{ strategy: 'snapshot', duration: '1ms' },
          })
          const cutoff = '2020-03-01T00:00:00.001Z'
          const [plan] = await retention.preview({ policy_ids: [repository], cutoff })
          expect(plan).toMatchObject({ rows: before.length - kept.length, step_count: 1 })
          expect(await all()).toEqual(before)
          const { execution, steps } = await retention.run(repository, { cutoff })
          expect(execution).toMatchObject({ state: 'succeeded', rows: before.length - kept.length })
          expect(steps[0]?.statement).toMatch(/^CREATE SNAPSHOT .*; DELETE FROM .* WHERE "time" </)
          expect(await all()).toEqual(kept)
          const { rows } = await app.engine.execute<{ name: string; state: string }>(
            sql`SELECT name, state FROM sys.snapshots WHERE repository = ${repository}`,
          )
          expect(rows).toMatchObject([{ state: 'SUCCESS' }])
          await app.engine.execute(sql`DROP TABLE ${name}`)
          await app.engine.execute(
            sql`RESTORE SNAPSHOT ${sql.identifier(repository)}.${sql.identifier(rows[0]?.name ?? '')} TABLE ${name} WITH (wait_for_completion = true)`,
          )
          expect(await all()).toEqual(before)
        },
      )

      it('keeps the data when the repository fails', async ({ skip }) => {
        const repository = `broken_${app.engine.schema}`
        if (!(await createRepository(`${repository}_writing`, { location: repository })))
          skip('the node has no path.repo')
        await createRepository(repository, { location: repository, readonly: 'true' })
        const table = await createPartitioned(app.engine, 'broken', { months: ['2020-01'], rows: ROWS })
        const name = 'broken'
        const policy = {
          name,
          target: table,
          column: 'time_month',
          strategy: 'snapshot',
          repository,
          duration: '1d',
        }
        await retention.create(policy)
        const { execution, steps } = await retention.run(name)
        expect(execution).toMatchObject({
          state: 'failed',
          rows: 0,
          message: expect.stringMatching(/read-?only/i),
        })
        expect(steps).toMatchObject([{ state: 'failed' }])
        expect(await countRowsOf(app.engine, table)).toBe(ROWS)
        expect(await isHeld(table)).toBe(false)
        const byTime = { ...policy, name: 'by time', category: 'timerange', column: 'time' }
        await retention.create(byTime)
        const { execution: failed } = await retention.run(byTime.name)
        expect(failed).toMatchObject({
          state: 'failed',
          rows: 0,
          message: expect.stringMatching(/read-?only/i),
        })
        expect(await countRowsOf(app.engine, table)).toBe(ROWS)
      })

      it.skipIf(missing('minio'))('of S3 brings the same rows back', async ({ skip }) => {
        const { endpoint, bucket, accessKeyId, secretAccessKey } = await startMinio()
        const repository = `s3_${app.engine.schema}`
        const options = {
          bucket,
          endpoint: new URL(endpoint).host,
          protocol: 'http',
          region: 'us-east-1',
          access_key: accessKeyId,
          secret_key: secretAccessKey,
          use_path_style_access: 'true',
        }
        if (!(await createRepository(repository, options, 's3'))) skip('this CrateDB has no S3 repositories')
        await moveAndRestore(repository)
      })
    })
  },
  ['CrateDB'],
)
