// The examples of tracing, in Python and in JavaScript, print here what they print on stock MLflow.
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { missing } from '../support/services.ts'
import { EXAMPLES, runClient, TIMEOUT_MS } from './client.ts'
import { onStock, useServer } from './servers.ts'

describe.skipIf(missing('stock'))('examples', () => {
  const run = async (url: string) => ({
    python: await runClient(url, [join(EXAMPLES, 'tracing.py')]),
    javascript: await runClient(url, [join(EXAMPLES, 'tracing.mjs')], {}, process.execPath),
  })
  const stock = onStock(run)

  describeEachEngine(
    'of tracing',
    (target) => {
      const server = useServer(target)
      let expected: Awaited<ReturnType<typeof run>>
      let ours: Awaited<ReturnType<typeof run>>
      beforeAll(async () => {
        expected = await stock()
        ours = await run(server.url)
      }, TIMEOUT_MS)

      it("trace by MLflow's client", () => {
        expect(expected.python).toContain('tokens: 68, cost: 0.0000138 USD')
        expect(ours.python).toBe(expected.python)
      })

      it('trace by plain OpenTelemetry in JavaScript', () => {
        expect(expected.javascript).toContain('OK, session a visit, tokens {"input_tokens": 60')
        expect(ours.javascript).toBe(expected.javascript)
      })
    },
    ['CrateDB'],
    ['PGlite'],
  )
})
