// Migrations: the tables that the code declares on every engine, safe with several servers, resumable, dropped in one call.
import { getTableColumns, getTableName, sql, type Table } from 'drizzle-orm'
import { expect, it } from 'vitest'
import * as assessments from '../../src/genai/assessments/tables.ts'
import * as evaluationDatasets from '../../src/genai/evaluation-datasets/tables.ts'
import * as issues from '../../src/genai/issues/tables.ts'
import * as labelSchemas from '../../src/genai/label-schemas/tables.ts'
import * as reviewQueues from '../../src/genai/review-queues/tables.ts'
import * as scorers from '../../src/genai/scorers/tables.ts'
import * as traces from '../../src/genai/traces/tables.ts'
import * as cleaning from '../../src/lifecycle/cleaning/tables.ts'
import * as retention from '../../src/lifecycle/retention/tables.ts'
import * as views from '../../src/lifecycle/views/tables.ts'
import type { Engine } from '../../src/platform/database/engine.ts'
import {
  dropAllTables,
  listMigrations,
  migrate,
  migrationStatus,
  schemaMigrations,
  tableNames,
  viewNames,
} from '../../src/platform/database/migrate.ts'
import { nameClaims } from '../../src/platform/database/name-claims.ts'
import { openEngine } from '../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../src/platform/database/uri.ts'
import * as modelRegistry from '../../src/registry/model-registry/tables.ts'
import * as webhooks from '../../src/registry/webhooks/tables.ts'
import * as datasets from '../../src/tracking/datasets/tables.ts'
import * as downsampling from '../../src/tracking/downsampling/tables.ts'
import * as experiments from '../../src/tracking/experiments/tables.ts'
import * as loggedModels from '../../src/tracking/logged-models/tables.ts'
import * as metrics from '../../src/tracking/metrics/tables.ts'
import * as runs from '../../src/tracking/runs/tables.ts'
import { describeEachEngine, describeEveryEngine } from '../support/engines.ts'

const LAYOUT = { shards: 2, replicas: '0-1' }

const declared: Table[] = [
  schemaMigrations,
  nameClaims,
  ...[
    experiments,
    runs,
    metrics,
    datasets,
    loggedModels,
    modelRegistry,
    webhooks,
    scorers,
    labelSchemas,
    reviewQueues,
    issues,
    evaluationDatasets,
    traces,
    assessments,
    cleaning,
    downsampling,
    retention,
    views,
  ].flatMap((room) => Object.values(room) as Table[]),
]

/** The mark of the embedded engine's ingest path is of no use on CrateDB. */
const declaredOn = ({ dialect }: Engine): Table[] =>
  declared.filter((table) => dialect.migrations === 'postgres' || table !== metrics.latestMetricsDue)

const namesOn = (engine: Engine): string[] => declaredOn(engine).map(getTableName).sort()

const open = (uri: string) => openEngine(parseBackendUri(uri), { maxConnections: 4 })

/** Lists of texts, which are the only ones. */
const SPELLINGS: Record<string, string> = { ARRAY: 'text[]', text_array: 'text[]' }

/** Column names and types by table, views left out, in one spelling for all engines. */
async function columnsOf(engine: Engine): Promise<Record<string, Record<string, string>>> {
  const { rows } = await engine.execute<{ table_name: string; column_name: string; data_type: string }>(
    sql`SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = ${engine.schema}`,
  )
  const views = await viewNames(engine)
  const tables: Record<string, Record<string, string>> = {}
  for (const row of rows.filter(({ table_name }) => !views.includes(table_name))) {
    tables[row.table_name] = {
      ...tables[row.table_name],
      [row.column_name]: SPELLINGS[row.data_type] ?? row.data_type,
    }
  }
  return tables
}

describeEveryEngine('migrations', (target) => {
  it('give exactly the columns that the code declares', async () => {
    const engine = await open(await target.another({ empty: true }))
    await migrate(engine, LAYOUT)
    const expected = Object.fromEntries(
      declaredOn(engine).map((table) => [
        getTableName(table),
        Object.fromEntries(
          Object.values(getTableColumns(table)).map((column) => [column.name, column.getSQLType()]),
        ),
      ]),
    )
    expect(await columnsOf(engine)).toEqual(expected)
    await engine.close()
  })

  it('are applied once, and nothing is pending afterwards', async () => {
    const engine = await open(await target.another({ empty: true }))
    expect(
      (await migrationStatus(engine, LAYOUT)).every(({ appliedAtMs }) => appliedAtMs === undefined),
    ).toBe(true)
    const applied = await migrate(engine, LAYOUT)
    expect(applied.map(({ version }) => version)).toEqual(
      listMigrations(engine, LAYOUT).map(({ version }) => version),
    )
    expect(await migrate(engine, LAYOUT)).toEqual([])
    expect(
      (await migrationStatus(engine, LAYOUT)).every(({ appliedAtMs }) => appliedAtMs !== undefined),
    ).toBe(true)
    await engine.close()
  })

  it('finish after a crash between any two statements', async () => {
    const engine = await open(await target.another({ empty: true }))
    const appliedCount = async () =>
      (await migrationStatus(engine, LAYOUT)).filter(({ appliedAtMs }) => appliedAtMs !== undefined).length
    const all = listMigrations(engine, LAYOUT).length
    // Each attempt gets one statement further than the one before it; after a finished migration they begin anew.
    let applied = 0
    for (let survived = 1; applied < all; survived++) {
      let left = survived
      const dying: Engine = {
        ...engine,
        execute: async (statement) => {
          if (left-- === 0) throw new Error('killed')
          return engine.execute(statement)
        },
      }
      await migrate(dying, LAYOUT).catch((error: Error) => expect(error.message).toBe('killed'))
      const before = applied
      applied = await appliedCount()
      if (applied > before) survived = 0
    }
    expect(await migrate(engine, LAYOUT)).toEqual([])
    expect(Object.keys(await columnsOf(engine)).sort()).toEqual(namesOn(engine))
    await engine.close()
  }, 600_000)

  it('refuse a database that is newer than the program', async () => {
    const engine = await open(await target.another({ empty: true }))
    await migrate(engine, LAYOUT)
    await engine.db
      .insert(schemaMigrations)
      .values({ version: 9999, name: 'from_the_future', checksum: 'x', appliedAtMs: 1 })
    await expect(migrate(engine, LAYOUT)).rejects.toThrow('newer than this program: it has migration 9999')
    await engine.close()
  })

  it('drop every table and view of the schema', async () => {
    const engine = await open(await target.another({ empty: true }))
    await migrate(engine, LAYOUT)
    expect((await dropAllTables(engine)).sort()).toEqual(namesOn(engine))
    expect(await tableNames(engine)).toEqual([])
    expect(await viewNames(engine)).toEqual([])
    await engine.close()
  })
})

describeEachEngine(
  'migrations from several servers at once',
  (target) => {
    it('all succeed', async () => {
      const uri = await target.another({ empty: true })
      const engines = await Promise.all(Array.from({ length: 6 }, () => open(uri)))
      await Promise.all(engines.map((engine) => migrate(engine, LAYOUT)))
      const first = engines[0] as Engine
      expect(Object.keys(await columnsOf(first)).sort()).toEqual(namesOn(first))
      for (const engine of engines) await engine.close()
    })
  },
  ['CrateDB', 'PostgreSQL'],
)
