// Which schemas of stock MLflow are read, and what is said of those that are not.
import type { SqlReader } from './sql-reader.ts'

/**
 * Revisions of the schema from MLflow 2.0 to 3.17, the oldest first.
 * @see mlflow/store/db_migrations/versions
 */
const REVISIONS = `97727af70f4d 3500859a5d39 7f2a7d5fae7d 2d6e25af4d3e acf3f17fdcc7 867495a8f9d4 5b0e9adcef9c
4465047574b1 f5a4f2784254 0584bdc529eb 400f98739977 6953534de441 bda7b8c39065 cbc13b556ace 770bee3ae1dd a1b2c3d4e5f6
de4033877273 1a0cddfcaa16 534353b11cbc 71994744cf8e 3da73c924c2f bf29a5ff90ea 1bd49d398cd23 b7c8d9e0f1a2 5d2d30f0abce
c9d4e5f6a7b8 2c33131f4dae d3e4f5a6b7c8 d0e1f2a3b4c5 c8d9e0f1a2b3 1b5f0d9ad7c1 e1f2a3b4c5d6 76601a5f987d c3d6457b6d8a
a5b4c3d2e1f0 ae8bbe7743c9 7d34483879f0 da6fb0208061 89d3d66ed43f b7e4c1a90f23 a8b9c0d1e2f3 c1d2e3f4a5b6 c3d9e7f1a2b4
6f8d9c3b2a1e 1971f2d9a75b 17e22815139b b7e2c1a4d9f3 75868b020152 dc11669786a5`.split(/\s+/)

/** Columns that MLflow 2.0 has: without them the schema is older. */
const REQUIRED: [table: string, columns: string[]][] = [
  ['experiments', ['experiment_id', 'name', 'artifact_location', 'lifecycle_stage', 'creation_time']],
  ['runs', ['run_uuid', 'name', 'status', 'start_time', 'deleted_time', 'experiment_id']],
  ['metrics', ['run_uuid', 'key', 'value', 'timestamp', 'step', 'is_nan']],
  ['latest_metrics', ['run_uuid', 'key', 'value']],
  ['params', ['run_uuid', 'key', 'value']],
  ['tags', ['run_uuid', 'key', 'value']],
]

/**
 * Checks that the schema can be read. One of mlflow-cratedb has no revision; its tables are those of MLflow.
 * @throws Error that says what is the matter and what to do
 */
export async function checkSchema(
  reader: SqlReader,
  columns: ReadonlyMap<string, ReadonlySet<string>>,
  { takesNewer }: { takesNewer: boolean },
): Promise<void> {
  if (!columns.has('experiments') || !columns.has('runs'))
    throw new Error(
      'There are no tables of MLflow. On PostgreSQL name their schema as ?schema=…, if it is not public.',
    )
  if (columns.has('schema_migrations') && columns.has('name_claims'))
    throw new Error('This is a store of crateflow itself: copy it with "crateflow copy --from … --to …".')
  const missing = REQUIRED.flatMap(([table, own]) =>
    own.filter((column) => !columns.get(table)?.has(column)).map((column) => `${table}.${column}`),
  )
  if (missing.length > 0)
    throw new Error(
      `The schema is older than MLflow 2.0: it lacks ${missing.join(', ')}. Bring a copy of it up to date with "mlflow db upgrade" and name that.`,
    )
  await checkWorkspaces(reader, columns)
  const revision = await revisionOf(reader, columns)
  if (revision === undefined || REVISIONS.includes(revision) || takesNewer) return
  throw new Error(
    `The schema has revision ${revision}, which MLflow 3.17 does not know: it is newer. With --newer-schema the columns that are known are read.`,
  )
}

/** Names are unique within a workspace, of which there is one here. */
async function checkWorkspaces(
  reader: SqlReader,
  columns: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<void> {
  const found = new Set<string>()
  for (const table of ['experiments', 'registered_models']) {
    if (!columns.get(table)?.has('workspace')) continue
    for (const [name] of await reader.rows(`SELECT DISTINCT "workspace" FROM "${table}"`, []))
      if (name !== null) found.add(String(name))
  }
  if (found.size > 1)
    throw new Error(
      `The source has several workspaces, which do not fit into one store: ${[...found].sort().join(', ')}.`,
    )
}

async function revisionOf(
  reader: SqlReader,
  columns: ReadonlyMap<string, unknown>,
): Promise<string | undefined> {
  if (!columns.has('alembic_version')) return undefined
  const [row] = await reader.rows('SELECT version_num FROM alembic_version', [])
  return row ? String(row[0]) : undefined
}
