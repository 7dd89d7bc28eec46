// Statements over datasets logged to runs, and over the edges between runs, datasets and logged models.
import { and, asc, eq, getTableColumns, sql } from 'drizzle-orm'
import { keepStored, upsertRows } from '../../platform/database/bulk.ts'
import { ownedBy } from '../../platform/database/children.ts'
import { equalsAny } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { DatasetInput, DatasetSummary, RunInputs, RunOutputs } from './schema.ts'
import { type DatasetRow, datasets, type InputRow, type InputTagRow, inputs, inputTags } from './tables.ts'

/** Tables that a `createEdgesReader` scans; pass them through the refresh gate before. */
export const edgeTables = [inputs, inputTags, datasets]

export interface RunEdges {
  inputs: RunInputs
  outputs: RunOutputs
}

/** Returns the reader of runs' inputs and outputs: two rounds of statements, however many runs. */
export function createEdgesReader(engine: Engine): (runIds: string[]) => Promise<Map<string, RunEdges>> {
  const { edges: readEdges, tags: readTags } = prepareEdges(engine)
  return async (runIds) => {
    const edges = new Map<string, RunEdges>(runIds.map((id) => [id, { inputs: {}, outputs: {} }]))
    if (runIds.length === 0) return edges
    const ids = [...edges.keys()]
    const [rows, tagRows] = await Promise.all([readEdges.execute({ ids }), readTags.execute({ ids })])
    const datasetIds = rows.flatMap((edge) => (edge.sourceType === 'DATASET' ? [edge.sourceId] : []))
    const known = await findDatasets(engine, [...new Set(datasetIds)])
    const tagsOf = groupTags(tagRows)
    for (const { sourceType, sourceId, destinationId, step } of rows) {
      const isDataset = sourceType === 'DATASET'
      const run = edges.get(isDataset ? destinationId : sourceId)
      if (!run) continue
      const dataset = isDataset && known.get(sourceId)
      const model = { model_id: destinationId }
      if (sourceType === 'RUN_INPUT') run.inputs.model_inputs = append(run.inputs.model_inputs, model)
      else if (!isDataset) run.outputs.model_outputs = append(run.outputs.model_outputs, { ...model, step })
      else if (dataset) {
        const tags = tagsOf.get(tagKey(destinationId, sourceId)) ?? []
        run.inputs.dataset_inputs = append(run.inputs.dataset_inputs, inputToWire(dataset, tags))
      }
    }
    return edges
  }
}

/** Edges into runs and out of them, in the order in which they were logged, and the tags of inputs: texts that are made once. */
function prepareEdges({ db, dialect }: Engine) {
  const ids = sql.placeholder('ids')
  const edges = ownedBy(dialect, { table: inputs, of: [inputs.destinationId, inputs.sourceId] }, ids)
  const tags = ownedBy(dialect, { table: inputTags, of: inputTags.runId }, ids)
  return {
    edges: db
      .select(getTableColumns(inputs))
      .from(edges.from)
      .where(edges.where)
      .orderBy(asc(inputs.loggedOrder), asc(inputs.destinationId))
      .prepare('run_edges'),
    tags: db
      .select(getTableColumns(inputTags))
      .from(tags.from)
      .where(tags.where)
      .orderBy(asc(inputTags.name))
      .prepare('run_input_tags'),
  }
}

const append = <Item>(list: Item[] | undefined, item: Item): Item[] => [...(list ?? []), item]

const tagKey = (runId: string, datasetId: string) => `${runId} ${datasetId}`

function groupTags(rows: InputTagRow[]): Map<string, InputTagRow[]> {
  const groups = new Map<string, InputTagRow[]>()
  for (const row of rows) {
    const key = tagKey(row.runId, row.datasetId)
    groups.set(key, append(groups.get(key), row))
  }
  return groups
}

async function findDatasets(engine: Engine, datasetIds: string[]): Promise<Map<string, DatasetRow>> {
  if (datasetIds.length === 0) return new Map()
  const rows = await engine.db.select().from(datasets).where(equalsAny(datasets.datasetId, datasetIds))
  return new Map(rows.map((row) => [row.datasetId, row]))
}

const inputToWire = (dataset: DatasetRow, tags: InputTagRow[]): DatasetInput => ({
  ...(tags.length > 0 && { tags: tags.map(({ name, value }) => ({ key: name, value })) }),
  dataset: {
    name: dataset.name,
    digest: dataset.digest,
    source_type: dataset.sourceType,
    source: dataset.source,
    ...(dataset.schema !== null && { schema: dataset.schema }),
    ...(dataset.profile !== null && { profile: dataset.profile }),
  },
})

/** Which of the datasets are inputs of the run already, by primary key. Takes up to about 100 ids. */
export async function findLoggedDatasets(
  engine: Engine,
  runId: string,
  datasetIds: string[],
): Promise<Set<string>> {
  if (datasetIds.length === 0) return new Set()
  const rows = await engine.db
    .select({ id: inputs.sourceId })
    .from(inputs)
    .where(
      and(
        eq(inputs.sourceType, 'DATASET'),
        engine.dialect.anyKey(inputs.sourceId, datasetIds),
        eq(inputs.destinationType, 'RUN'),
        eq(inputs.destinationId, runId),
      ),
    )
  return new Set(rows.map(({ id }) => id))
}

/** Writes what is not there yet. The edges come last: an input shows only when all of it is there. */
export async function insertInputs(
  engine: Engine,
  rows: { datasets: DatasetRow[]; tags: InputTagRow[]; edges: InputRow[] },
): Promise<void> {
  await Promise.all([
    upsertRows(engine, datasets, rows.datasets, { onConflict: keepStored(datasets.name) }),
    upsertRows(engine, inputTags, rows.tags, { onConflict: keepStored(inputTags.value) }),
  ])
  await upsertRows(engine, inputs, rows.edges, { onConflict: keepStored(inputs.step) })
}

const CONTEXT_TAG = 'mlflow.data.context'

/**
 * Distinct (experiment, name, digest, context) of datasets that are an input of some run.
 * @see mlflow/store/tracking/sqlalchemy_store.py _search_datasets
 */
export async function findDatasetSummaries(
  engine: Engine,
  experimentIds: string[],
  limit: number,
): Promise<DatasetSummary[]> {
  await engine.refresh(...edgeTables)
  const rows = await engine.db
    .selectDistinct({
      experimentId: datasets.experimentId,
      name: datasets.name,
      digest: datasets.digest,
      context: inputTags.value,
    })
    .from(datasets)
    .innerJoin(inputs, and(eq(inputs.sourceId, datasets.datasetId), eq(inputs.sourceType, 'DATASET')))
    .leftJoin(
      inputTags,
      and(
        eq(inputTags.runId, inputs.destinationId),
        eq(inputTags.datasetId, datasets.datasetId),
        eq(inputTags.name, CONTEXT_TAG),
      ),
    )
    .where(equalsAny(datasets.experimentId, experimentIds))
    .orderBy(asc(datasets.experimentId), asc(datasets.name), asc(datasets.digest), asc(inputTags.value))
    .limit(limit)
  return rows.map(({ experimentId, name, digest, context }) => ({
    experiment_id: experimentId,
    name,
    digest,
    ...(context !== null && { context }),
  }))
}
