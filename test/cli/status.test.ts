// `crateflow status` on each database: what it shows, what it hides, and when it fails.
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { describeEveryEngine } from '../support/engines.ts'
import { runProgram } from './program.ts'

interface Status {
  version: string
  cluster?: string
  health?: string
  size?: number
  nodes?: { name: string; heap_used: number; heap_max: number; disk_free: number }[]
  tables?: { name: string; rows: number | null; size: number; shards?: number; missing_copies?: number }[]
  slow_statements?: { statement: string; ms: number }[]
  running_statements?: { statement: string; ms: number }[]
  failed_checks?: string[]
  notices: string[]
}

describeEveryEngine('crateflow status', (target) => {
  async function statusOf(uri = target.uri, args: readonly string[] = []) {
    const all = ['status', '--json', '--backend-store-uri', uri, ...args]
    const { code, stdout, stderr } = await runProgram(all)
    expect(stderr).toBe('')
    return { code, stdout, status: JSON.parse(stdout) as Status }
  }

  it('shows version and tables, for people and for programs', async () => {
    if (target.name !== 'PGlite') await target.open()
    const { code, status } = await statusOf()
    expect(code).toBe(0)
    expect(status.notices).toEqual([])
    expect(status.version).toMatch(target.name === 'CrateDB' ? /^CrateDB \d/ : /^PostgreSQL \d/)
    const runs = status.tables?.find(({ name }) => name === 'runs')
    if (target.name === 'CrateDB') {
      expect(status.health).toMatch(/^(GREEN|YELLOW)$/)
      expect(status.nodes?.[0]).toMatchObject({ name: expect.any(String), heap_used: expect.any(Number) })
      expect(status.nodes?.[0]?.disk_free).toBeGreaterThan(0)
      expect(runs).toMatchObject({ rows: 0, shards: 1, missing_copies: 0 })
    } else {
      expect(status.size).toBeGreaterThan(1_000_000)
      expect(runs?.size).toBeGreaterThan(0)
    }
    const shown = await runProgram(['status', '--backend-store-uri', target.uri])
    expect(shown).toMatchObject({ code: 0, stderr: '' })
    expect(shown.stdout).toMatch(/^\S+ \d\S* at \S+, /)
    expect(shown.stdout).toMatch(/^runs +\d* +\d/m)
    expect(shown.stdout).toMatch(/^Running statements$/m)
  })

  it.skipIf(target.name === 'PGlite')('shows statements without their values', async () => {
    const engine = await target.open()
    const isCrate = target.name === 'CrateDB'
    const long = isCrate
      ? `SELECT count(*) FROM generate_series(1, 3000) a, generate_series(1, 3000) b WHERE 'hunter2''s' <> E'hun\\'ter2' AND 314159 > 2`
      : `SELECT pg_sleep(4), 'hunter2''s' AS "name", E'hun\\'ter2', $tag$hunter2$tag$, 314159 /* hunter2 */`
    const slow = engine.execute(sql.raw(long))
    if (isCrate) await slow
    // On a database that others use too, at times with slower statements.
    const { stdout, status } = await statusOf(target.uri, ['--statements', '10000'])
    await slow
    const told = (isCrate ? status.slow_statements : status.running_statements) ?? []
    expect(told.map(({ statement }) => statement)).toContainEqual(
      expect.stringMatching(
        isCrate ? /^SELECT count\(\*\) FROM generate_series\(\?, …\) a/ : /^SELECT pg_sleep\(\?\)/,
      ),
    )
    expect(stdout).not.toMatch(/hunter2|314159|ter2/)
  })

  it.skipIf(target.name !== 'CrateDB')(
    'tells what to grant, and ends with 1 when a table is lost',
    async () => {
      const engine = await target.open()
      const run = (text: string) => engine.execute(sql.raw(text))
      const user = `status_${Date.now()}`
      await run(`CREATE USER ${user} WITH (password = 'hunter2')`)
      await run(`GRANT DQL ON SCHEMA "${engine.schema}" TO ${user}`)
      const seen = await statusOf(target.uri.replace(/\/\/[^@]*@/, `//${user}:hunter2@`))
      await run(`DROP USER ${user}`)
      expect(seen.code).toBe(0)
      expect(seen.status.notices).toEqual([
        expect.stringMatching(new RegExp(`^This user may not see .*GRANT DQL ON SCHEMA sys TO "${user}"$`)),
      ])
      expect(seen.stdout).not.toContain('hunter2')
      const lost = `lost_${crypto.randomUUID().slice(0, 8)}`
      // It waits for the shard, which no node may have.
      const making = run(
        `CREATE TABLE doc.${lost} (a INTEGER) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = 0, "routing.allocation.require.nowhere" = 'x')`,
      ).catch(() => {})
      try {
        await expect.poll(async () => (await statusOf()).status.health, { timeout: 20_000 }).toBe('RED')
        expect((await statusOf()).code).toBe(1)
      } finally {
        await run(`DROP TABLE IF EXISTS doc.${lost}`)
        await making
      }
    },
  )
})
