// How the console says things: numbers, times, and what policies are and do.
import { duration, size, timeAgo } from '../../src/cli/humane.ts'
import type { AuditEntry, PolicyDefinition } from './api.ts'

export { duration, size, timeAgo }

const whole = new Intl.NumberFormat('en-US')

/** `1,204,332`; a dash for what nobody knows. */
export const count = (value: number | undefined): string => (value === undefined ? '–' : whole.format(value))

export const bytes = (value: number | undefined): string => (value === undefined ? '–' : size(value))

/** `1 row`, `1,204 rows`. */
export const counted = (value: number, noun: string): string =>
  `${count(value)} ${noun}${value === 1 ? '' : 's'}`

/** `2026-11-30 05:50:07`, in UTC, as all schedules are. */
export const time = (ms: number): string => {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString().slice(0, 19).replace('T', ' ')
}

export const STRATEGIES: Record<string, string> = {
  delete: 'Delete',
  downsample: 'Downsample',
  reallocate: 'Move to other nodes',
  snapshot: 'Snapshot, then delete',
}

export const OWN: Record<string, string> = {
  metrics: 'Points of metrics',
  traces: 'Traces',
  artifacts: 'Artifacts of deleted runs',
  deleted_runs: 'Deleted runs, for good',
  audit: 'Audit and executions',
}

export const isOwn = (target: string): boolean => target in OWN

export const strategyName = (strategy: string): string => STRATEGIES[strategy] ?? strategy

/** `every 12h`, `cron 0 3 * * *`, `by hand`. */
export const scheduleOf = ({ cron, every, enabled }: PolicyDefinition): string => {
  const when = cron ? `cron ${cron}` : every ? `every ${every}` : 'by hand'
  return enabled ? when : `${when}, disabled`
}

/** `older than 90d`, `by the ladder 1m:30d,1h:210d`. */
export const rangeOf = ({ ladder, duration }: PolicyDefinition): string =>
  ladder ? `by the ladder ${ladder}` : `older than ${duration}`

export const AUDIT_KINDS: Record<AuditEntry['kind'], string> = {
  policy_created: 'Policy made',
  policy_updated: 'Policy changed',
  policy_deleted: 'Policy deleted',
  execution_finished: 'Execution finished',
  execution_failed: 'Execution failed',
  execution_cancelled: 'Execution cancelled',
  view_created: 'View made',
  view_dropped: 'View dropped',
}
