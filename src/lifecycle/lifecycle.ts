// The lifecycle wing: what becomes of things that were deleted, and of what has grown old.
import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { packageVersion } from '../package.ts'
import type { Endpoint } from '../platform/http/route.ts'
import type { Access } from '../platform/wire/asker.ts'
import { createBatches } from './cleaning/batches.service.ts'
import type { DoomedRuns, Remains } from './cleaning/doomed.ts'
import { cleaningEndpoints } from './cleaning/routes.ts'
import { createSchedule, type ScheduleDeps } from './cleaning/schedule.service.ts'
import { type CleaningDeps, createCleaningService } from './cleaning/service.ts'
import { createDownsampling, type DownsamplingDeps } from './downsampling/service.ts'
import { createAlone } from './retention/alone.ts'
import { seeLease, takeLease } from './retention/lease.ts'
import { createRetention, type RetentionDeps } from './retention/retention.service.ts'
import { retentionEndpoints } from './retention/routes.ts'
import { checkSchedule, dueAfter } from './schedule/cron.ts'
import { createDueSchedule } from './schedule/service.ts'
import { viewEndpoints } from './views/routes.ts'
import { createViews } from './views/service.ts'

/** What the server does by itself. */
export interface LifecycleOptions {
  /** Deletes for good what was deleted so long ago, such as 30d. Absent: nothing. */
  gcOlderThan?: string | undefined
  /** Runs policies about old data when they are due. Absent: it does. */
  retentionSchedule?: boolean
  /** Who may make and change policies about tables. Absent: clients on this machine. */
  retentionTables?: Access
}

export interface LifecycleDeps
  extends Pick<CleaningDeps, 'engine' | 'clock' | 'locateFiles' | 'parseExperimentId'>,
    Pick<ScheduleDeps, 'log'>,
    Pick<RetentionDeps, 'events'>,
    LifecycleOptions {
  tracking: Pick<CleaningDeps, 'experiments' | 'runs' | 'models' | 'metric' | 'param'>
  genai: Remains
  /** What these wings know of the age of things. */
  aging: RetentionDeps['runs'] &
    Pick<RetentionDeps, 'countRunsByHour' | 'countTracesByHour' | 'countPointsByHour'> &
    Pick<DownsamplingDeps, 'findDueMonths' | 'thinPoints' | 'hasLeftPoints' | 'finishLeftPoints'> & {
      countTraces: RetentionDeps['traces']['count']
      findTraces: RetentionDeps['traces']['find']
      /** An experiment, deleted or not. @throws RESOURCE_DOES_NOT_EXIST */
      getExperiment: (
        experimentId: string,
      ) => Promise<{ experimentId: string; artifactLocation: string | null }>
    }
}

export function createLifecycle({ tracking, genai, aging, log, ...deps }: LifecycleDeps) {
  const { gcOlderThan, retentionSchedule = true, retentionTables: tableAccess = 'loopback' } = deps
  const runs: DoomedRuns = {
    ...tracking.runs,
    async remove(runIds) {
      await genai.forgetRuns(runIds)
      await tracking.runs.remove(runIds)
    },
  }
  const cleaning = createCleaningService({ ...deps, ...tracking, runs, remains: genai })
  const batches = createBatches(deps)
  const how = { keepArtifacts: false, userId: null, cause: 'retention' as const }

  const findDeleted = (runIds: readonly string[], untilMs: number) =>
    tracking.runs.find({ ids: runIds, deletedUntilMs: untilMs, limit: runIds.length })
  const alonePoints = createAlone(deps, 'points of metrics')
  const retention = createRetention({
    ...deps,
    log,
    isScheduled: retentionSchedule,
    tableAccess,
    serverVersion: packageVersion(),
    checkSchedule,
    dueAfter,
    runs: aging,
    countRunsByHour: aging.countRunsByHour,
    countTracesByHour: aging.countTracesByHour,
    countPointsByHour: aging.countPointsByHour,
    metricDownsampling: createDownsampling({ ...aging, alone: alonePoints }),
    alonePoints,
    deletedRuns: {
      find: ({ untilMs, after, limit }) => tracking.runs.find({ deletedUntilMs: untilMs, after, limit }),
      stillDeleted: async (runIds, untilMs) =>
        (await findDeleted(runIds, untilMs)).filter(({ stage }) => stage === 'deleted'),
      async remove(runIds, untilMs) {
        const { deleted, left } = await batches.remove('run', runs, await findDeleted(runIds, untilMs), how)
        return {
          rows: deleted.reduce((sum, { rows }) => sum + rows, 0),
          left: left.map(({ message }) => message),
        }
      },
    },
    traces: {
      count: aging.countTraces,
      find: aging.findTraces,
      remove: (traces) => genai.removeTraces([...traces]),
      async artifactsOf({ experimentId, traceId }) {
        const { artifactLocation } = await aging.getExperiment(experimentId)
        return artifactLocation ? genai.traceArtifactsOf({ experimentId, artifactLocation }, traceId) : ''
      },
    },
  })
  const { policies, executions } = retention
  const serverId = randomUUID()
  const views = createViews({
    ...deps,
    log,
    tableAccess,
    checkSchedule,
    dueAfter,
    async take(work) {
      const seen = await seeLease(deps.engine, deps.clock, work)
      // Two requests at one server must differ, too.
      const executionId = randomUUID()
      return seen.isFree ? takeLease({ ...deps, serverId }, work, { seen, executionId }) : undefined
    },
  })
  const endpoints: Endpoint[] = [
    ...cleaningEndpoints(cleaning),
    ...retentionEndpoints(retention),
    ...viewEndpoints(views),
  ]
  return {
    endpoints,
    /** Has work done by schedule from when the server listens until it closes, as far as it is to be, and ends what was begun when it closes. */
    workWhileListening(app: FastifyInstance): void {
      const gc = gcOlderThan ? createSchedule({ ...deps, log, cleaning, olderThan: gcOlderThan }) : undefined
      const schedule = retentionSchedule
        ? createDueSchedule({
            what: 'Retention policies',
            clock: deps.clock,
            log,
            findDue: policies.findDue,
            begin: (due) =>
              executions.begin(due, { fromMs: deps.clock.now(), userId: null, dueAtMs: due.dueAtMs }),
            settle: policies.settleDue,
            resume: executions.resume,
          })
        : undefined
      const viewSchedule = retentionSchedule
        ? createDueSchedule({
            what: 'Materialized views',
            clock: deps.clock,
            log,
            findDue: views.findDue,
            begin: views.refreshDue,
          })
        : undefined
      app.addHook('onListen', async () => {
        gc?.start()
        schedule?.start()
        viewSchedule?.start()
      })
      app.addHook('preClose', async () => {
        await Promise.all([gc?.stop(), schedule?.stop(), viewSchedule?.stop(), views.stop()])
        await executions.stop()
      })
    },
  }
}
