// What a differential case is, and how it is driven against stock MLflow and against this server.
import { expect } from 'vitest'
import { compare, type Difference, MUST_MATCH, type Shape } from '../support/compare.ts'
import type { HttpAnswer } from '../support/http.ts'
import { EVERYWHERE, KNOWN_DIFFERENCES } from './known-differences.ts'
import { ERROR, responseShape } from './shapes.ts'

/**
 * One request. In `path` and `body`, `<name>` stands for a value saved by an earlier step, `<case>` for a text
 * that no other case uses, `<hex>` for eight such digits, which are the same on both sides. Saved values read as `<name>` in the answers, so that ids of the two sides compare.
 */
export interface Step {
  method: string
  path: string
  body?: unknown
  /** Name to path in the answer, such as `run.info.run_id`; what is saved must be there. */
  save?: Record<string, string>
  /** The answer differs in a way that we know and want: its name in KNOWN_DIFFERENCES. */
  known?: string
  /** Replaces the endpoint's field policy. */
  shape?: Shape
}

export interface Case {
  /** A sentence about behaviour. */
  title: string
  steps: Step[]
}

export interface Side {
  request: (method: string, path: string, body?: unknown) => Promise<HttpAnswer>
}

const API = '/api/2.0/mlflow/'
type Options = Omit<Step, 'method' | 'path' | 'body'>

/** Paths are below /api/2.0/mlflow/ unless they start with a slash. */
const absolute = (path: string) => (path.startsWith('/') ? path : API + path)

export const get = (
  path: string,
  query: Record<string, string | string[]> = {},
  options: Options = {},
): Step => {
  const pairs = Object.entries(query).flatMap(([key, value]) => [value].flat().map((one) => [key, one]))
  // Placeholders stay readable in the query; values are escaped when the step is sent.
  const search = pairs.map(([key, value]) => `${key}=${escapeQuery(value ?? '')}`).join('&')
  return { method: 'GET', path: absolute(path) + (search && `?${search}`), ...options }
}
export const post = (path: string, body?: unknown, options: Options = {}): Step => ({
  method: 'POST',
  path: absolute(path),
  body,
  ...options,
})
export const send = (method: string, path: string, body?: unknown, options: Options = {}): Step => ({
  method,
  path: absolute(path),
  body,
  ...options,
})

/** Marks a step whose answer differs in a way that KNOWN_DIFFERENCES names. */
export const known = (name: string, step: Step): Step => ({ ...step, known: name })

/** A step with a field that protobuf cannot read; stock may go on with half of the message, in a state of its own. */
export const unreadable = (step: Step): Step => known('unreadable field refused', step)

const escapeQuery = (value: string) => encodeURIComponent(value).replace(/%3C(\w+)%3E/g, '<$1>')

export const createExperiment = (name: string, body: object = {}): Step =>
  post('experiments/create', { name: `<case>-${name}`, ...body }, { save: { [name]: 'experiment_id' } })

export const createRun = (name: string, experiment: string, body: object = {}): Step =>
  post(
    'runs/create',
    {
      experiment_id: `<${experiment}>`,
      run_name: name,
      user_id: 'someone',
      start_time: 1_700_000_000_000,
      ...body,
    },
    { save: { [name]: 'run.info.run_id' } },
  )

/** Drives both sides through the steps and expects the same answers, but for what is known to differ. */
export async function expectSameAnswers({ steps }: Case, stock: Side, ours: Side): Promise<void> {
  const hex = crypto.randomUUID().slice(0, 8)
  const [stockSide, ourSide] = [createPlayer(stock, hex), createPlayer(ours, hex)]
  const problems: string[] = []
  for (const step of steps) {
    const [a, b] = [await stockSide(step), await ourSide(step)]
    problems.push(...judge(step, a, b))
  }
  expect(problems.join('\n\n')).toBe('')
}

function judge(step: Step, stock: HttpAnswer, ours: HttpAnswer): string[] {
  const differences = compareAnswers(step, stock, ours)
  if (step.known) {
    if (differences.length === 0)
      return [report(step, stock, ours, `does not differ any more: ${step.known}`)]
    if (KNOWN_DIFFERENCES[step.known]?.accepts(stock, ours)) return []
    return [report(step, stock, ours, `is not the known difference: ${step.known}`)]
  }
  if (differences.length === 0 || EVERYWHERE.some(({ accepts }) => accepts(stock, ours))) return []
  return [report(step, stock, ours, stock.status === ours.status ? describe(differences) : 'status')]
}

