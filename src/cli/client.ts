// How commands ask a running server.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientConfig } from '../config.ts'
import { reasonOf } from '../errors.ts'

const TIMEOUT_MS = 60_000
/** Waits before a request is repeated that failed for the moment, or whose answer was lost. */
const REPEAT_AFTER_MS = [500, 2000]
const BUSY = [429, 502, 503, 504]

export interface JsonRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Behind the server's URL, with its query, such as `api/2.0/mlflow/runs/get?run_id=1`. */
  path: string
  body?: object
  /** What an answer may take. */
  timeoutMs?: number
}

/**
 * Sends a request that may be repeated, and answers the JSON that comes back.
 * @throws Error with the server's text, or why there is none
 */
export async function askServer<Answer>(config: ClientConfig, request: JsonRequest): Promise<Answer> {
  const { method, body, timeoutMs = TIMEOUT_MS } = request
  const { url, headers } = addressOf(config, request.path)
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) }
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
    const body = JSON.parse(text) as Answer & { error_code?: string; message?: string }
    if (response.ok) return body
    if (body.message && body.error_code !== 'ENDPOINT_NOT_FOUND') throw new Error(body.message)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new Error(`${server} answered with status ${response.status}: is it a Crateflow server?`)
}

/** `fetch` takes no user and password in a URL. */
function addressOf({ trackingUri, username, password, token }: ClientConfig, path: string) {
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
