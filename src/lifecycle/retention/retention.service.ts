// Joins the parts of retention: strategies, policies, executions, checks, audit, overview.
import type { Events } from '../../events.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { createAuditService } from './audit.service.ts'
import { createCheckService } from './check.service.ts'
import type { ExecutionDeps } from './execution.service.ts'
import { createExecutionService } from './executions.service.ts'
import { createOverview, type OverviewDeps } from './overview.service.ts'
import { createOwnTargets, type OwnTargetDeps } from './own-targets.service.ts'
import { createPolicyService, type PolicyServiceDeps } from './policies.service.ts'
import { OWN_TARGETS, type PolicyDefinition } from './schema.ts'
import { createSnapshots } from './snapshots.service.ts'
import type { Strategies, Strategy } from './strategies.ts'
import { createTableData } from './table-data.ts'
import { createTableStrategies } from './table-strategies.service.ts'
import { parseTarget } from './target.ts'
import { createTableThinning } from './thinning.service.ts'

export interface RetentionDeps
  extends OwnTargetDeps,
    Pick<PolicyServiceDeps, 'checkSchedule' | 'dueAfter' | 'tableAccess'>,
    Pick<
      OverviewDeps,
      'serverVersion' | 'isScheduled' | 'countRunsByHour' | 'countTracesByHour' | 'countPointsByHour'
    > {
  engine: Engine
  clock: Clock
  log: ExecutionDeps['log']
  events: Pick<Events, 'raise'>
  /** What `downsample` does to points of metrics. */
  metricDownsampling: Pick<Strategy, 'plan' | 'check'>
}

export type Retention = ReturnType<typeof createRetention>
/** What its endpoints call. */
export type RetentionApi = Pick<Retention, 'policies' | 'checks' | 'executions' | 'audit' | 'overview'>

export function createRetention(deps: RetentionDeps) {
  const { engine, clock, log, events, metricDownsampling } = deps
  const data = createTableData(engine)
  const tables = createTableStrategies(engine, data)
  const own = createOwnTargets(deps)
  /** Of tables, and of what the server keeps. */
  const deleting: Strategy = {
    categories: ['partition', 'timerange'],
    fields: [],
    keepsRows: false,
    takesOwn: OWN_TARGETS,
    async plan(policy, cutoffMs) {
      const target = parseTarget(policy.target)
      return 'own' in target
        ? own.plan(target.own, policy, cutoffMs)
        : tables.deleteFrom.plan(policy, cutoffMs)
    },
    check: async (policy) => ('own' in parseTarget(policy.target) ? [] : tables.deleteFrom.check(policy)),
  }
  const thinning = createTableThinning(deps)
  const downsamplingOf = ({ target }: PolicyDefinition) =>
    'own' in parseTarget(target) ? metricDownsampling : thinning
  const downsampling: Strategy = {
    categories: ['timerange'],
    fields: ['ladder'],
    takesFields: ['by', 'aggregates', 'into'],
    keepsRows: false,
    takesOwn: ['metrics'],
    plan: (policy, cutoffMs) => downsamplingOf(policy).plan(policy, cutoffMs),
    check: (policy) => downsamplingOf(policy).check(policy),
  }
  const strategies: Strategies = {
    delete: deleting,
    reallocate: tables.reallocate,
    snapshot: createSnapshots(engine, data),
    downsample: downsampling,
  }
  const policies = createPolicyService({ ...deps, strategies })
  const executions = createExecutionService({ engine, clock, strategies, events, log, policies })
  return {
    policies,
    executions,
    checks: createCheckService({ engine, clock, policies, strategies }),
    audit: createAuditService(engine),
    overview: createOverview({ ...deps, policies, executions }),
  }
}
