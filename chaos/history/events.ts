// What clients did to servers and what they saw: the material that the checker judges. No HTTP, no rules.

/** A field of one object that the last write owns, such as `tag turn` of `run 4711`. */
export interface RegisterValue {
  object: string
  field: string
  /** Undefined: the field is not there. */
  value: string | undefined
}

export interface Point {
  step: number
  timestamp: number
  value: number
}

/** What clients compute the row of a trace from. */
export interface Span {
  id: string
  isRoot: boolean
  startMs: number
  endMs: number
  tokens: number
}

/** What a trace's row tells, in one text. */
export type TraceInfo = string

/** What an operation changes if it takes effect. Ids are known once the server told them. */
export type Write =
  | { of: 'experiment'; name: string; id?: string }
  | { of: 'rename'; id: string; name: string }
  | { of: 'run'; experimentId: string; mark: string; id?: string }
  | ({ of: 'register' } & RegisterValue)
  | { of: 'param'; runId: string; key: string; value: string }
  | { of: 'point'; runId: string; key: string; point: Point }
  | { of: 'span'; traceId: string; span: Span }

/** A run as it was shown. */
export interface RunView {
  id: string
  /** The tag that tells which operation created the run; undefined when it has none. */
  mark: string | undefined
  lifecycle: string
  /** Status and end time, which are written together. */
  end: string
  params: [key: string, value: string][]
  tags: [key: string, value: string][]
  latest: [key: string, point: Point][]
}

export interface ExperimentView {
  id: string
  name: string
  lifecycle: string
  tags: [key: string, value: string][]
}

/** What an operation saw. */
export type Read =
  | { of: 'run'; id: string; run: RunView | undefined }
  | { of: 'runs'; experimentId: string; runs: RunView[] }
  | { of: 'history'; runId: string; key: string; points: Point[] }
  /** A trace with the ids of its spans; none when it was not found. */
  | { of: 'trace'; traceId: string; spans: string[]; info: TraceInfo | undefined }
  | { of: 'experiment'; id: string; experiment: ExperimentView | undefined }
  | { of: 'experiments'; experiments: ExperimentView[] }
  | { of: 'name'; name: string; experiment: ExperimentView | undefined }
  /** The name was refused, since another experiment has it. */
  | { of: 'taken'; name: string }
  /** Params were refused, since one of them has another value. */
  | { of: 'conflict'; runId: string; params: [key: string, value: string][] }
  | ({ of: 'register' } & RegisterValue)

/**
 * - `ok`: acknowledged; the writes happened between invocation and return.
 * - `refused`: answered with an error of the client's; the writes never happen.
 * - `unknown`: no answer, 429 or 503; each write happens at any time from the invocation on, or never.
 */
export type Outcome = 'ok' | 'refused' | 'unknown'

export interface Operation {
  client: number
  server: number
  /** The endpoint, such as `runs/log-metric`. */
  kind: string
  /** Places in the one order of all invocations and returns; `a` preceded `b` if a.returned < b.invoked. */
  invoked: number
  returned: number
  outcome: Outcome
  /** HTTP status, 0 when there was no answer. */
  status: number
  writes: Write[]
  reads: Read[]
  /** The answer, when nothing that the client knows explains it. */
  unexplained?: string
}

/** Gives out places in the order of events. All clients of a history share one. */
export function createTicker(): () => number {
  let tick = 0
  return () => ++tick
}

/** The part of an operation in which its writes may take effect; undefined when they never do. */
export interface Effect {
  from: number
  /** Infinity unless acknowledged. */
  until: number
}

export function effectOf(operation: Operation): Effect | undefined {
  if (operation.outcome === 'refused') return undefined
  return {
    from: operation.invoked,
    until: operation.outcome === 'ok' ? operation.returned : Number.POSITIVE_INFINITY,
  }
}

export type ViolationKind =
  | 'lost'
  | 'stale'
  | 'phantom'
  | 'duplicated'
  | 'changed'
  | 'unordered'
  | 'shared name'
  | 'free name refused'
  | 'partial'
  | 'unexplained'
  | 'unverified'

export interface Violation {
  kind: ViolationKind
  what: string
}
