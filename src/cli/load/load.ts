// `crateflow load table`: a file or URL into a table of people's own, and into a run as its dataset.
import { ClientConfigSchema } from '../../client-config.ts'
import { DatabaseConfigSchema, type Environment, type Flags, readConfig } from '../../config.ts'
import { reasonOf } from '../../errors.ts'
import type { TableName } from '../../platform/database/own-columns.ts'
import { createTable, describeTable, dropTable, settleTable } from '../../platform/database/own-tables.ts'
import { describeTarget, parseBackendUri } from '../../platform/database/uri.ts'
import { confirm } from '../confirm.ts'
import { explained, layoutOf } from '../database.ts'
import { type Opened, withDatabase } from '../db.ts'
import { asUsage, EXIT, errorLine, UsageError } from '../errors.ts'
import { print, printTable } from '../print.ts'
import { visible } from '../visible.ts'
import { logDataset, requireRun } from './dataset.ts'
import { readTableName, tableNameOf } from './names.ts'
import { makePlan, type Plan, readTypes, SAMPLE_ROWS } from './plan.ts'
import type { Records, Row } from './records.ts'
import { delimiterOf, type Format, formatOf, openSource } from './source.ts'
import { createLoader, type RowLoader, valuesOf } from './writing.ts'

export interface LoadCommand {
  /** Settings of the database and of the server, each by its schema. */
  flags: { database: Flags; server: Flags }
  env: Environment
  from: string
  table: string | undefined
  format: Format | undefined
  encoding: string
  delimiter: string | undefined
  nulls: readonly string[]
  types: readonly string[]
  /** Rows that are passed over. */
  offset: number
  limit: number | undefined
  yes: boolean
  runId: string | undefined
}

const PROGRESS_EVERY_MS = 250
const NO_OWN_TABLES =
  'The embedded store holds the tables of the server alone: load into CrateDB or PostgreSQL, by --backend-store-uri.'

/** Loads until the end or the first row that does not fit. @returns the exit code @throws UsageError, Error */
export async function loadTable(given: LoadCommand): Promise<number> {
  const { from } = given
  const types = readTypes(given.types)
  const format = given.format ?? formatOf(from)
  const server =
    given.runId === undefined
      ? undefined
      : asUsage(() => readConfig(ClientConfigSchema, given.flags.server, given.env))
  refuseEmbedded(given)
  return withDatabase(given.flags.database, given.env, async (opened) => {
    const { ownTables } = opened.engine.dialect
    if (!ownTables) throw new UsageError(NO_OWN_TABLES)
    const names = { ownTables, serverSchema: opened.engine.schema }
    const name = readTableName(given.table ?? tableNameOf(from), names)
    if (server && given.runId !== undefined) await requireRun(server, given.runId)
    const { delimiter = delimiterOf(from), encoding, nulls } = given
    const records = await openSource({ from, format, delimiter, encoding, nulls })
    const rows = windowOf(records.rows, given)
    try {
      const sample = await take(rows, SAMPLE_ROWS)
      const stored = await describeTable(opened.engine, name)
      const plan = makePlan(records, sample, { ownTables, stored, types })
      // What does not fit here leaves no table behind.
      for (const row of sample) valuesOf(row, plan, records.unit)
      showPlan(plan, { name, opened })
      const answer = await agreed(given, plan)
      if (answer !== 'yes') return answer === 'interrupted' ? EXIT.interrupted : EXIT.failure
      const layout = layoutOf(opened.config)
      const columns = plan.columns.map(({ column }) => column)
      if (!plan.exists) await createTable(opened.engine, name, { columns, ...layout })
      const loader = createLoader(opened.engine, name, { plan, unit: records.unit })
      const code = await loadAll(loader, {
        ...{ sample, rows, name, opened },
        offset: given.offset,
        isNew: !plan.exists,
      })
      if (code !== EXIT.ok || !server || given.runId === undefined) return code
      const loaded = { name, columns, rows: loader.loaded, digest: loader.digest() }
      await logDataset(server, given.runId, { ...loaded, database: describeTarget(opened.target) })
      print(
        `It is a dataset of the run ${given.runId}: ${name.schema}.${name.table}, digest ${loaded.digest}`,
      )
      return EXIT.ok
    } catch (error) {
      throw explained(error, { ...opened.target, schema: name.schema })
    } finally {
      await rows.return?.(undefined)
    }
  })
}

