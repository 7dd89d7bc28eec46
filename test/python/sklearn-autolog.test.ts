// The scikit-learn example gives the client the same results as stock MLflow.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { missing } from '../support/services.ts'
import { copyPrograms, EXAMPLES, runClient, TIMEOUT_MS } from './client.ts'
import { expectSameReadBack, readBack } from './read-back.ts'
import { onStock, useServer } from './servers.ts'

// It is a zip archive of objects with their addresses in memory.
const VOLATILE = ['model.skops']

describe.skipIf(missing('stock'))('client', () => {
  const examples = copyPrograms(EXAMPLES)
  const run = async (url: string) => ({
    printed: await runClient(url, [join(examples.folder, 'sklearn_autolog.py')]),
    read: await readBack(url, 'attributes.run_name', ['sklearn autolog']),
  })
  const stock = onStock(run)

  describeEachEngine(
    'scikit-learn autologging',
    (target) => {
      const server = useServer(target)

      it(
        'logs, searches and loads models with the same results as on stock MLflow',
        async () => {
          const [expected, ours] = [await stock(), await run(server.url)]
          expect(ours.printed).toContain('predicts the same, read from its run and as a logged model')
          expect(ours.printed).toBe(expected.printed)
          expectSameReadBack(expected.read, ours.read, VOLATILE)
        },
        TIMEOUT_MS,
      )
    },
    ['CrateDB'],
    ['PGlite'],
  )
})
