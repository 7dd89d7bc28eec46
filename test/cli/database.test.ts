import { expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { runProgram } from './program.ts'

const env = { CRATEFLOW_CRATEDB_SHARDS: '1', CRATEFLOW_CRATEDB_REPLICAS: '0' }

describeEachEngine('crateflow db', (engine) => {
  it('migrates an empty database, shows it, and drops it with --yes', async () => {
    const uri = await engine.another({ empty: true })
    const db = (command: string, ...flags: string[]) =>
      runProgram(['db', command, ...flags, '--backend-store-uri', uri], { env })

    const pending = await db('status')
    expect(pending.code).toBe(1)
    expect(pending.stdout).toMatch(/^VERSION {2}NAME +STATE\n0001 {5}tracking +pending$/m)

    const migrated = await db('migrate')
    expect(migrated).toMatchObject({ code: 0, stderr: '' })
    expect(migrated.stdout).toMatch(/^applied 0001 tracking$/m)
    expect((await db('migrate')).stdout).toMatch(/: nothing to do\n$/)

    const applied = await db('status')
    expect(applied.code).toBe(0)
    expect(applied.stdout).toMatch(/^0001 {5}tracking +applied \d{4}-\d\d-\d\dT/m)
    expect(applied.stdout).not.toContain('pending')

    const dropped = await db('drop', '--yes')
    expect(dropped.code).toBe(0)
    expect(dropped.stdout).toMatch(/^schema_migrations +[1-9]\d*$/m)
    expect(dropped.stdout).toMatch(/^experiments +0$/m)
    expect(dropped.stdout).toMatch(/^\d+ tables dropped$/m)
    expect((await db('status')).code).toBe(1)
    expect((await db('drop', '--yes')).stdout).toMatch(/ holds 0 tables\n$/)
  })

  it('keeps the tables when it cannot ask', async () => {
    const { code, stderr } = await runProgram(['db', 'drop', '--backend-store-uri', engine.uri], { env })
    expect(stderr).toContain('Without one, say --yes.')
    expect(code).toBe(2)
  })
})
