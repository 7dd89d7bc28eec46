// The row of a trace of which another server has told all.
import { monthOfTrace } from '../../genai/traces/months.ts'
import { type Costs, isTold, type Tokens } from '../../genai/traces/usage.schema.ts'
import { truncate } from '../../platform/wire/names.ts'
import { LAST_TRACE_MS } from './values.ts'

/** What an index of CrateDB takes. */
const MAX_INDEXED = 8000
export const indexed = (value: string) => truncate(value, MAX_INDEXED)

const indexedOrNull = (value: string | null | undefined) => (value == null ? null : indexed(value))

export interface ToldTrace {
  traceId: string
  experimentId: string
  timestampMs: number
  /** Absent while it goes on. */
  durationMs: number | null | undefined
  status: string
  clientRequestId: string | null
  requestPreview: string | null
  responsePreview: string | null
  name: string | null | undefined
  session: string | null | undefined
  tokens: Tokens
  costs: Costs
}

/** What that server told holds, whatever spans come later. */
export function toldTrace({ durationMs, name, session, tokens, costs, ...own }: ToldTrace) {
  return {
    ...own,
    month: monthOfTrace(own.timestampMs, LAST_TRACE_MS),
    endMs: durationMs == null ? null : own.timestampMs + durationMs,
    traceName: indexedOrNull(name),
    sessionId: indexedOrNull(session),
    ...tokens,
    ...costs,
    isFinal: true,
    hasGivenTokens: isTold(tokens),
    hasGivenCost: isTold(costs),
    hasUsage: false,
    generation: 1,
  }
}
