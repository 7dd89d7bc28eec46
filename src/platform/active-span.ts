// The span of a trace that the running code works for, so that what a request waits for is told with it. Without tracing there is none.
import { AsyncLocalStorage } from 'node:async_hooks'

export type SpanAttributes = Record<string, string | number | boolean>

/** Something that a request waits for: a statement, a file. */
export interface OpenSpan {
  /** @param failure what kind of error ended it; never its text, which may hold values */
  end(failure?: string, attributes?: SpanAttributes): void
}

/** The span of a request. */
export interface ActiveSpan {
  /**
   * Begins a span below it; undefined when the request has ended.
   * @param kind `client` for what another program does
   */
  begin(name: string, kind: 'client' | 'internal', attributes: SpanAttributes): OpenSpan | undefined
}

/** Whoever tells of requests. */
export interface Tracing {
  /** Begins the span of a request; undefined for one that the sampler leaves out. */
  beginRequest(request: {
    name: string
    attributes: SpanAttributes
    /** Those that name the client's own span. */
    headers: Record<string, string | string[] | undefined>
  }): (ActiveSpan & OpenSpan) | undefined
  /** Sends what is left, as far as that is done in time. */
  close(): Promise<void>
}

const storage = new AsyncLocalStorage<ActiveSpan | undefined>()
let open = 0

/** Call it for each span of a request that begins, and `endSpan` when the request has ended. */
export function beginSpan(): void {
  open++
}

/** Following spans costs every promise of the process (Node.js before 24), hence none is followed where there is none. */
export function endSpan(): void {
  open--
  if (open === 0) storage.disable()
}

/** Runs work, and all that it begins, for the span; without one, for none. */
export const runInSpan = <T>(span: ActiveSpan | undefined, work: () => T): T =>
  open === 0 ? work() : storage.run(span, work)

export const activeSpan = (): ActiveSpan | undefined => (open === 0 ? undefined : storage.getStore())

/** The answer as it is; the span, begun before what answers, ends with it. */
export function inSpan<T>(
  span: OpenSpan | undefined,
  answer: Promise<T>,
  tell: (answer: T) => SpanAttributes = () => ({}),
): Promise<T> {
  if (span)
    answer.then(
      (value) => span.end(undefined, tell(value)),
      (error) => span.end(failureOf(error)),
    )
  return answer
}

/** What kind of error it is: MLflow's code, that of the driver, or the name of its class. */
function failureOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown }
  return typeof code === 'string' && code !== '' ? code : String(name ?? 'Error')
}
