// Requests to a running MLflow server.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseJson } from '../../platform/wire/int64.ts'

export interface Rest {
  get<Answer>(path: string): Promise<Answer>
  post<Answer>(path: string, body: unknown): Promise<Answer>
  /** The answer as it comes. @throws RestError */
  fetch(path: string): Promise<Response>
}

/** The server refused. */
export class RestError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Credentials for a proxy, by the names of the stock client. */
export interface RestCredentials {
  username?: string | undefined
  password?: string | undefined
  token?: string | undefined
}

/** Tries of a request that a server is too busy for, or away. */
const ATTEMPTS = 6
const FIRST_PAUSE_MS = 250

export function createRest(server: string, credentials: RestCredentials = {}): Rest {
  const base = server.replace(/\/+$/, '')
  const { username, password = '', token } = credentials
  const authorization = token
    ? `Bearer ${token}`
    : username && `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

  async function send(path: string, body?: unknown): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(base + path, {
        ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(authorization && { authorization }),
        },
      }).catch((error: Error) => error)
      if (!(response instanceof Error) && response.ok) return response
      const isBusy = response instanceof Error || [429, 502, 503, 504].includes(response.status)
      if (!isBusy || attempt === ATTEMPTS) throw await failure(path, response)
      await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1))
    }
  }

  async function failure(path: string, response: Response | Error): Promise<Error> {
    const place = path.split('?')[0]
    if (response instanceof Error)
      return new Error(
        `${base} does not answer: ${(response.cause as Error | undefined)?.message ?? response.message}`,
      )
    const text = (await response.text()).slice(0, 300)
    return new RestError(response.status, `${base}${place} answers ${response.status}: ${text}`)
  }

  const read = async <Answer>(response: Response) => parseJson(await response.text()) as Answer
  return {
    get: async (path) => read(await send(path)),
    post: async (path, body) => read(await send(path, body)),
    fetch: send,
  }
}
