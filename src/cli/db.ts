// `crateflow db`: applies migrations, shows them, and drops the tables.
import { createInterface } from 'node:readline/promises'
import {
  type DatabaseConfig,
  DatabaseConfigSchema,
  type Environment,
  type Flags,
  readConfig,
} from '../config.ts'
import type { Engine } from '../platform/database/engine.ts'
import {
  countRows,
  dropAllTables,
  migrate,
  migrationStatus,
  tableNames,
} from '../platform/database/migrate.ts'
import { holdsDatabase } from '../platform/database/pglite-folder.mjs'
import { type BackendTarget, describeTarget, parseBackendUri } from '../platform/database/uri.ts'
import { explained, layoutOf, openEngineAt, untilAvailable } from './database.ts'
import { asUsage, EXIT, UsageError } from './errors.ts'
import { createLog } from './log.ts'
import { print, printTable } from './print.ts'

interface Opened {
  engine: Engine
  config: DatabaseConfig
  target: BackendTarget
}

/** `db migrate`: applies what is pending. */
export function migrateDatabase(flags: Flags, env: Environment): Promise<number> {
  return withDatabase(
    flags,
    env,
    async ({ engine, config, target }) => {
      const applied = await migrate(engine, layoutOf(config))
      for (const { version, name } of applied) print(`applied ${label(version)} ${name}`)
      const what = applied.length > 0 ? `${applied.length} applied` : 'nothing to do'
      print(`${describeTarget(target)}: ${what}`)
      return EXIT.ok
    },
    { makes: true },
  )
}

/** `db status`: a table of migrations. @returns 1 while some are pending */
export function showStatus(flags: Flags, env: Environment): Promise<number> {
  return withDatabase(flags, env, async ({ engine, config, target }) => {
    const states = await migrationStatus(engine, layoutOf(config))
    const rows = states.map(({ version, name, appliedAtMs }) => [
      label(version),
      name,
      appliedAtMs === undefined ? 'pending' : `applied ${new Date(appliedAtMs).toISOString()}`,
    ])
    print(describeTarget(target))
    printTable([['VERSION', 'NAME', 'STATE'], ...rows])
    return states.some(({ appliedAtMs }) => appliedAtMs === undefined) ? EXIT.failure : EXIT.ok
  })
}

/** `db drop`: drops all tables of the schema, after asking on the terminal unless `yes`. */
export function dropDatabase(flags: Flags, env: Environment, yes: boolean): Promise<number> {
  if (!yes && !process.stdin.isTTY) {
    throw new UsageError('db drop asks on a terminal. Without one, say --yes.')
  }
  return withDatabase(flags, env, async ({ engine, target }) => {
    const counts = await countRows(engine, await tableNames(engine))
    print(`${describeTarget(target)} holds ${counts.length} tables`)
    if (counts.length === 0) return EXIT.ok
    printTable([['TABLE', 'ROWS'], ...counts.map(({ table, rows }) => [table, String(rows)])])
    if (!yes && !(await confirm('Drop them with all their rows? Type yes: '))) {
      print('Nothing was dropped.')
      return EXIT.failure
    }
    const dropped = await dropAllTables(engine)
    print(`${dropped.length} tables dropped`)
    return EXIT.ok
  })
}

/** Runs the command on the database of `--backend-store-uri`, once it answers, and closes it. */
export async function withDatabase(
  flags: Flags,
  env: Environment,
  run: (opened: Opened) => Promise<number>,
  { makes = false } = {},
): Promise<number> {
  const config = asUsage(() => readConfig(DatabaseConfigSchema, flags, env))
  const target = asUsage(() => parseBackendUri(config.backendStoreUri))
  if (!makes) requireStore(target)
  const log = createLog({ level: config.logLevel, format: process.stderr.isTTY ? 'pretty' : 'json' })
  const engine = await openEngineAt(target, config)
  try {
    await untilAvailable(engine, { config, target, log })
    return await run({ engine, config, target })
  } catch (error) {
    throw explained(error, target)
  } finally {
    await engine.close()
  }
}

/** A command that only looks makes no store: a path that is misspelt would seem to hold one. */
function requireStore(target: BackendTarget): void {
  if (target.engine === 'pglite' && target.folder && !holdsDatabase(target.folder))
    throw new Error(`There is no store in ${target.folder}.`)
}

/** Asks on the terminal; anything but yes, Ctrl-C and Ctrl-D too, is no. */
async function confirm(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const given = new AbortController()
  const giveUp = () => given.abort()
  terminal.once('SIGINT', giveUp).once('close', giveUp)
  try {
    return (await terminal.question(question, { signal: given.signal })).trim() === 'yes'
  } catch {
    print('')
    return false
  } finally {
    terminal.close()
  }
}

const label = (version: number) => String(version).padStart(4, '0')
