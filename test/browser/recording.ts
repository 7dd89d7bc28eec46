// A recording of what the UI asks: requests whose ids and times are put in when they are sent to another server.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { shapeOf } from './answer-shape.ts'
import type { Exchange } from './recorder.ts'

/** Ids and times of `path` and `body` are references: `$(seed/…)`, `$(<number of an earlier request>/…)`, `$(now-60m)`. */
export interface RecordedExchange {
  method: string
  /** With its query. */
  path: string
  body?: string
  status: number
  /** Of the JSON that stock answered; else its content type. */
  shape: string
}

/** The recording of the GenAI pages over the data of seed_genai.py. */
export const GENAI_PAGES = join(import.meta.dirname, 'recorded-genai-requests.json')

/** What references lead to: the seed's ids by `seed`, answers by the number of their request. */
export type Sources = Map<string, unknown>

const MINUTE_MS = 60_000
/** Of experiments; of runs, traces, spans, datasets, assessments and the like. What stands before may be an encoded comma of a query. */
const ID =
  /(?:(?<![\w-])|(?<=%[0-9A-F]{2}))(?:\d{6,9}|(?:[a-z]{1,4}-)?[0-9a-f]{16}(?:[0-9a-f]{16})?|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![\w-])/g
const TIME_MS = /(?<![\w.-])1\d{12}(?![\w.-])/g
const REFERENCE = /\$\((.*?)\)/g

/** Writes what the UI asked of a server with the seeded data, one exchange a line, and answers how many there are. */
export async function writeRecording(
  file: string,
  exchanges: readonly Exchange[],
  seed: unknown,
): Promise<number> {
  const recorded = toRecording(exchanges, seed)
  await writeFile(file, `[\n${recorded.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`)
  return recorded.length
}

export const readRecording = async (file: string): Promise<RecordedExchange[]> =>
  JSON.parse(await readFile(file, 'utf8'))

/**
 * One exchange of each kind, in their order: another one is kept when it was answered in another shape or with new ids.
 * What was read while something was written is left out: it may have been answered before or after that.
 */
function toRecording(exchanges: readonly Exchange[], seed: unknown): RecordedExchange[] {
  const references = new Map<string, string>()
  const pageTokens = new Map<string, string>()
  collect(seed, 'seed', references, pageTokens)
  const recorded: RecordedExchange[] = []
  const known = new Set<string>()
  const writes = exchanges.filter((one) => !isReading(one))
  const isSettled = (one: Exchange) =>
    !isReading(one) || !writes.some((write) => write.atMs <= one.endMs && one.atMs <= write.endMs)
  for (const exchange of exchanges.filter(isSettled)) {
    const withReferences = (text: string) => {
      let changed = text.replace(ID, (id) => (references.has(id) ? `$(${references.get(id)})` : id))
      for (const [token, reference] of pageTokens)
        for (const spelled of [token, encodeURIComponent(token)])
          changed = changed.replaceAll(spelled, `$(${reference})`)
      return changed.replace(TIME_MS, (time) => timeReference(Number(time) - exchange.atMs))
    }
    const { answer, shape } = read(exchange)
    const { method, status, body } = exchange
    const entry = {
      ...{ method, path: withReferences(exchange.path) },
      ...(body && { body: withReferences(body) }),
      ...{ status, shape },
    }
    const isNew = collect(answer, String(recorded.length), references, pageTokens)
    const text = JSON.stringify(entry)
    if (known.has(text) && !isNew) continue
    known.add(text)
    recorded.push(entry)
  }
  return recorded
}

const isReading = ({ method, path }: Exchange): boolean =>
  method === 'GET' ||
  (method === 'POST' && /\/(?:graphql|metrics|search[\w-]*|ui-telemetry)(?:\?|$)/.test(path))

/** Adds a reference for every id and page token of the value that has none yet; false when there was none to add. */
function collect(
  value: unknown,
  path: string,
  ids: Map<string, string>,
  pageTokens: Map<string, string>,
): boolean {
  if (typeof value === 'object' && value !== null) {
    const items = Object.entries(value).map(([key, item]) => collect(item, `${path}/${key}`, ids, pageTokens))
    return items.includes(true)
  }
  if (typeof value !== 'string' || /[()]/.test(path)) return false
  const isToken = path.endsWith('/next_page_token') && value.length > 8
  const isId = value.match(ID)?.[0] === value
  const references = isToken ? pageTokens : ids
  if (!(isToken || isId) || references.has(value)) return false
  references.set(value, path)
  return true
}

function timeReference(offsetMs: number): string {
  const minutes = Math.round(offsetMs / MINUTE_MS)
  return `$(now${minutes < 0 ? '' : '+'}${minutes}m)`
}

/** The path or body with what its references lead to. */
export function resolve(text: string, sources: Sources, nowMs: number): string {
  return text.replace(REFERENCE, (_, reference: string) => {
    const minutes = /^now([+-]\d+)m$/.exec(reference)?.[1]
    if (minutes) return String(nowMs + Number(minutes) * MINUTE_MS)
    const [source = '', ...keys] = reference.split('/')
    const found = keys.reduce<unknown>(
      (value, key) => (value as Record<string, unknown> | undefined)?.[key],
      sources.get(source),
    )
    return typeof found === 'string' ? found : `no-${reference}`
  })
}

/** The decoded answer and its shape. */
export function read({ contentType, answer }: Pick<Exchange, 'contentType' | 'answer'>): {
  answer: unknown
  shape: string
} {
  try {
    const decoded: unknown = JSON.parse(answer)
    return { answer: decoded, shape: shapeOf(decoded) }
  } catch {
    return { answer: undefined, shape: contentType }
  }
}
