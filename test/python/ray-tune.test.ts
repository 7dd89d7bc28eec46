// The Ray Tune example, a minute of two cores for each server, gives the client the same results as stock MLflow, from four trials at once.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { missing } from '../support/services.ts'
import { copyPrograms, EXAMPLES, runClient, TIMEOUT_MS } from './client.ts'
import { expectSameReadBack, readBack } from './read-back.ts'
import { onStock, useServer } from './servers.ts'

// Times and processes that Ray reports.
const VOLATILE = ['timestamp', 'time_this_iter_s', 'time_total_s', 'time_since_restore', 'pid'].map(
  (key) => `metrics.${key}`,
)

// Trial ids are random, and some, such as 31916_00003, are logged as metrics since Python reads them as numbers.
const FIXED_TRIAL_IDS = { _TEST_TUNE_TRIAL_UUID: 'tuned' }

const isAsked = process.env.TEST_CLIENTS === 'all'
const reason = isAsked ? missing('stock') : 'part of npm run test:clients'

describe.skipIf(reason)(`client${reason && ` (${reason})`}`, () => {
  const examples = copyPrograms(EXAMPLES)
  const run = async (url: string) => ({
    printed: await runClient(url, [join(examples.folder, 'ray_tune.py')], FIXED_TRIAL_IDS),
    callback: await readBack(url, 'params.alpha', ['ray tune callback']),
    trainable: await readBack(url, 'params.alpha', ['ray tune trainable']),
  })
  const stock = onStock(run)

  describeEachEngine(
    'Ray Tune',
    (target) => {
      const server = useServer(target)

      it(
        'logs four parallel trials with the same results as on stock MLflow',
        async () => {
          const [expected, ours] = [await stock(), await run(server.url)]
          expect(expected.printed.match(/ FINISHED /g)).toHaveLength(8)
          expect(ours.printed.match(/ FINISHED /g)).toHaveLength(8)
          expectSameReadBack(expected.callback, ours.callback, VOLATILE)
          expectSameReadBack(expected.trainable, ours.trainable)
        },
        TIMEOUT_MS,
      )
    },
    ['CrateDB', 'PGlite'],
  )
})
