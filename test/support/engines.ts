// Runs a suite on every engine, each suite in a database of its own.
import { beforeAll, describe } from 'vitest'
import type { Engine } from '../../src/platform/database/engine.ts'
import { createFolder, createSchema, type Database, openMigrated, takeSchema } from './databases.ts'
import { holdProgram } from './pglite-program.ts'
import { missing, useService } from './services.ts'

export type EngineName = 'PGlite' | 'CrateDB' | 'PostgreSQL'

interface Wanted {
  empty?: boolean
  isNew?: boolean
}

export interface EngineTarget {
  readonly name: EngineName
  /** Backend store URI of the suite's own database, migrated but for PostgreSQL's; set before the first test. */
  readonly uri: string
  /**
   * URI of another database, dropped after the suite too. On demand it has no tables, as PostgreSQL's never has, or is
   * not even made: that takes PGlite seconds.
   */
  another: (options?: Wanted) => Promise<string>
  /** Opens the suite's database (or another one), migrated; closed after the suite. PGlite: one at a time. */
  open: (uri?: string) => Promise<Engine>
}

const SERVICES = { PGlite: 'pglite', CrateDB: 'cratedb', PostgreSQL: 'postgres' } as const
/** Names of engines by commas: only these are tested. `TEST_EVERY_ENGINE`: also those that `npm test` leaves out. */
const { TEST_ENGINES, TEST_EVERY_ENGINE } = process.env
const BOTH: readonly EngineName[] = ['PGlite', 'CrateDB']

/**
 * Declares the suite once per engine. Engines that this machine does not have are skipped by name.
 * Tests of one engine share a database; use names that no other test uses, or `another()`.
 *
 * Engines that show the same as the others are for the night, when `npm run test:engines` runs. PostgreSQL, which has
 * the embedded database's SQL, is one of them unless told otherwise. What everything on it stands on, such as its
 * tables, is a matter for `describeEveryEngine`.
 */
export function describeEachEngine(
  title: string,
  suite: (engine: EngineTarget) => void,
  engines: readonly EngineName[] = BOTH,
  atNight: readonly EngineName[] = engines === BOTH ? ['PostgreSQL'] : [],
): void {
  for (const name of [...engines, ...atNight]) {
    const reason = whyNot(name, atNight.includes(name))
    const label = `${title} on ${name}${reason && ` (${reason})`}`
    describe.skipIf(reason)(label, () => suite(engineTarget(name)))
  }
}

/** Declares the suite on all three databases, whatever the run. */
export const describeEveryEngine = (title: string, suite: (engine: EngineTarget) => void): void =>
  describeEachEngine(title, suite, [...BOTH, 'PostgreSQL'])

/** Declares the suite on CrateDB, and at night on the others: for what takes minutes and hardly depends on the engine. */
export const describeOnCratedb = (title: string, suite: (engine: EngineTarget) => void): void =>
  describeEachEngine(title, suite, ['CrateDB'], ['PGlite', 'PostgreSQL'])

/** Why what other tests show in another way is not run; empty at night. For `describe.skipIf`, and to be named in the title. */
export const byDay = TEST_EVERY_ENGINE ? '' : '(part of npm run test:engines)'

/** Why the engine is not tested; empty when it is. */
function whyNot(name: EngineName, isAtNight: boolean): string {
  if (TEST_ENGINES && !TEST_ENGINES.split(',').includes(name)) return `TEST_ENGINES=${TEST_ENGINES}`
  return isAtNight && !TEST_EVERY_ENGINE ? 'part of npm run test:engines' : missing(SERVICES[name])
}

/** Creates the database before the surrounding suite's tests and drops it after them. */
export function engineTarget(name: EngineName): EngineTarget {
  const databases: Database[] = []
  const engines: Engine[] = []
  const create = async (wanted: Wanted = {}) => {
    const database = await createDatabase(name, wanted)
    databases.push(database)
    return database.uri
  }
  let uri = ''
  beforeAll(async () => {
    uri = await create()
    // The first cleanup is the last thing that vitest does, behind each afterAll and what later hooks return: no server
    // is open any more.
    return async () => {
      for (const engine of engines) await engine.close()
      for (const database of databases) await database.drop()
    }
  })
  return {
    name,
    get uri() {
      if (!uri) throw new Error('The database is there from beforeAll on')
      return uri
    },
    another: create,
    async open(otherUri = uri) {
      const engine = await openMigrated(otherUri)
      engines.push(engine)
      return engine
    },
  }
}

async function createDatabase(name: EngineName, { empty, isNew }: Wanted): Promise<Database> {
  if (name !== 'PGlite') {
    const { uri } = await useService(SERVICES[name])
    return name === 'CrateDB' && !empty && !isNew ? takeSchema(uri) : createSchema(uri)
  }
  await holdProgram()
  const database = await createFolder(isNew ? undefined : (await useService('pglite')).folder)
  // Stores have the tables of the usual schema from the template of new ones.
  return empty || isNew ? { ...database, uri: `${database.uri}?schema=bare` } : database
}
