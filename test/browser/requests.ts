// What the web UI asks of a server while tests click through it.
import type { BrowserContext, Response } from 'playwright-core'

/** One kind of request: ids in the path are replaced, the query is left out. */
export interface RecordedRequest {
  method: string
  path: string
  /** Name of the GraphQL operation. */
  operation?: string
  /** Every HTTP status that it was answered with. */
  statuses: number[]
}

export interface RequestLog {
  /** Sorted by path, method and operation. */
  requests: () => RecordedRequest[]
  /** Addresses of other servers that pages asked for. */
  foreign: () => string[]
}

/** Runs, logged models, experiments and datasets. */
const ID = /^(?:(?:m|d|tr)-)?[0-9a-f]{32}$|^\d{5,}$/

/** Listens to all pages of the context, from now on. Files of the UI itself are left out. */
export function recordRequests(context: BrowserContext, baseUrl: string): RequestLog {
  const kinds = new Map<string, RecordedRequest>()
  const foreign = new Set<string>()
  context.on('request', (request) => {
    const known = ['data:', 'blob:', baseUrl].some((start) => request.url().startsWith(start))
    if (!known) foreign.add(request.url())
  })
  context.on('response', (response) => {
    if (!response.url().startsWith(baseUrl)) return
    const { statuses, ...kind } = describe(response, baseUrl)
    if (kind.path.startsWith('/static-files/')) return
    const seen = kinds.get(nameOf(kind)) ?? { ...kind, statuses: [] }
    seen.statuses = [...new Set([...seen.statuses, ...statuses])].sort()
    kinds.set(nameOf(kind), seen)
  })
  return {
    requests: () => [...kinds.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, kind]) => kind),
    foreign: () => [...foreign],
  }
}

/** `/path METHOD operation`, the same for the same kind of request. */
export const nameOf = (kind: Omit<RecordedRequest, 'statuses'>): string =>
  [kind.path, kind.method, kind.operation].filter(Boolean).join(' ')

function describe(response: Response, baseUrl: string): RecordedRequest {
  const request = response.request()
  const path = new URL(response.url()).pathname.slice(new URL(baseUrl).pathname.length - 1)
  const kind: RecordedRequest = {
    method: request.method(),
    path: path
      .split('/')
      .map((part) => (ID.test(part) ? '{id}' : part))
      .join('/'),
    statuses: [response.status()],
  }
  const body = path === '/graphql' ? request.postDataJSON() : undefined
  return body ? { ...kind, operation: String(body.operationName) } : kind
}
