// Statements that find traces by their age, whatever their experiment.
import { and, asc, type SQL, sql } from 'drizzle-orm'
import { equalsAny } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { isBehind, type Place, placesOf, type SortKey } from '../../platform/search/keyset.ts'
import { traces } from './tables.ts'

/** Which traces are meant. */
export interface OldTraces {
  /** Undefined: of all experiments. */
  experimentIds: readonly string[] | undefined
  /** They began before. */
  untilMs: number
}

const isMeant = ({ experimentIds, untilMs }: OldTraces): SQL | undefined =>
  and(
    sql`${traces.timestampMs} < ${untilMs}::bigint`,
    experimentIds && equalsAny(traces.experimentId, experimentIds),
  )

/** How many there are. Passes the refresh gate. */
export async function countOldTraces(engine: Engine, of: OldTraces): Promise<number> {
  await engine.refresh(traces)
  const rows = await engine.rows(sql`SELECT count(*) FROM ${traces} WHERE ${isMeant(of)}`)
  return Number(rows[0]?.[0] ?? 0)
}

const ORDER: SortKey[] = [
  { kind: 'int64', value: traces.timestampMs, ascending: true, required: true },
  { kind: 'text', value: traces.traceId, ascending: true, required: true },
]

/** A page of them, the oldest first, behind a place. Passes the refresh gate. */
export async function findTracesBefore(
  engine: Engine,
  of: OldTraces,
  { after, limit }: { after: Place | undefined; limit: number },
): Promise<{ traceId: string; month: string; experimentId: string; place: Place }[]> {
  await engine.refresh(traces)
  const { traceId, month, experimentId, timestampMs } = traces
  const rows = await engine.db
    .select({ traceId, month, experimentId, timestampMs })
    .from(traces)
    .where(and(isMeant(of), after && isBehind(ORDER, after)))
    .orderBy(asc(timestampMs), asc(traceId))
    .limit(limit)
  const placeOf = placesOf(traces, ORDER)
  return rows.map((row) => ({ ...row, place: placeOf(row) }))
}

/** Traces that began at the time or later, by the hours since then: 0 is the first one. Passes the refresh gate. */
export async function countTracesByHour(engine: Engine, sinceMs: number): Promise<Map<number, number>> {
  await engine.refresh(traces)
  const rows = await engine.rows(
    sql`SELECT (timestamp_ms - ${sinceMs}::bigint) / 3600000, count(*) FROM ${traces}
        WHERE timestamp_ms >= ${sinceMs}::bigint GROUP BY 1`,
  )
  return new Map(rows.map(([hour, count]) => [Number(hour), Number(count)]))
}
