// Work on what the server keeps that one execution at a time may do, of whichever policy and on whichever server.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { seeLease, takeLease } from './lease.ts'
import type { StepRun } from './strategies.ts'

/** How often those who wait look. */
const LOOK_EVERY_MS = 250

/**
 * Returns a function that waits until nobody else does the work of this name, does it then, and tells of its rows piece by piece. The execution ends meanwhile as it does between statements.
 */
export function createAlone({ engine, clock }: { engine: Engine; clock: Clock }, name: string) {
  const serverId = randomUUID()
  const leaseName = `retention:${name}`
  return async (
    {
      executionId,
      goOn,
      report,
    }: Pick<StepRun, 'executionId' | 'goOn'> & { report: (counts: { rows: number }) => void },
    work: () => AsyncIterable<{ rows: number }>,
  ): Promise<void> => {
    for (;;) {
      const seen = await seeLease(engine, clock, leaseName)
      const lease =
        seen.isFree && (await takeLease({ engine, clock, serverId }, leaseName, { seen, executionId }))
      if (lease) {
        try {
          for await (const { rows } of work()) {
            report({ rows })
            await goOn()
          }
        } catch (error) {
          // Whoever was overtaken has no say in what becomes of the execution.
          await goOn()
          throw error
        } finally {
          await lease.release({ isDone: true }).catch(() => {})
        }
        return
      }
      await goOn()
      await sleep(LOOK_EVERY_MS)
    }
  }
}
