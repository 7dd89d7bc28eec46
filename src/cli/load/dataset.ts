// A loaded table as a dataset of a run, by the API of the server.
import type { ClientConfig } from '../../client-config.ts'
import type { Kind, OwnColumn, TableName } from '../../platform/database/own-columns.ts'
import { askServer } from '../client.ts'

/** MLflow's words for types of columns. */
const TYPES: Record<Kind, string> = {
  integer: 'long',
  double: 'double',
  boolean: 'boolean',
  timestamp: 'datetime',
  text: 'string',
}

export interface LoadedTable {
  name: TableName
  columns: readonly OwnColumn[]
  rows: number
  digest: string
  /** The database in words, without a password. */
  database: string
}

/** @throws RefusedRequest when there is no such run */
export async function requireRun(config: ClientConfig, runId: string): Promise<void> {
  await askServer(config, { path: `api/2.0/mlflow/runs/get?${new URLSearchParams({ run_id: runId })}` })
}

/** Logs what was loaded as an input of the run: once, however often it is repeated. */
export async function logDataset(
  config: ClientConfig,
  runId: string,
  { name, columns, rows, digest, database }: LoadedTable,
): Promise<void> {
  const table = `${name.schema}.${name.table}`
  const schema = columns.map((column) => ({ type: TYPES[column.kind], name: column.name, required: false }))
  const dataset = {
    name: table,
    digest,
    source_type: 'table',
    source: JSON.stringify({ table, database }),
    schema: JSON.stringify({ mlflow_colspec: schema }),
    profile: JSON.stringify({ num_rows: rows, num_elements: rows * columns.length }),
  }
  const path = 'api/2.0/mlflow/runs/log-inputs'
  await askServer(config, { method: 'POST', path, body: { run_id: runId, datasets: [{ dataset }] } })
}
