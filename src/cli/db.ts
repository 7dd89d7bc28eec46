// `crateflow db`: applies migrations, shows them, makes an index, and drops the tables.
import {
  type DatabaseConfig,
  DatabaseConfigSchema,
  type Environment,
  type Flags,
  readConfig,
} from '../config.ts'
import { spans } from '../genai/traces/tables.ts'
import type { Engine } from '../platform/database/engine.ts'
import {
  countRows,
  createViews,
  dropAllTables,
  dropViews,
  migrate,
  migrationStatus,
  requireMigrated,
  tableNames,
} from '../platform/database/migrate.ts'
import { holdsDatabase } from '../platform/database/pglite-folder.mjs'
import { type BackendTarget, describeTarget, parseBackendUri } from '../platform/database/uri.ts'
import { confirm } from './confirm.ts'
import { explained, layoutOf, openEngineAt, untilAvailable } from './database.ts'
import { asUsage, EXIT, UsageError } from './errors.ts'
import { createLog } from './log.ts'
import { print, printTable } from './print.ts'

/** For statements over whole tables. */
const DAY_SECONDS = 86_400

export interface Opened {
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

/** `db index-spans`: makes the index by which parts of the contents of spans are found at once. */
export function indexSpans(flags: Flags, env: Environment): Promise<number> {
  return withDatabase(
    flags,
    env,
    async ({ engine, config, target }) => {
      await requireMigrated(engine, layoutOf(config))
      const place = { column: spans.content, partition: spans.month }
      const report = (month: string, rows: number) => print(`${month}: ${rows} spans`)
      print('An index over the contents of spans takes minutes for a million of them.')
      const isMade = await engine.dialect.textIndexing?.make(engine, place, report)
      print(`${describeTarget(target)}: ${isMade ? 'contents of spans are indexed' : 'nothing to do'}`)
      return EXIT.ok
    },
    { statementTimeoutSeconds: DAY_SECONDS },
  )
}

/** `db create-views` and `db drop-views`: the views for SQL, of tables that are there. */
export function changeViews(flags: Flags, env: Environment, are: 'created' | 'dropped'): Promise<number> {
  return withDatabase(flags, env, async ({ engine, config, target }) => {
    const layout = layoutOf(config)
    await requireMigrated(engine, layout)
    const views = await (are === 'created' ? createViews : dropViews)(engine, layout)
    print(`${describeTarget(target)}: ${views.length} views ${are}`)
    return EXIT.ok
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
    const answer = yes ? 'yes' : await confirm('Drop them with all their rows? Type yes: ')
    if (answer !== 'yes') {
      print('Nothing was dropped.')
      return answer === 'interrupted' ? EXIT.interrupted : EXIT.failure
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
  { makes = false, statementTimeoutSeconds }: { makes?: boolean; statementTimeoutSeconds?: number } = {},
): Promise<number> {
  const config = asUsage(() => readConfig(DatabaseConfigSchema, flags, env))
  const target = asUsage(() => parseBackendUri(config.backendStoreUri))
  if (!makes) requireStore(target)
  const log = createLog({ level: config.logLevel, format: process.stderr.isTTY ? 'pretty' : 'json' })
  const engine = await openEngineAt(target, {
    ...config,
    ...(statementTimeoutSeconds && { statementTimeoutSeconds }),
  })
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

const label = (version: number) => String(version).padStart(4, '0')
