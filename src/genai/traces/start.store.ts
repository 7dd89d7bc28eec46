// Traces as clients describe them: rows that stand above what is derived from spans.
import { and, type Column, ne, type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { createUpsert, takeAll, takeNew, writeInOrder } from '../../platform/database/bulk.ts'
import { equalsAny, excluded } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { createGroupCommit } from '../../platform/database/group-commit.ts'
import { type AssessmentRow, assessments } from '../assessments/tables.ts'
import { FLUSH_LIMITS, lastRows } from './store.ts'
import { spans, type TraceItemRow, type TraceRow, traceMetadata, traces, traceTags } from './tables.ts'
import { COST_COLUMNS, TOKEN_COLUMNS } from './usage.schema.ts'

export interface StartedTrace {
  trace: TraceRow
  tags: TraceItemRow[]
  metadata: TraceItemRow[]
  assessments?: AssessmentRow[]
}

export type TraceStarter = (started: StartedTrace) => Promise<void>

/**
 * Returns the writer of a server. It resolves when the database has acknowledged the rows; the trace comes last, behind its
 * tags, metadata and assessments. A trace that is there takes what is new, and keeps what the client does not say.
 */
export function createTraceStarter(engine: Engine): TraceStarter {
  const upsertTraces = createUpsert(engine, traces, { onConflict: describe })
  const upsertTags = createUpsert(engine, traceTags, { onConflict: takeNew(traceTags.value) })
  const upsertMetadata = createUpsert(engine, traceMetadata, { onConflict: takeNew(traceMetadata.value) })
  const upsertAssessments = createUpsert(engine, assessments, { onConflict: takeAll(assessments) })
  const lastItems = (rows: TraceItemRow[]) => lastRows(rows, ({ key }) => key)
  return createGroupCommit<StartedTrace, void>({
    queue: 'trace_starts',
    weigh: ({ tags, metadata, assessments: own = [] }) => 1 + tags.length + metadata.length + own.length,
    ...FLUSH_LIMITS,
    flush: async (all) => {
      await writeInOrder(engine, [
        [
          upsertTags(lastItems(all.flatMap(({ tags }) => tags))),
          upsertMetadata(lastItems(all.flatMap(({ metadata }) => metadata))),
          upsertAssessments(
            lastRows(
              all.flatMap(({ assessments: own = [] }) => own),
              ({ assessmentId }) => assessmentId,
            ),
          ),
        ],
        [
          upsertTraces(
            lastRows(
              all.map(({ trace }) => trace),
              () => '',
            ),
          ),
        ],
      ])
      return all.map(() => undefined)
    },
  })
}

/** What a client's description changes in the stored row. The month stays, and with it the place of the spans. */
function describe({ dialect }: Engine): SQL {
  const old = (column: Column) => dialect.stored(column)
  const assign = (column: Column, value: SQL) => sql`${sql.identifier(column.name)} = ${value}`
  const { experimentId, timestampMs, endMs, status, clientRequestId, isFinal } = traces
  const { requestPreview, responsePreview, traceName, sessionId, hasGivenTokens, hasGivenCost } = traces
  const given = (columns: readonly Column[], flag: Column) => [
    ...columns.map((column) =>
      assign(column, sql`CASE WHEN ${excluded(flag)} THEN ${excluded(column)} ELSE ${old(column)} END`),
    ),
    assign(flag, sql`(${old(flag)} OR ${excluded(flag)})`),
  ]
  return sql.join(
    [
      ...[experimentId, timestampMs, endMs, status, clientRequestId, isFinal].map((column) =>
        assign(column, excluded(column)),
      ),
      ...[requestPreview, responsePreview, traceName, sessionId].map((column) =>
        assign(column, sql`coalesce(${excluded(column)}, ${old(column)})`),
      ),
      ...given(
        Object.values(TOKEN_COLUMNS).map((name) => traces[name]),
        hasGivenTokens,
      ),
      ...given(
        Object.values(COST_COLUMNS).map((name) => traces[name]),
        hasGivenCost,
      ),
    ],
    sql`, `,
  )
}

/** Has what belongs to a trace follow it to another experiment. */
export async function moveToExperiment(engine: Engine, traceId: string, experimentId: string): Promise<void> {
  await engine.refresh(spans, traceTags, traceMetadata, assessments)
  const move = <T extends PgTable & { traceId: Column; experimentId: Column }>(table: T) =>
    engine.execute(
      sql`UPDATE ${table} SET experiment_id = ${experimentId}::bigint WHERE ${and(
        equalsAny(table.traceId, [traceId]),
        ne(table.experimentId, experimentId),
      )}`,
    )
  await Promise.all([move(spans), move(traceTags), move(traceMetadata), move(assessments)])
}
