// Statements over logged models, their params, tags and metric points. The search is in search.store.ts.
import { and, asc, eq, getTableColumns, sql } from 'drizzle-orm'
import { keepStored, takeNew, upsertRows } from '../../platform/database/bulk.ts'
import { ownedBy } from '../../platform/database/children.ts'
import { changesIf } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { createGroupCommit } from '../../platform/database/group-commit.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import {
  type LoggedModelMetricRow,
  type LoggedModelParamRow,
  type LoggedModelRow,
  type LoggedModelTagRow,
  loggedModelMetrics,
  loggedModelParams,
  loggedModels,
  loggedModelTags,
} from './tables.ts'

/** Keys that are read by primary key in one statement. */
const LOOKUP_CHUNK = 64
const MAX_ROWS_PER_FLUSH = 20_000
const MAX_ROWS_QUEUED = 200_000

/** Models by primary key, in any lifecycle stage: sees every acknowledged write. Takes up to 64 ids. */
export async function findLoggedModels(
  engine: Engine,
  modelIds: string[],
): Promise<Map<string, LoggedModelRow>> {
  const rows = await engine.db
    .select()
    .from(loggedModels)
    .where(engine.dialect.anyKey(loggedModels.modelId, modelIds))
  return new Map(rows.filter((row) => !isGoing(row)).map((row) => [row.modelId, row]))
}

/** Its deletion for good has begun: nobody finds it any more. */
const isGoing = (row: LoggedModelRow) => row.lifecycleStage === 'deleting'

/** Params and tags come first: with its row the model exists, with all it has. */
export async function insertLoggedModel(
  engine: Engine,
  model: LoggedModelRow,
  { params, tags }: { params: LoggedModelParamRow[]; tags: LoggedModelTagRow[] },
): Promise<void> {
  await Promise.all([insertLoggedModelParams(engine, params), upsertLoggedModelTags(engine, tags)])
  await engine.db.insert(loggedModels).values(model)
}

export type LoggedModelChanges = Partial<
  Pick<LoggedModelRow, 'status' | 'lifecycleStage' | 'lastUpdatedTimestampMs'>
>

/** @returns the changed row; undefined when there is no such model */
export async function updateLoggedModel(
  engine: Engine,
  modelId: string,
  changes: LoggedModelChanges,
): Promise<LoggedModelRow | undefined> {
  const [row] = await engine.db
    .update(loggedModels)
    // In SET, since it may begin to go meanwhile.
    .set(changesIf(loggedModels, sql`lifecycle_stage <> 'deleting'`, changes))
    .where(eq(loggedModels.modelId, modelId))
    .returning()
  return row && !isGoing(row) ? row : undefined
}

/** Values of the model's params among the keys, by primary key. */
export async function findLoggedModelParams(
  engine: Engine,
  modelId: string,
  keys: string[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (let start = 0; start < keys.length; start += LOOKUP_CHUNK) {
    const chunk = keys.slice(start, start + LOOKUP_CHUNK)
    const rows = await engine.db
      .select({ key: loggedModelParams.key, value: loggedModelParams.value })
      .from(loggedModelParams)
      .where(and(eq(loggedModelParams.modelId, modelId), engine.dialect.anyKey(loggedModelParams.key, chunk)))
    for (const { key, value } of rows) found.set(key, value)
  }
  return found
}

// Rows go in key order, so that PostgreSQL servers that write the same rows at once lock them in one order.
const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1)

/**
 * Writes params of one model with distinct keys; the first value of a key stays.
 * @returns the value of each key as it is stored now
 */
export async function insertLoggedModelParams(
  engine: Engine,
  rows: LoggedModelParamRow[],
): Promise<Map<string, string>> {
  const { key, value } = loggedModelParams
  const stored = await upsertRows(engine, loggedModelParams, [...rows].sort(byKey), {
    onConflict: keepStored(value),
    returning: [key, value],
  })
  return new Map(stored.map((row) => [String(row.param_key), String(row.param_value)]))
}

/** Sets tags of one model with distinct keys. */
export async function upsertLoggedModelTags(engine: Engine, rows: LoggedModelTagRow[]): Promise<void> {
  await upsertRows(engine, loggedModelTags, [...rows].sort(byKey), {
    onConflict: takeNew(loggedModelTags.value),
  })
}

/**
 * Gives a tag the value that `change` makes of the present one, however many do so at once: the value is written only
 * while it is still the one that was changed.
 */
