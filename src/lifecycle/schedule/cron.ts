// When a policy is due: by a cron expression or by an interval, in UTC.
import { Cron } from 'croner'
import { invalidParameter } from '../../errors.ts'
import { parseDuration } from '../../platform/wire/durations.ts'
import { hashOf } from '../../platform/wire/ids.ts'

export interface Schedule {
  cron?: string | undefined
  every?: string | undefined
}

const LEAST_EVERY_MS = 60_000
/** Policies that are due at the same time begin within so long of it, each at an offset of its own. */
const MOST_JITTER_MS = 30_000
const JITTER_PART = 0.1

/** @throws INVALID_PARAMETER_VALUE for what is no schedule, or two */
export function checkSchedule({ cron, every }: Schedule): void {
  if (cron !== undefined && every !== undefined)
    throw invalidParameter("Only one of 'cron' and 'every' can be given.")
  if (every !== undefined && parseDuration(every, 'every') < LEAST_EVERY_MS)
    throw invalidParameter(`Invalid value '${every}' for parameter 'every': a minute is the shortest.`)
  if (cron !== undefined && nextOf(cron, 0) === undefined) throw wrongCron(cron)
}

const wrongCron = (cron: string) =>
  invalidParameter(
    `Invalid value '${cron.slice(0, 100)}' for parameter 'cron': use five fields, minute, hour, day of the month, month, day of the week, such as '0 3 * * *' for three o'clock (UTC) every night.`,
  )

/** The first time of the expression behind another one, in milliseconds; undefined when there is none. */
function nextOf(cron: string, afterMs: number): number | undefined {
  // With seconds, years or names for intervals there would be more than one way to say a thing.
  if (cron.trim().split(/\s+/).length !== 5) throw wrongCron(cron)
  try {
    return new Cron(cron, { paused: true, timezone: 'UTC' }).nextRun(new Date(afterMs))?.getTime()
  } catch {
    throw wrongCron(cron)
  }
}

/**
 * When the policy is due next, counted from its last scheduled start or the change of its schedule; undefined without a schedule. It lies in the
 * past when a time was missed, however many were.
 */
export function dueAfter(schedule: Schedule, policyId: string, fromMs: number): number | undefined {
  const next = nextPlain(schedule, fromMs)
  if (next === undefined) return undefined
  const gap = schedule.every === undefined ? (nextPlain(schedule, next) ?? next) - next : next - fromMs
  const most = Math.min(MOST_JITTER_MS, gap * JITTER_PART)
  return next + Math.floor((most * Number.parseInt(hashOf(policyId, 8), 16)) / 2 ** 32)
}

function nextPlain({ cron, every }: Schedule, fromMs: number): number | undefined {
  if (every !== undefined) return fromMs + parseDuration(every, 'every')
  return cron === undefined ? undefined : nextOf(cron, fromMs)
}
