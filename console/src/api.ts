// Requests to the server's own REST API about retention, and the errors that it answers. The messages are declared by the server alone.
import type { z } from 'zod'
import type * as schema from '../../src/lifecycle/retention/schema.ts'

export type Policy = schema.Policy
export type PolicyDefinition = schema.PolicyDefinition
export type Execution = schema.Execution
export type Finding = schema.Finding
export type Plan = schema.Planned
export type AuditEntry = schema.AuditEntry
export type Overview = z.infer<typeof schema.OverviewWire>
export type ExecutionAnswer = z.infer<typeof schema.ExecutionAnswerWire>

/** Where the console lies, such as `/crateflow` or `/team/crateflow`. */
export const BASE = new URL(document.baseURI).pathname.replace(/\/$/, '')
const API = new URL('../ajax-api/crateflow/1.0/retention/', document.baseURI)

/** What the server refused, in its words. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  /** The field that the text speaks of. */
  readonly field: string | undefined

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
    this.field = /(?:parameter|of) '(\w+)'/.exec(message)?.[1]
  }
}

type Query = Record<string, string | number | undefined>

export const api = {
  get: <T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> => {
    const url = new URL(path, API)
    for (const [name, value] of Object.entries(query))
      if (value !== undefined && value !== '') url.searchParams.set(name, String(value))
    return send<T>(url, { signal: signal ?? null })
  },
  post: <T>(path: string, body: object): Promise<T> =>
    send<T>(new URL(path, API), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
}

async function send<T>(url: URL, init: RequestInit): Promise<T> {
  const answer = await fetch(url, init).catch((error: unknown) => {
    if (init.signal?.aborted) throw error
    throw new ApiError(503, 'UNREACHABLE', 'The server does not answer.')
  })
  if (answer.ok) return (await answer.json()) as T
  const text = await answer.text()
  throw errorOf(answer.status, text)
}

/** Proxies in front answer in words of their own. */
function errorOf(status: number, text: string): ApiError {
  try {
    const { error_code, message } = JSON.parse(text) as { error_code?: string; message?: string }
    if (message) return new ApiError(status, error_code ?? '', message)
  } catch {
    // No message of the server.
  }
  const plain = text.includes('<') ? '' : text.trim().slice(0, 300)
  return new ApiError(status, '', plain || `The server answered with status ${status}.`)
}