export async function changeLoggedModelTag(
  engine: Engine,
  tag: Omit<LoggedModelTagRow, 'value'>,
  change: (value: string | undefined) => string,
): Promise<void> {
  const isTag = and(eq(loggedModelTags.modelId, tag.modelId), eq(loggedModelTags.key, tag.key))
  for (;;) {
    const [stored] = await engine.db.select().from(loggedModelTags).where(isTag)
    const value = change(stored?.value)
    if (value === stored?.value) return
    if (!stored) {
      const row = { ...tag, value }
      const inserted = await engine.db.insert(loggedModelTags).values(row).onConflictDoNothing().returning()
      if (inserted.length === 1) return
      continue
    }
    const [updated] = await engine.db
      .update(loggedModelTags)
      .set(changesIf(loggedModelTags, sql`tag_value = ${stored.value}`, { value }))
      .where(isTag)
      .returning({ value: loggedModelTags.value })
    if (updated?.value === value) return
  }
}

/** @returns whether there was such a tag */
export async function deleteLoggedModelTag(engine: Engine, modelId: string, key: string): Promise<boolean> {
  const { rowCount } = await engine.execute(
    sql`DELETE FROM logged_model_tags
        WHERE ${and(eq(loggedModelTags.modelId, modelId), eq(loggedModelTags.key, key))}`,
  )
  return rowCount > 0
}

/** A point of a metric that a run logs for a model; null for a point without a dataset. */
export interface ModelMetric {
  modelId: string
  runId: string
  experimentId: string
  name: string
  value: number
  timestamp: Int64
  step: Int64
  datasetName: string | null
  datasetDigest: string | null
}

/**
 * Returns the writer of metric points of a server: points of concurrent requests go out as one statement. It resolves
 * after the database acknowledged them; equal points may be written again.
 */
export const createModelMetricWriter = (engine: Engine): ((points: ModelMetric[]) => Promise<void>) =>
  createGroupCommit<ModelMetric[], void>({
    queue: 'logged_model_metrics',
    weigh: (points) => points.length,
    maxFlush: MAX_ROWS_PER_FLUSH,
    maxQueued: MAX_ROWS_QUEUED,
    flush: async (batches) => {
      const rows = distinctPoints(batches.flat())
      await upsertRows(engine, loggedModelMetrics, rows, {
        onConflict: keepStored(loggedModelMetrics.experimentId),
      })
      return batches.map(() => undefined)
    },
  })

/** One row per primary key, in its order. */
function distinctPoints(points: ModelMetric[]): LoggedModelMetricRow[] {
  const rows = new Map(
    points.map((point) => {
      const row = { ...point, datasetName: point.datasetName ?? '', datasetDigest: point.datasetDigest ?? '' }
      const { modelId, name, timestamp, step, value, runId, datasetName, datasetDigest } = row
      return [[modelId, name, timestamp, step, value, runId, datasetName, datasetDigest].join('\0'), row]
    }),
  )
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
}

export interface LoggedModelContents {
  params: LoggedModelParamRow[]
  tags: LoggedModelTagRow[]
  metrics: LoggedModelMetricRow[]
}

/**
 * Params and tags of the models by key, metric points by time: three statements, however many models. Sees every
 * write acknowledged before the call.
 */
export async function findLoggedModelContents(
  engine: Engine,
  modelIds: string[],
): Promise<Map<string, LoggedModelContents>> {
  const contents = new Map<string, LoggedModelContents>(
    modelIds.map((id) => [id, { params: [], tags: [], metrics: [] }]),
  )
  if (modelIds.length === 0) return contents
  const [params, tags, metrics] = [loggedModelParams, loggedModelTags, loggedModelMetrics]
  await engine.refresh(params, tags, metrics)
  const { db, dialect } = engine
  const ofModels = {
    params: ownedBy(dialect, { table: params, of: params.modelId }, modelIds),
    tags: ownedBy(dialect, { table: tags, of: tags.modelId }, modelIds),
    metrics: ownedBy(dialect, { table: metrics, of: metrics.modelId }, modelIds),
  }
  const [paramRows, tagRows, metricRows] = await Promise.all([
    db
      .select(getTableColumns(params))
      .from(ofModels.params.from)
      .where(ofModels.params.where)
      .orderBy(asc(params.key)),
    db
      .select(getTableColumns(tags))
      .from(ofModels.tags.from)
      .where(ofModels.tags.where)
      .orderBy(asc(tags.key)),
    db
      .select(getTableColumns(metrics))
      .from(ofModels.metrics.from)
      .where(ofModels.metrics.where)
      .orderBy(
        asc(metrics.timestamp),
        asc(metrics.step),
        asc(metrics.name),
        asc(metrics.runId),
        asc(metrics.datasetName),
        asc(metrics.datasetDigest),
        asc(metrics.value),
      ),
  ])
  for (const row of paramRows) contents.get(row.modelId)?.params.push(row)
  for (const row of tagRows) contents.get(row.modelId)?.tags.push(row)
  for (const row of metricRows) contents.get(row.modelId)?.metrics.push(row)
  return contents
}
