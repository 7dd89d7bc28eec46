// Sends one client's requests to one of several servers and records each as an operation.
import { Agent, request as httpRequest } from 'node:http'
import type { ExperimentView, Operation, Outcome, Point, Read, RunView, Write } from './events.ts'

export const API = '/api/2.0/mlflow'
/** The tag that tells which operation created a run. */
export const MARK_TAG = 'history.mark'

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, whose fields the callers name
export type Body = any

export interface Answer {
  /** 0 when there was none. */
  status: number
  body: Body
}

/** What an operation is, before it is sent. */
export interface Intent {
  kind: string
  method?: 'GET' | 'POST'
  /** The whole path, where it is not the kind below the API. */
  path?: string
  /** What is sent in place of the input. */
  bytes?: { headers: Record<string, string>; payload: Buffer }
  /** Query of a GET, body of a POST. */
  input: Record<string, unknown>
  writes?: Write[]
  /** What the answer shows; may complete the writes with ids. */
  reads?: (body: Body, writes: Write[]) => Read[]
  /** What a refusal shows; undefined when it is not a reason that MLflow knows. */
  refusal?: (code: string, message: string) => Read[] | undefined
  /** A refusal may come after a part was written. */
  partial?: boolean
}

export interface Requester {
  send: (server: number, intent: Intent) => Promise<Answer>
  close: () => void
}

export interface RequesterOptions {
  client: number
  servers: readonly string[]
  tick: () => number
  history: Operation[]
  /** How often each HTTP status came, 0 for no answer. */
  statuses: Map<number, number>
  timeoutMs: number
}

/** Connections of its own, one request at a time. */
export function createRequester({
  client,
  servers,
  tick,
  history,
  statuses,
  timeoutMs,
}: RequesterOptions): Requester {
  const agent = new Agent({ keepAlive: true, timeout: timeoutMs })
  return {
    close: () => agent.destroy(),
    async send(server, intent) {
      const writes = intent.writes ?? []
      const invoked = tick()
      const answer = await exchange(agent, servers[server] as string, intent, timeoutMs)
      const judged = judge(intent, answer, writes)
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      history.push({
        client,
        server,
        kind: intent.kind,
        invoked,
        returned: tick(),
        status: answer.status,
        writes,
        ...judged,
      })
      return answer
    },
  }
}

function judge(
  intent: Intent,
  { status, body }: Answer,
  writes: Write[],
): Pick<Operation, 'outcome' | 'reads' | 'unexplained'> {
  if (status === 200) return { outcome: 'ok', reads: intent.reads?.(body, writes) ?? [] }
  if (status === 0 || status === 429 || status === 503) return { outcome: 'unknown', reads: [] }
  const reads = intent.refusal?.(String(body?.error_code), String(body?.message))
  const outcome: Outcome = reads && !intent.partial ? 'refused' : 'unknown'
  return { outcome, reads: reads ?? [], ...(!reads && { unexplained: JSON.stringify(body).slice(0, 300) }) }
}

/** Answers status 0 when the connection breaks or nothing comes in time. */
function exchange(
  agent: Agent,
  url: string,
  { kind, method, path = `${API}/${kind}`, input, bytes }: Intent,
  timeoutMs: number,
): Promise<Answer> {
  return new Promise((resolve) => {
    const isGet = method === 'GET'
    const query = isGet ? `?${new URLSearchParams(input as Record<string, string>)}` : ''
    const headers = bytes?.headers ?? { 'content-type': 'application/json' }
    const none = () => resolve({ status: 0, body: undefined })
    const signal = AbortSignal.timeout(timeoutMs)
    const sent = httpRequest(`${url}${path}${query}`, {
      agent,
      method: method ?? 'POST',
      headers,
      signal,
    })
    sent.on('error', none)
    sent.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', none)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: parse(text) }))
    })
    sent.end(isGet ? undefined : (bytes?.payload ?? JSON.stringify(input)))
  })
}

function parse(text: string): Body {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

type Pairs = { key: string; value: string }[]
const pairs = (list: Pairs = []) => list.map(({ key, value }): [string, string] => [key, value])
const OWN_TAGS = new Set([MARK_TAG, 'mlflow.runName'])

/** A run of an answer as the checker takes it. */
export const viewRun = ({ info, data }: Body): RunView => ({
  id: info.run_id,
  mark: (data.tags as Pairs | undefined)?.find(({ key }) => key === MARK_TAG)?.value,
  lifecycle: info.lifecycle_stage,
  end: `${info.status} ${info.end_time ?? ''}`,
  params: pairs(data.params),
  tags: pairs(data.tags).filter(([key]) => !OWN_TAGS.has(key)),
  latest: ((data.metrics ?? []) as ({ key: string } & Point)[]).map(({ key, ...point }) => [
    key,
    viewPoint(point),
  ]),
})

export const viewPoint = ({ step, timestamp, value }: Point): Point => ({
  step: Number(step),
  timestamp: Number(timestamp),
  value: Number(value),
})

export const viewExperiment = (experiment: Body): ExperimentView => ({
  id: experiment.experiment_id,
  name: experiment.name,
  lifecycle: experiment.lifecycle_stage,
  tags: pairs(experiment.tags),
})
