// What there is of data, and what retention is about to do: for a page that shows it.
import type { z } from 'zod'
import type { Holding } from '../../platform/database/aging.ts'
import { databaseStatus } from '../../platform/database/diagnosis.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { MARK } from '../../platform/database/materializing.ts'
import type { Asker } from '../../platform/wire/asker.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import type { ExecutionService } from './executions.service.ts'
import type { PolicyService } from './policies.service.ts'
import type { OverviewWire } from './schema.ts'
import { spellTarget } from './target.ts'

export interface OverviewDeps {
  engine: Engine
  clock: Clock
  policies: Pick<PolicyService, 'list' | 'mayChangeTables'>
  executions: Pick<ExecutionService, 'list'>
  serverVersion: string
  isScheduled: boolean
  /** What began at the time or later, by the hours since then. */
  countRunsByHour: (sinceMs: number) => Promise<ReadonlyMap<number, number>>
  countTracesByHour: (sinceMs: number) => Promise<ReadonlyMap<number, number>>
  /** Of runs that were made in the month or later. */
  countPointsByHour: (sinceMs: number, month: string) => Promise<ReadonlyMap<number, number>>
}

const HOUR_MS = 3600_000
const HOURS = 24
/** Runs that are older are hardly written to. */
const RECENT_MS = 31 * 24 * HOUR_MS
/** Counts that took longer serve for a while: pages ask for them again and again. */
const SLOW_MS = 200
/** How often as long as they took. */
const SERVE_FACTOR = 20
/** The largest, and those that policies are about. */
const MOST_TABLES = 200
const MOST_DUE = 20

export function createOverview(deps: OverviewDeps) {
  const { engine, clock, policies, executions } = deps

  /** Points of each hour; undefined where there are too many to count them. */
  async function countPoints(sinceMs: number, holdings: readonly Holding[]) {
    const month = new Date(sinceMs - RECENT_MS).toISOString().slice(0, 7)
    const held = holdings.find(({ schema, table }) => schema === engine.schema && table === 'metrics')
    const isByMonth = held !== undefined && held.partitions.length > 0
    const rows = isByMonth
      ? held.months.reduce((sum, one) => sum + (one.month >= month ? one.rows : 0), 0)
      : (held?.rows ?? 0)
    const most = engine.dialect.aging?.mostCounted(engine) ?? 0
    return rows <= most ? deps.countPointsByHour(sinceMs, month) : undefined
  }

  /** What goes through rows. */
  const countAll = sparing(clock, async () => {
    const sinceMs = clock.now() - HOURS * HOUR_MS
    const holdings = (await engine.dialect.aging?.holdings(engine)) ?? []
    const [runs, traces, points] = await Promise.all([
      deps.countRunsByHour(sinceMs),
      deps.countTracesByHour(sinceMs),
      countPoints(sinceMs, holdings),
    ])
    return { sinceMs, holdings, runs, traces, points }
  })

  return async (asker: Asker): Promise<z.infer<typeof OverviewWire>> => {
    const status = await databaseStatus(engine, 1)
    const { sinceMs, holdings, runs, traces, points } = await countAll()
    const [{ executions: running }, { policies: all }] = await Promise.all([
      executions.list({ state: 'running' }),
      policies.list({ tags: [], max_results: 1000 }),
    ])
    const due = all.flatMap(({ policy_id, name, next_due_at }) =>
      next_due_at === undefined ? [] : [{ policy_id, policy_name: name, due_at: next_due_at }],
    )
    const ingest = Array.from({ length: HOURS }, (_, hour) => ({
      start: sinceMs + hour * HOUR_MS,
      runs: countOf(runs, hour),
      traces: countOf(traces, hour),
      ...(points && { points: countOf(points, hour) }),
    }))
    const targets = new Set(all.map(({ target }) => target))
    const isTarget = ({ schema, table }: Holding) => targets.has(spellTarget({ table: { schema, table } }))
    return {
      server_version: deps.serverVersion,
      engine: engine.dialect.name,
      database_version: status.version,
      ...(status.health && { health: status.health }),
      tables: holdings
        .toSorted((a, b) => Number(isTarget(b)) - Number(isTarget(a)) || (b.bytes ?? 0) - (a.bytes ?? 0))
        .slice(0, MOST_TABLES)
        .toSorted((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0))
        .map(({ schema, table, partitions, months, ...counts }) => ({
          name: `${schema}.${table}`,
          own: schema === engine.schema || table.startsWith(MARK),
          ...known(counts),
          partitions: partitions.map(({ values, ...own }) => ({ values, ...known(own) })),
          months: months.map(({ month, ...own }) => ({ month, rows: own.rows, ...known(own) })),
        })),
      last_hour: { runs: countOf(runs, HOURS - 1), traces: countOf(traces, HOURS - 1) },
      ingest,
      due_next: due.sort((a, b) => a.due_at - b.due_at).slice(0, MOST_DUE),
      running,
      schedule_enabled: deps.isScheduled,
      may_change_tables: policies.mayChangeTables(asker),
    }
  }
}

/** Does the work at most a twentieth of the time, and for all who ask at once together. */
function sparing<T>(clock: Clock, work: () => Promise<T>): () => Promise<T> {
  let kept: { answer: Promise<T>; untilMs: number } | undefined
  return () => {
    const beganMs = clock.now()
    if (kept && beganMs < kept.untilMs) return kept.answer
    const current = { answer: work(), untilMs: Number.POSITIVE_INFINITY }
    kept = current
    const end = (isDone: boolean) => {
      const tookMs = clock.now() - beganMs
      current.untilMs = isDone && tookMs > SLOW_MS ? clock.now() + tookMs * SERVE_FACTOR : 0
    }
    current.answer.then(
      () => end(true),
      () => end(false),
    )
    return current.answer
  }
}

/** Clocks of clients that are ahead count as now. */
const countOf = (counts: ReadonlyMap<number, number>, hour: number): number =>
  [...counts].reduce(
    (sum, [at, count]) => sum + (at === hour || (at > hour && hour === HOURS - 1) ? count : 0),
    0,
  )

const known = ({ rows, bytes }: { rows: number | undefined; bytes: number | undefined }) => ({
  ...(rows !== undefined && { rows }),
  ...(bytes !== undefined && { bytes }),
})
