// Statements stay prepared, in bounds: whoever sends ever new filters gets neither the memory nor others' answers.
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import type { Engine } from '../../src/platform/database/engine.ts'
import { describeEachEngine } from '../support/engines.ts'

/** More than any engine keeps. */
const MANY = 600

const select = (value: string, length = 0) =>
  sql`SELECT ${sql.raw(`'${value}' AS "${value}" -- ${'x'.repeat(length)}`)}`
const keptBy = async (engine: Engine) => {
  const kept = sql`SELECT count(*) AS statements, max(length(statement)) AS longest FROM pg_prepared_statements`
  return (await engine.execute<{ statements: number; longest: number }>(kept)).rows[0]
}

describeEachEngine(
  'prepared statements',
  (target) => {
    it('are not kept when they are very long', async () => {
      const engine = await target.open()
      const { rows } = await engine.execute(select('long', 100_000))
      expect(rows).toEqual([{ long: 'long' }])
      expect((await keptBy(engine))?.longest).toBeLessThan(5000)
    })
  },
  ['PGlite', 'PostgreSQL'],
)

describeEachEngine('ever new statements', (target) => {
  it('are answered, each by its own rows: one by one, and kept and not at once', async () => {
    const engine = await target.open()
    for (let i = 0; i < MANY; i++) {
      expect((await engine.execute(select(`c${i}`))).rows).toEqual([{ [`c${i}`]: `c${i}` }])
    }
    if (target.name !== 'CrateDB') expect((await keptBy(engine))?.statements).toBeLessThan(MANY)

    const names = ['new1', 'new2', 'c1', 'new3', 'c2']
    const statements = names.map((name) => engine.compile(select(name)))
    const results = await engine.executeAll([
      ...statements,
      engine.compile(sql`DELETE FROM tags WHERE run_id = ${'none'} AND key = ${'new'}`),
      engine.compile(select('new4')),
    ])
    expect(results.map(({ rows }) => rows)).toEqual([
      ...names.map((name) => [{ [name]: name }]),
      [],
      [{ new4: 'new4' }],
    ])
  })
})
