// Kills the server between any two statements of a refresh: the view shows the old rows or the new ones, and the next refresh leaves nothing of what was
// broken off.
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Engine } from '../../src/platform/database/engine.ts'
import { startApp } from '../support/app.ts'
import { tries } from '../support/chance.ts'
import { describeEachEngine } from '../support/engines.ts'
import { type Life, openMortalEngine, TAKEN_OVER_MS } from '../support/mortal.ts'
import { dataSchema } from '../support/retention.ts'
import { createSource, putRows, readRows, tableOf, tablesIn, VIEWS, viewsOf } from '../support/views.ts'

describeEachEngine('a refresh whose server is killed between any two statements', (target) => {
  let engine: Engine
  let life: Life
  beforeAll(async () => {
    ;({ engine, life } = await openMortalEngine(target, (connection, { spend }) => ({
      readSql: (...asked) => spend('', () => connection.readSql?.(...asked) as never),
      async script(texts, limits) {
        // Elsewhere the statements are one transaction.
        for (const some of target.name === 'CrateDB' ? texts.map((text) => [text]) : [texts])
          await spend('', async () => connection.script?.(some, limits))
      },
    })))
  })
  afterAll(async () => {
    const app = await startApp(target, { engine })
    for (const { name } of await viewsOf(app.request).list()) await viewsOf(app.request).drop(name)
    expect(await tablesIn(engine, `${engine.schema}_views`)).toEqual([])
    await app.close()
    for (const table of await tablesIn(engine, dataSchema(engine)))
      await engine.execute(sql`DROP TABLE ${tableOf(`${dataSchema(engine)}.${table}`)}`)
    await engine.close()
  })

  let round = 0
  const startLater = () => {
    const laterMs = ++round * TAKEN_OVER_MS
    return startApp(target, { engine, clock: { now: () => Date.now() + laterMs } })
  }
  const rows = (from: number) =>
    Array.from({ length: 50 }, (_, i) => ({ id: from + i, at: from, value: 'v' }))

  /** Does it on a server that dies after so many statements. @returns whether that lived to the end */
  async function dieIn(verb: string, body: object, statements: number): Promise<boolean> {
    const app = await startLater()
    life.dieAfter(statements)
    const { status } = await app.request('POST', `${VIEWS}/${verb}`, body)
    const hasLived = life.revive()
    await app.close()
    if (hasLived) expect(status).toBe(200)
    return hasLived
  }

  it.each([
    ['all rows', true],
    ['new rows', false],
  ])(
    'replaces %s',
    async (_what, full) => {
      const name = full ? 'replaced' : 'added'
      const source = await createSource(engine, name, 'id INTEGER PRIMARY KEY, at BIGINT, value TEXT')
      await putRows(engine, source, rows(0))
      const setup = await startLater()
      await viewsOf(setup.request).create({
        ...{ name, statement: `SELECT * FROM ${source}`, key: ['id'], incremental: 'at' },
      })
      await setup.close()
      const shown = `${engine.schema}_views.${name}`
      const countOf = async () => Number((await readRows(engine, `SELECT count(*) FROM ${shown}`))[0]?.[0])
      const stride = target.name === 'CrateDB' ? tries(8, 1) : tries(4, 1)
      let total = 50
      for (let statements = 1, hasLived = false; !hasLived; statements += stride) {
        await putRows(engine, source, rows(total))
        hasLived = await dieIn('refresh', { name, full }, statements)
        expect([total, total + 50]).toContain(await countOf())
        total += 50
        const app = await startLater()
        expect(await viewsOf(app.request).refresh(name, { full: false })).toMatchObject({ rows: total })
        await app.close()
        expect(await countOf()).toBe(total)
        // Neither tables nor generations of rows.
        const tables = await tablesIn(engine, `${engine.schema}_views`)
        expect(tables.filter((table) => !table.startsWith('crateflow_view_')).sort()).toEqual(
          full ? ['replaced'] : ['added', 'replaced'],
        )
        if (target.name === 'CrateDB')
          expect(
            await engine.rows(sql`SELECT table_name FROM information_schema.table_partitions
            WHERE table_schema = ${`${engine.schema}_views`}`),
          ).toHaveLength(full ? 1 : 2)
      }
      expect(life.used()).toBeGreaterThan(5)
    },
    300_000,
  )

  it('makes or drops a view', async () => {
    const stride = target.name === 'CrateDB' ? tries(11, 1) : tries(5, 1)
    const view = { name: 'made', statement: 'SELECT 1 AS a' }
    for (const verb of ['create', 'drop']) {
      for (let statements = 1, hasLived = false; !hasLived; statements += stride) {
        if (verb === 'drop') {
          const app = await startLater()
          await viewsOf(app.request).create(view)
          await app.close()
        }
        hasLived = await dieIn(verb, view, statements)
        // The client's retry completes it.
        const app = await startLater()
        const { status } = await app.request('POST', `${VIEWS}/${verb}`, view)
        expect(verb === 'drop' ? [200, 404] : [200]).toContain(status)
        if (verb === 'create') {
          expect(await readRows(engine, `SELECT a FROM ${engine.schema}_views.made`)).toEqual([['1']])
          await viewsOf(app.request).drop('made')
        }
        expect((await tablesIn(engine, `${engine.schema}_views`)).includes('made')).toBe(false)
        await app.close()
      }
    }
  }, 300_000)
})