const describe = (differences: Difference[]) =>
  differences
    .slice(0, 3)
    .map(
      ({ path, why, stock, ours }) =>
        `${path || 'body'} (${why}): ${short(stock, 200)} / ${short(ours, 200)}`,
    )
    .join('\n  ')

const report = ({ method, path, body }: Step, stock: HttpAnswer, ours: HttpAnswer, what: string) =>
  `${method} ${path} ${short(body, 500)}\n  ${what}\n  stock ${stock.status} ${short(stock.body, 350)}\n  ours  ${ours.status} ${short(ours.body, 350)}`

const short = (value: unknown, length: number) =>
  (JSON.stringify(value) ?? '').replace(/x{30,}/g, (long) => `x*${long.length}`).slice(0, length)

function compareAnswers(step: Step, stock: HttpAnswer, ours: HttpAnswer): Difference[] {
  const shape = stock.status < 400 ? (step.shape ?? responseShape(step.method, step.path)) : ERROR
  return [
    ...compare(MUST_MATCH, stock.status, ours.status, 'status'),
    ...compare(MUST_MATCH, stock.contentType, ours.contentType, 'content type'),
    ...compare(typeof stock.body === 'object' ? shape : MUST_MATCH, stock.body, ours.body),
  ]
}

/** Sends steps to one side with that side's values for the placeholders. */
function createPlayer(side: Side, hex: string): (step: Step) => Promise<HttpAnswer> {
  const values = new Map<string, string>([['case', `c${crypto.randomUUID().slice(0, 8)}`]])
  const fill = (text: string) =>
    text.replace(/<(\w+)>/g, (placeholder, name: string) =>
      name === 'hex' ? hex : (values.get(name) ?? placeholder),
    )
  let count = 0
  return async (step) => {
    count++
    const body = step.body === undefined ? undefined : JSON.parse(fill(JSON.stringify(step.body)))
    const answer = await side.request(step.method, fill(step.path), body)
    for (const [name, path] of Object.entries(step.save ?? {})) {
      const value = valueAt(answer.body, path)
      if (typeof value !== 'string') {
        throw new Error(`${step.path} answers no ${path}: ${JSON.stringify(answer)}`)
      }
      values.set(name, value)
    }
    for (const path of IDS) {
      const value = valueAt(answer.body, path)
      const isNew = typeof value === 'string' && ![...values.values()].includes(value)
      if (isNew) values.set(`new${count}`, value)
    }
    return { ...answer, body: replaceValues(answer.body, values) }
  }
}

/** Where answers hold the id of what was made. */
const IDS = [
  'experiment_id',
  'run.info.run_id',
  'model.info.model_id',
  'webhook.webhook_id',
  'scorer_id',
  'config.online_scoring_config_id',
  'label_schema.schema_id',
  'label_schemas.0.schema_id',
  'review_queue.queue_id',
  'issue.issue_id',
  'dataset.dataset_id',
]

/** The value at a path, which may lead into a text of JSON. */
const valueAt = (body: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((at, key) => {
    const value = typeof at === 'string' && /^[[{]/.test(at) ? JSON.parse(at) : at
    return (value as Record<string, unknown> | null)?.[key]
  }, body)

/** Puts `<name>` wherever a saved value stands on its own in a text. */
function replaceValues(body: unknown, values: Map<string, string>): unknown {
  if (typeof body === 'string') {
    let text = body
    for (const [name, value] of values) {
      text = text.replace(new RegExp(`(?<![\\w.])${escapeRegExp(value)}(?!\\w)`, 'g'), `<${name}>`)
    }
    return text.replace(PYTHON_SET, sortSet)
  }
  if (Array.isArray(body)) return body.map((item) => replaceValues(item, values))
  if (body === null || typeof body !== 'object') return body
  return Object.fromEntries(Object.entries(body).map(([key, value]) => [key, replaceValues(value, values)]))
}

/** Python prints sets in an order that changes with every process. */
const PYTHON_SET = /\{'[^'{}]*'(?:, '[^'{}]*')*\}/g
const sortSet = (text: string) => `{${text.slice(1, -1).split(', ').sort().join(', ')}}`

const escapeRegExp = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
