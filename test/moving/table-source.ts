// Tables of trained models as users have them: in a database of the engine that is tested, and in SQLite beside the embedded one.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import pg from 'pg'
import type { Ended } from '../cli/program.ts'
import type { EngineName } from '../support/engines.ts'
import { useService } from '../support/services.ts'
import { runMove } from './import.ts'

export interface UserTable {
  /** The database, for `--from`. */
  uri: string
  /** As SQL and mappings name it. */
  table: string
  /** Runs a statement, in which `TABLE` stands for the table; others see at once what it has changed. */
  run(statement: string): Promise<void>
  rows(): Promise<unknown[]>
  drop(): Promise<void>
}

/** Columns of an odd spelling among them. */
const COLUMNS = {
  CrateDB: `name TEXT, version TEXT, trained_at TIMESTAMP WITH TIME ZONE, finished_s BIGINT, parameters OBJECT(IGNORED),
    "Größe (MB)" DOUBLE PRECISION, scores OBJECT(IGNORED), "select" TEXT, path TEXT`,
  PostgreSQL: `name TEXT, version TEXT, trained_at TIMESTAMPTZ, finished_s BIGINT, parameters JSONB,
    "Größe (MB)" DOUBLE PRECISION, scores JSON, "select" TEXT, path VARCHAR(600)`,
  PGlite: `name TEXT, version TEXT, trained_at TEXT, finished_s INTEGER, parameters TEXT,
    "Größe (MB)" REAL, scores TEXT, "select" TEXT, path TEXT`,
}

export async function createUserTable(engine: EngineName): Promise<UserTable> {
  const schema = `forecast_${process.pid}_${Math.random().toString(36).slice(2, 8)}`
  if (engine === 'PGlite') return createInSqlite()
  const server = new URL((await useService(engine === 'CrateDB' ? 'cratedb' : 'postgres')).uri)
  const uri = server.href.replace(/^postgres:/, 'postgresql:')
  const client = new pg.Client(uri.replace(/^\w+:/, 'postgresql:'))
  await client.connect()
  const table = `${schema}."Trained-Models"`
  if (engine === 'PostgreSQL') await client.query(`CREATE SCHEMA ${schema}`)
  const options = engine === 'CrateDB' ? 'CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = 0)' : ''
  await client.query(`CREATE TABLE ${table} (${COLUMNS[engine]}) ${options}`)
  const settle = async () => void (engine === 'CrateDB' && (await client.query(`REFRESH TABLE ${table}`)))
  return {
    uri,
    table,
    async run(statement) {
      await settle()
      await client.query(statement.replaceAll('TABLE', table))
      await settle()
    },
    rows: async () => (await client.query(`SELECT * FROM ${table} ORDER BY name, version`)).rows,
    async drop() {
      await client.query(`DROP TABLE ${table}`)
      if (engine === 'PostgreSQL') await client.query(`DROP SCHEMA ${schema}`)
      await client.end()
    },
  }
}

async function createInSqlite(): Promise<UserTable> {
  const folder = await mkdtemp(join(tmpdir(), 'crateflow-table-'))
  const file = join(folder, 'models.db')
  const database = new DatabaseSync(file)
  const table = '"Trained-Models"'
  database.exec(`CREATE TABLE ${table} (${COLUMNS.PGlite})`)
  return {
    uri: `sqlite:///${file}`,
    table,
    run: async (statement) => database.exec(statement.replaceAll('TABLE', table)),
    rows: async () => database.prepare(`SELECT * FROM ${table} ORDER BY name, version`).all(),
    async drop() {
      database.close()
      await rm(folder, { recursive: true })
    },
  }
}

export interface TrainedRow {
  name: string | null
  version: string
  /** ISO 8601. */
  trainedAt: string
  parameters: Record<string, unknown>
  scores: Record<string, unknown>
  path?: string | null
}

const literal = (value: string | null | undefined) =>
  value === null || value === undefined ? 'NULL' : `'${value.replaceAll("'", "''")}'`

/** INSERT of rows, in the SQL of all databases. */
export const inserting = (rows: readonly TrainedRow[]): string =>
  `INSERT INTO TABLE (name, version, trained_at, finished_s, parameters, "Größe (MB)", scores, "select", path) VALUES ${rows.map(valuesOf).join(', ')}`

function valuesOf({ name, version, trainedAt, parameters, scores, ...row }: TrainedRow): string {
  const path = row.path === undefined ? `s3://models/${name}/${version}` : row.path
  const finished = Date.parse(trainedAt) / 1000 + 60
  const [params, metrics] = [JSON.stringify(parameters), JSON.stringify(scores)]
  return `(${literal(name)}, ${literal(version)}, ${literal(trainedAt)}, ${finished}, ${literal(params)}, 12.5, ${literal(metrics)}, 'ada', ${literal(path)})`
}

/** A mapping of all the columns. */
export const mappingOf = ({ table }: UserTable, { as = 'tag', more = '' } = {}): string => `
table: '${table}'
name: trained models
key: [name, version]
high_water: trained_at
experiment: Forecasts
run:
  start: { column: trained_at }
  end: { column: finished_s, unit: s }
  user: { column: select }
params:
  - object: parameters
  - { column: 'Größe (MB)', as: size_mb }
metrics:
  - object: scores
tags:
  - { text: forecast, as: team }
model:
  name: { column: name }
  version: { column: version, as: ${as} }
  source: { column: path }
${more}`

/** Runs `import table` with the text as its mapping. */
export async function importTable(
  source: UserTable,
  to: string,
  mapping: string,
  args: readonly string[] = [],
): Promise<Ended> {
  const folder = await mkdtemp(join(tmpdir(), 'crateflow-mapping-'))
  const file = join(folder, 'map.yaml')
  await writeFile(file, mapping)
  try {
    return await runMove(['import', 'table', '--mapping', file, '--from', source.uri, '--to', to, ...args])
  } finally {
    await rm(folder, { recursive: true })
  }
}
