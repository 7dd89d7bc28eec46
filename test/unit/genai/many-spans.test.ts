// What is derived from a trace with more spans than a call takes arguments.
import { expect, it } from 'vitest'
import { deriveTrace } from '../../../src/genai/traces/derived.ts'
import type { IncomingSpan } from '../../../src/genai/traces/spans.ts'
import { sumTokens } from '../../../src/genai/traces/usage.schema.ts'

const SPANS = 200_000
const ROOT = '0'
const traceId = `tr-${'ab'.repeat(16)}`

const spans = Array.from({ length: SPANS }, (_, number): IncomingSpan => {
  const startNs = 1_700_000_000_000_000_000n + BigInt(number) * 1_000_000n
  return {
    traceId,
    spanId: String(number),
    parentSpanId: number === 0 ? null : ROOT,
    name: 'step',
    status: 'OK',
    startNs,
    endNs: startNs + 5_000_000n,
    attributes: new Map(number === SPANS - 1 ? [['mlflow.chat.tokenUsage', '{"input_tokens": 7}']] : []),
    type: '',
    events: () => [],
    resource: [],
    toJson: () => '{}',
  }
})

it('a trace starts with the first of them and ends with the last', () => {
  const owner = { experimentId: '1', artifactLocation: () => 'mlflow-artifacts:/1' }
  const added = deriveTrace(spans, owner, 1_700_000_000_000)
  expect(added.spans).toHaveLength(SPANS)
  expect(added.trace).toMatchObject({
    timestampMs: 1_700_000_000_000,
    endMs: 1_700_000_000_000 + SPANS - 1 + 5,
    hasUsage: true,
  })
  expect(sumTokens(added.spans)).toMatchObject({ inputTokens: 7 })
})
