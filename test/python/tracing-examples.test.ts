// The examples of tracing, in Python and in JavaScript, print here what they print on stock MLflow.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { missing } from '../support/services.ts'
import { EXAMPLES, runClient } from './client.ts'
import { besideStock } from './servers.ts'

describe.skipIf(missing('stock'))('examples', () => {
  const run = async (url: string) => ({
    python: await runClient(url, [join(EXAMPLES, 'tracing.py')]),
    javascript: await runClient(url, [join(EXAMPLES, 'tracing.mjs')], {}, process.execPath),
  })
  const answersOn = besideStock(run)

  describeEachEngine(
    'of tracing',
    (target) => {
      const answers = answersOn(target)

      it("trace by MLflow's client", () => {
        expect(answers.expected.python).toContain('tokens: 68, cost: 0.0000138 USD')
        expect(answers.ours.python).toBe(answers.expected.python)
      })

      it('trace by plain OpenTelemetry in JavaScript', () => {
        expect(answers.expected.javascript).toContain('OK, session a visit, tokens {"input_tokens": 60')
        expect(answers.ours.javascript).toBe(answers.expected.javascript)
      })
    },
    ['CrateDB'],
    ['PGlite'],
  )
})
