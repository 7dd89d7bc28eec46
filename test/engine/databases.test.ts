// The databases that tests are given.
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { tableNames } from '../../src/platform/database/migrate.ts'
import { describeEveryEngine } from '../support/engines.ts'

describeEveryEngine('a database of a test', (target) => {
  it('is migrated, and another one has tables of its own', async () => {
    const engine = await target.open()
    expect(await tableNames(engine)).toContain('runs')
    await engine.execute(sql`INSERT INTO tags (run_id, key, value, experiment_id) VALUES ('r', 'k', 'v', 0)`)
    const other = await target.open(await target.another())
    const { rows } = await other.execute(sql`SELECT value FROM tags WHERE run_id = 'r' AND key = 'k'`)
    expect(rows).toEqual([])
  })
})
