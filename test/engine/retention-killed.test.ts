// Kills the server between any two statements of an execution: each partition is there whole or in a verified snapshot, each row is due or was taken, and
// another server completes what was left.
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AuditEntry } from '../../src/lifecycle/retention/schema.ts'
import type { Engine } from '../../src/platform/database/engine.ts'
import { tries } from '../support/chance.ts'
import { describeEachEngine } from '../support/engines.ts'
import { type Life, mortalPolicies, openMortalEngine } from '../support/mortal.ts'
import {
  countRowsOf,
  createPartitioned,
  createReadings,
  dataSchema,
  dropData,
  retentionOf,
} from '../support/retention.ts'

const ROWS = 10

describeEachEngine('an execution whose server is killed between any two statements', (target) => {
  let engine: Engine
  let life: Life
  let policies: ReturnType<typeof mortalPolicies>
  beforeAll(async () => {
    ;({ engine, life } = await openMortalEngine(target))
    policies = mortalPolicies(target, { engine, life })
  })
  afterAll(async () => {
    if (target.name === 'CrateDB') await dropData(engine)
    await engine.close()
  })

  /** Another server goes on, later. */
  async function complete(name: string, round: number) {
    const app = await policies.startAt(round)
    const retention = retentionOf(app.request)
    const { execution } = await retention.run(name)
    const { entries } = await retention.get<{ entries: AuditEntry[] }>(`audit/list?policy_id=${name}`)
    await app.close()
    return { execution, ends: entries.filter(({ kind }) => kind === 'execution_finished') }
  }

  it.skipIf(target.name === 'CrateDB' && tries(0, 1) === 0)(
    'deletes rows by time',
    async () => {
      let round = 0
      for (let statements = 0, hasLived = false; !hasLived; statements += tries(4, 1)) {
        const name = `rows_${statements}`
        const table = await createReadings(engine, name, { days: ROWS, endMs: Date.now() - 1000 })
        const app = await policies.startAt(round)
        await retentionOf(app.request).create({
          name,
          target: table,
          column: 'time',
          strategy: 'delete',
          duration: '1ms',
        })
        await app.close()
        hasLived = await policies.executeAndDie(name, statements, round++)
        expect([0, ROWS]).toContain(await countRowsOf(engine, table))
        const { execution, ends } = await complete(name, round++)
        expect(execution.state).toBe('succeeded')
        expect(await countRowsOf(engine, table)).toBe(0)
        // Nothing happens unrecorded, and nothing is recorded twice.
        expect(new Set(ends.map((entry) => entry.audit_id)).size).toBe(ends.length)
        expect(ends.length).toBeGreaterThan(0)
      }
    },
    600_000,
  )

  for (const category of ['partition', ...(tries(0, 1) > 0 ? ['timerange'] : [])])
    it.skipIf(target.name !== 'CrateDB')(
      `puts what is old into snapshots by ${category}`,
      async ({ skip }) => {
        const repository = `killed_${category}_${engine.schema}`
        try {
          await engine.execute(
            sql`CREATE REPOSITORY ${sql.identifier(repository)} TYPE fs WITH (location = ${repository})`,
          )
        } catch (error) {
          if (!/path\.repo/.test((error as Error).message)) throw error
          skip('the node has no path.repo')
        }
        const snapshotsOf = async () =>
          (
            await engine.execute<{ name: string; state: string; parts: { table_name: string }[] }>(
              sql`SELECT name, state, table_partitions AS parts FROM sys.snapshots WHERE repository = ${repository} ORDER BY name`,
            )
          ).rows
        let round = 0
        for (let statements = 0, hasLived = false; !hasLived; statements += tries(17, 1)) {
          const name = `${category}_${statements}`
          const table = await createPartitioned(engine, name, { months: ['2020-01'], rows: ROWS })
          const app = await policies.startAt(round)
          await retentionOf(app.request).create({
            ...{ name, target: table, strategy: 'snapshot', repository, duration: '1d', category },
            column: category === 'partition' ? 'time_month' : 'time',
          })
          await app.close()
          hasLived = await policies.executeAndDie(name, statements, round++)
          const ofTable = async () =>
            (await snapshotsOf()).filter(({ parts }) => parts.some(({ table_name }) => table_name === name))
          if ((await countRowsOf(engine, table)) !== ROWS) {
            expect(await countRowsOf(engine, table)).toBe(0)
            expect((await ofTable())[0]).toMatchObject({ state: 'SUCCESS' })
          }
          const { execution } = await complete(name, round++)
          expect(execution.state).toBe('succeeded')
          expect(await countRowsOf(engine, table)).toBe(0)
          const [snapshot, ...more] = await ofTable()
          // By time, whoever goes on makes another snapshot: rows may have come meanwhile.
          expect([snapshot?.state, more.length]).toEqual([
            'SUCCESS',
            category === 'partition' ? 0 : more.length,
          ])
          await engine.execute(
            sql`DROP TABLE IF EXISTS ${sql.identifier(dataSchema(engine))}.${sql.identifier(name)}`,
          )
          await engine.execute(
            sql`RESTORE SNAPSHOT ${sql.identifier(repository)}.${sql.identifier(snapshot?.name ?? '')} ALL WITH (wait_for_completion = true)`,
          )
          expect(await countRowsOf(engine, table)).toBe(ROWS)
          await engine.execute(sql`DROP TABLE ${sql.identifier(dataSchema(engine))}.${sql.identifier(name)}`)
        }
        expect(life.used()).toBeGreaterThan(20)
        for (const { name } of await snapshotsOf())
          await engine.execute(sql`DROP SNAPSHOT ${sql.identifier(repository)}.${sql.identifier(name)}`)
        await engine.execute(sql`DROP REPOSITORY ${sql.identifier(repository)}`)
      },
      900_000,
    )
})
