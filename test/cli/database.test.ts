import { readdir } from 'node:fs/promises'
import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { viewNames } from '../../src/platform/database/migrate.ts'
import { createFolder } from '../support/databases.ts'
import { describeEachEngine } from '../support/engines.ts'
import { SMALL as env } from '../support/server.ts'
import { missing, useService } from '../support/services.ts'
import { emptyFolder, runProgram } from './program.ts'
import { runOnTerminal } from './terminal.ts'

describeEachEngine('crateflow db', (engine) => {
  it('migrates an empty database, shows it, and drops it with --yes', async () => {
    const uri = await engine.another({ isNew: true })
    const db = (command: string, ...flags: string[]) =>
      runProgram(['db', command, ...flags, '--backend-store-uri', uri], { env })

    const pending = await db('status')
    expect(pending.code).toBe(1)
    if (engine.name === 'PGlite') expect(pending.stderr).toMatch(/^crateflow: There is no store in /)
    else expect(pending.stdout).toMatch(/^VERSION {2}NAME +STATE\n0001 {5}tracking +pending$/m)

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

  it('makes and drops the views for SQL, and leaves out those of others', async () => {
    const uri = await engine.another()
    const db = (...args: string[]) =>
      runProgram(['db', ...args], { env: { ...env, MLFLOW_BACKEND_STORE_URI: uri } })
    const opened = await engine.open(uri)
    await opened.execute(sql`CREATE VIEW v1_of_others AS SELECT 1 AS one`)
    if (engine.name === 'PGlite') await opened.close()
    expect(await db('drop-views')).toMatchObject({ code: 0, stderr: '' })
    if (engine.name !== 'PGlite') expect(await viewNames(opened)).toEqual(['v1_of_others'])
    expect((await db('create-views')).stdout).toMatch(/: 1\d views created\n$/)
    expect(await db('create-views')).toMatchObject({ code: 0, stderr: '' })
    if (engine.name !== 'PGlite') expect(await viewNames(opened)).toContain('v1_runs')
    expect((await db('drop-views')).stdout).toMatch(/: 1\d views dropped\n$/)
    expect((await db('drop-views')).stdout).toMatch(/: 0 views dropped\n$/)
    if (engine.name === 'PGlite') return
    expect(await viewNames(opened)).toEqual(['v1_of_others'])
    await opened.execute(sql`DROP VIEW v1_of_others`)
  })

  it('keeps the tables when it cannot ask', async () => {
    const { code, stderr } = await runProgram(['db', 'drop', '--backend-store-uri', engine.uri], { env })
    expect(stderr).toContain('Without one, say --yes.')
    expect(code).toBe(2)
  })
})

describe('crateflow db status', () => {
  it('makes no store where there is none', async () => {
    const cwd = await emptyFolder()
    const { code, stderr } = await runProgram(['db', 'status', '--backend-store-uri', 'pglite:./absent'], {
      cwd,
    })
    expect(stderr).toBe('crateflow: There is no store in ./absent.\n')
    expect(code).toBe(1)
    expect(await readdir(cwd)).toEqual([])
  })
})

describe.skipIf(missing('python'))('crateflow db drop on a terminal', () => {
  it.each([
    ['no\\n', 'Nothing was dropped.', 1],
    ['\\n', 'Nothing was dropped.', 1],
    ['\\x03', 'Nothing was dropped.', 130],
    ['\\x04', 'Nothing was dropped.', 1],
    ['yes\\n', ' tables dropped', 0],
  ])('asks, and takes %j for: %s', async (keys, text, code) => {
    const { uri, drop } = await createFolder((await useService('pglite')).folder)
    const ended = await runOnTerminal(['db', 'drop', '--backend-store-uri', uri], { keys })
    expect(ended.output).toContain('Drop them with all their rows? Type yes: ')
    expect(ended.output).toContain(text)
    expect(ended.code).toBe(code)
    expect((await runProgram(['db', 'status', '--backend-store-uri', uri])).code).toBe(code === 0 ? 1 : 0)
    await drop()
  })
})
