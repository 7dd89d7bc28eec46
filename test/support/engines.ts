// Runs a suite on every engine, each test file in a database of its own.
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe } from 'vitest'
import { missing, useService } from './services.ts'

export type EngineName = 'PGlite' | 'CrateDB' | 'PostgreSQL'

export interface EngineTarget {
  readonly name: EngineName
  /** Backend store URI of the suite's own database, migrated for PGlite only; set before the first test. */
  readonly uri: string
  /** URI of another database, dropped after the suite too. PGlite's is `empty` on demand, others always are. */
  another: (options?: { empty?: boolean }) => Promise<string>
}

const SERVICES = { PGlite: 'pglite', CrateDB: 'cratedb', PostgreSQL: 'postgres' } as const
const ENGINES: EngineName[] = ['PGlite', 'CrateDB', 'PostgreSQL']

/**
 * Declares the suite once per engine. Engines that this machine does not have are skipped by name.
 * Tests of one engine share a database; use names that no other test uses, or `another()`.
 */
export function describeEachEngine(
  title: string,
  suite: (engine: EngineTarget) => void,
  engines: readonly EngineName[] = ENGINES,
): void {
  for (const name of engines) {
    const reason = missing(SERVICES[name])
    const label = `${title} on ${name}${reason && ` (${reason})`}`
    describe.skipIf(reason)(label, () => suite(engineTarget(name)))
  }
}

/** Creates the database before the surrounding suite's tests and drops it after them. */
export function engineTarget(name: EngineName): EngineTarget {
  const opened: Database[] = []
  const open = async (empty = false) => {
    const database = name === 'PGlite' ? await openFolder(empty) : await openSchema(SERVICES[name])
    opened.push(database)
    return database.uri
  }
  let uri = ''
  beforeAll(async () => {
    uri = await open()
  })
  afterAll(async () => {
    for (const database of opened) await database.drop()
  })
  return {
    name,
    get uri() {
      if (!uri) throw new Error('The database is there from beforeAll on')
      return uri
    },
    another: ({ empty } = {}) => open(empty),
  }
}

interface Database {
  uri: string
  drop: () => Promise<void>
}

async function openFolder(empty: boolean): Promise<Database> {
  const parent = await mkdtemp(join(tmpdir(), 'crateflow-test-'))
  const folder = join(parent, 'db')
  if (!empty) await cp((await useService('pglite')).folder, folder, { recursive: true })
  return { uri: `pglite:${folder}`, drop: () => rm(parent, { recursive: true, force: true }) }
}

async function openSchema(service: 'cratedb' | 'postgres'): Promise<Database> {
  const { uri } = await useService(service)
  const schema = `t_${crypto.randomUUID().replaceAll('-', '')}`
  const separator = uri.includes('?') ? '&' : '?'
  return { uri: `${uri}${separator}schema=${schema}`, drop: () => dropSchema(uri, schema) }
}

async function dropSchema(uri: string, schema: string): Promise<void> {
  const isCrateDb = uri.startsWith('crate')
  const url = new URL(uri.replace(/^crate(db)?:/, 'postgresql:'))
  if (isCrateDb) url.pathname = '/doc'
  url.search = ''
  const client = new pg.Client(url.href)
  await client.connect()
  try {
    if (!isCrateDb) return void (await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`))
    const tables = await client.query(
      `SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = $1`,
      [schema],
    )
    for (const { table_name: table, table_type: type } of tables.rows) {
      await client.query(`DROP ${type === 'VIEW' ? 'VIEW' : 'TABLE'} IF EXISTS ${schema}."${table}"`)
    }
  } finally {
    await client.end()
  }
}
