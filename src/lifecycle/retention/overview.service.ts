// What there is of data, and what retention is about to do: for a page that shows it.
import type { z } from 'zod'
import { databaseStatus } from '../../platform/database/diagnosis.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import type { ExecutionService } from './executions.service.ts'
import type { PolicyService } from './policies.service.ts'
import type { OverviewWire } from './schema.ts'

export interface OverviewDeps {
  engine: Engine
  clock: Clock
  policies: Pick<PolicyService, 'list'>
  executions: Pick<ExecutionService, 'list'>
  serverVersion: string
  isScheduled: boolean
  countRunsSince: (sinceMs: number) => Promise<number>
  countTracesSince: (sinceMs: number) => Promise<number>
}

const HOUR_MS = 3600_000
const MOST_TABLES = 200
const MOST_DUE = 20

export function createOverview(deps: OverviewDeps) {
  const { engine, clock, policies, executions } = deps

  return async (): Promise<z.infer<typeof OverviewWire>> => {
    const sinceMs = clock.now() - HOUR_MS
    const status = await databaseStatus(engine, 1)
    const holdings = (await engine.dialect.aging?.holdings(engine)) ?? []
    const [runs, traces, { executions: running }, { policies: all }] = await Promise.all([
      deps.countRunsSince(sinceMs),
      deps.countTracesSince(sinceMs),
      executions.list({ state: 'running' }),
      policies.list({ tags: [], max_results: 1000 }),
    ])
    const due = all.flatMap(({ policy_id, name, next_due_at }) =>
      next_due_at === undefined ? [] : [{ policy_id, policy_name: name, due_at: next_due_at }],
    )
    return {
      server_version: deps.serverVersion,
      engine: engine.dialect.name,
      database_version: status.version,
      ...(status.health && { health: status.health }),
      tables: holdings
        .sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0))
        .slice(0, MOST_TABLES)
        .map(({ schema, table, partitions, ...counts }) => ({
          name: `${schema}.${table}`,
          own: schema === engine.schema,
          ...known(counts),
          partitions: partitions.map(({ values, ...own }) => ({ values, ...known(own) })),
        })),
      last_hour: { runs, traces },
      due_next: due.sort((a, b) => a.due_at - b.due_at).slice(0, MOST_DUE),
      running,
      schedule_enabled: deps.isScheduled,
    }
  }
}

const known = ({ rows, bytes }: { rows: number | undefined; bytes: number | undefined }) => ({
  ...(rows !== undefined && { rows }),
  ...(bytes !== undefined && { bytes }),
})
