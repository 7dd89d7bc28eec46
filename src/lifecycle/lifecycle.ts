// The lifecycle wing: what becomes of things that were deleted.
import type { FastifyInstance } from 'fastify'
import type { Endpoint } from '../platform/http/route.ts'
import type { DoomedRuns, Remains } from './cleaning/doomed.ts'
import { cleaningEndpoints } from './cleaning/routes.ts'
import { createSchedule, type ScheduleDeps } from './cleaning/schedule.service.ts'
import { type CleaningDeps, createCleaningService } from './cleaning/service.ts'

export interface LifecycleDeps
  extends Pick<CleaningDeps, 'engine' | 'clock' | 'locateFiles' | 'parseExperimentId'>,
    Pick<ScheduleDeps, 'log'> {
  tracking: Pick<CleaningDeps, 'experiments' | 'runs' | 'models' | 'metric' | 'param'>
  genai: Remains
  /** The server collects by itself what was deleted so long ago. */
  gcOlderThan: string | undefined
}

export function createLifecycle({ tracking, genai, gcOlderThan, log, ...deps }: LifecycleDeps) {
  const runs: DoomedRuns = {
    ...tracking.runs,
    async remove(runIds) {
      await genai.forgetRuns(runIds)
      await tracking.runs.remove(runIds)
    },
  }
  const cleaning = createCleaningService({ ...deps, ...tracking, runs, remains: genai })
  const endpoints: Endpoint[] = cleaningEndpoints(cleaning)
  return {
    endpoints,
    /** Has garbage collected by schedule from when the server listens until it closes, if it is to be. */
    cleanWhileListening(app: FastifyInstance): void {
      if (gcOlderThan === undefined) return
      const schedule = createSchedule({ ...deps, log, cleaning, olderThan: gcOlderThan })
      app.addHook('onListen', async () => schedule.start())
      app.addHook('preClose', () => schedule.stop())
    },
  }
}
