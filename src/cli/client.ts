// One JSON request to a running server, for the commands that ask one.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientConfig } from '../client-config.ts'
import { reasonOf } from '../errors.ts'
import { parseJson, stringify } from '../platform/wire/int64.ts'

const TIMEOUT_MS = 60_000
/** Waits before a request is repeated that failed for the moment, or whose answer was lost. */
const REPEAT_AFTER_MS = [500, 2000]
const BUSY = [429, 502, 503, 504]

export interface ServerRequest {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below the tracking URI, such as `api/2.0/mlflow/runs/search`. */
  path: string
  /** Sent as JSON. */
  body?: unknown
  /** What an answer may take. */
  timeoutMs?: number
}

/** The server's own words for why it did not do what it was asked. */
export class RefusedRequest extends Error {
  /** MLflow's code, such as RESOURCE_DOES_NOT_EXIST. */
  readonly code: string | undefined

  constructor(message: string, code: string | undefined) {
    super(message)
    this.code = code
  }
}

/**
 * Sends a request that may be repeated, as stock clients do: thrice when the server is busy or away.
 * @returns the answer; integers beyond 2^53 are bigints
 * @throws RefusedRequest with the server's text, or Error that says why there is no answer
 */
export async function askServer<Answer>(config: ClientConfig, request: ServerRequest): Promise<Answer> {
  const { url, headers } = addressOf(config, request.path)
  const { method = 'GET', body, timeoutMs = TIMEOUT_MS } = request
  const init = { method, headers, ...(body !== undefined && { body: stringify(body) }) }
  for (let attempt = 0; ; attempt++) {
    const pause = REPEAT_AFTER_MS[attempt]
    const signal = AbortSignal.timeout(timeoutMs)
    const response = await fetch(url, { ...init, signal }).catch((error: unknown) => {
      if (pause !== undefined) return undefined
      const cause = error instanceof Error ? (error.cause ?? error) : error
      throw new Error(
        `${config.trackingUri} cannot be reached: ${reasonOf(cause)}. Name the server with --tracking-uri or MLFLOW_TRACKING_URI.`,
      )
    })
    if (response && (pause === undefined || !BUSY.includes(response.status))) {
      return readAnswer(response, config.trackingUri)
    }
    await sleep(pause)
  }
}

async function readAnswer<Answer>(response: Response, server: string): Promise<Answer> {
  const text = await response.text()
  try {
    const body = parseJson(text) as Answer & { error_code?: string; message?: string }
    if (response.ok) return body
    if (body.message && body.error_code !== 'ENDPOINT_NOT_FOUND')
      throw new RefusedRequest(body.message, body.error_code)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new Error(`${server} answered with status ${response.status}: is it a Crateflow server?`)
}

/** Where a path of the server is, and who asks. `fetch` takes no user and password in a URL. */
export function addressOf({ trackingUri, username, password, token }: ClientConfig, path: string) {
  const url = new URL(`${trackingUri.replace(/\/+$/, '')}/${path}`)
  const user = username ?? decodeURIComponent(url.username)
  const secret = password ?? decodeURIComponent(url.password)
  url.username = ''
  url.password = ''
  const basic = user && `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`
  const authorization = token ? `Bearer ${token}` : basic
  const headers = { 'content-type': 'application/json', ...(authorization && { authorization }) }
  return { url, headers }
}