/** Before it is opened, which fails beside the server that has it open. @throws UsageError */
function refuseEmbedded({ flags, env }: LoadCommand): void {
  const { backendStoreUri } = asUsage(() => readConfig(DatabaseConfigSchema, flags.database, env))
  if (asUsage(() => parseBackendUri(backendStoreUri)).engine === 'pglite') throw new UsageError(NO_OWN_TABLES)
}

/** Rows behind the first `offset`, `limit` at most. */
async function* windowOf(
  rows: Records['rows'],
  { offset, limit = Number.POSITIVE_INFINITY }: LoadCommand,
): AsyncGenerator<Row> {
  let passed = 0
  for await (const row of rows) {
    if (passed++ < offset) continue
    yield row
    if (passed >= offset + limit) return
  }
}

async function take(rows: AsyncIterator<Row>, count: number): Promise<Row[]> {
  const taken: Row[] = []
  while (taken.length < count) {
    const { done, value } = await rows.next()
    if (done) break
    taken.push(value)
  }
  return taken
}

function showPlan({ columns, exists }: Plan, { name, opened }: { name: TableName; opened: Opened }): void {
  print(`${exists ? 'Into' : 'A new table'} ${name.schema}.${name.table} of ${describeTarget(opened.target)}`)
  const renamed = columns.some(({ source, column }) => source !== column.name)
  printTable([
    ['COLUMN', 'TYPE', ...(renamed ? ['IN THE FILE'] : [])],
    ...columns.map(({ source, column }) => [column.name, column.kind, ...(renamed ? [source] : [])]),
  ])
}

async function agreed({ yes }: LoadCommand, { exists }: Plan): Promise<'yes' | 'no' | 'interrupted'> {
  if (yes || !process.stdin.isTTY || !process.stdout.isTTY) return 'yes'
  const answer = await confirm(exists ? 'Add the rows to it? Type yes: ' : 'Make and fill it? Type yes: ')
  if (answer !== 'yes') print('Nothing was loaded.')
  return answer
}

interface Loading {
  sample: readonly Row[]
  rows: AsyncIterable<Row>
  name: TableName
  opened: Opened
  offset: number
  /** The table was made for these rows. */
  isNew: boolean
}

/** Tells what was loaded, also when it ends early. */
async function loadAll(
  loader: RowLoader,
  { sample, rows, name, opened, offset, isNew }: Loading,
): Promise<number> {
  const progress = createProgress()
  let isInterrupted = false
  const interrupt = () => {
    isInterrupted = true
  }
  process.once('SIGINT', interrupt)
  const table = `${name.schema}.${name.table}`
  try {
    for (const row of sample) await loader.add(row)
    if (sample.length === SAMPLE_ROWS)
      for await (const row of rows) {
        await loader.add(row)
        progress.show(loader.loaded)
        if (isInterrupted) break
      }
    await loader.flush()
  } catch (error) {
    progress.clear()
    process.stderr.write(`${errorLine(error)}\n`)
    if (isNew && loader.loaded === 0) {
      await dropTable(opened.engine, name)
      print(`Nothing was loaded, and the new table ${visible(table)} was dropped.`)
      return EXIT.failure
    }
    await settleTable(opened.engine, name).catch(() => {})
    const behind = ` The file up to there is in it: to go on, say --offset ${offset + loader.loaded}.`
    print(`${loader.loaded} rows were loaded into ${visible(table)}.${loader.loaded > 0 ? behind : ''}`)
    return EXIT.failure
  } finally {
    process.removeListener('SIGINT', interrupt)
  }
  progress.clear()
  await settleTable(opened.engine, name).catch((error) => {
    process.stderr.write(`crateflow: all can see the rows in a second only: ${reasonOf(error)}\n`)
  })
  if (isInterrupted) {
    print(
      `Interrupted: ${loader.loaded} rows were loaded into ${table}. To go on, say --offset ${offset + loader.loaded}.`,
    )
    return EXIT.interrupted
  }
  print(`${loader.loaded} rows were loaded into ${table}.`)
  return EXIT.ok
}

/** A line on stderr that is written over, where that is a terminal. */
function createProgress() {
  const begunMs = Date.now()
  let shownMs = begunMs
  let isShown = false
  return {
    show(rows: number): void {
      const now = Date.now()
      if (!process.stderr.isTTY || now - shownMs < PROGRESS_EVERY_MS) return
      ;[shownMs, isShown] = [now, true]
      const perSecond = Math.round((rows * 1000) / (now - begunMs))
      process.stderr.write(`\r\u001b[K${rows} rows, ${perSecond} a second`)
    },
    clear(): void {
      if (isShown) process.stderr.write('\r\u001b[K')
    },
  }
}
