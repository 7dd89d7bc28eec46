// The request that the running code works for, so that what it waits for ends when nobody waits for its answer.
import { AsyncLocalStorage } from 'node:async_hooks'

export interface ActiveRequest {
  /** Aborts when its client is gone or was cut off. */
  readonly abandoned: AbortSignal
  /** It may have to read a lot, unlike a request for what has an id or a name. */
  readonly searches: boolean
}

const storage = new AsyncLocalStorage<ActiveRequest | undefined>()
let active = 0

export function beginRequest(request: ActiveRequest): ActiveRequest {
  active++
  return request
}

/** Call it when the request's work is done, too: following it costs every promise of the process (Node.js before 24). */
export function endRequest(): void {
  active--
  if (active === 0) storage.disable()
}

/** Runs the work, and all that it begins, for the request. */
export const runFor = <T>(request: ActiveRequest, work: () => T): T => storage.run(request, work)

/** Runs work that several requests share, or that goes on behind them: it ends with none of them. */
export const runForAll = <T>(work: () => T): T => (active === 0 ? work() : storage.run(undefined, work))

export const activeRequest = (): ActiveRequest | undefined => (active === 0 ? undefined : storage.getStore())
