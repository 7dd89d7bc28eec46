// Ids made without coordination: run ids, logged model ids and experiment ids.
import { createHash, randomBytes, randomUUID } from 'node:crypto'

/** The clock and randomness that ids and timestamps come from; tests may bring their own. */
export interface Clock {
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** A run id: UUIDv7 (RFC 9562) as 32 hex digits, so that its creation time follows from the id alone. */
export function newRunId(nowMs: number): string {
  // Random digits of a UUIDv4, which Node.js makes many of at a time; their variant is the same.
  const random = randomUUID().replaceAll('-', '')
  return `${nowMs.toString(16).padStart(12, '0')}7${random.slice(13)}`
}

/** An id made as run ids are that sorts behind another one, whatever clock that came from. */
export function newIdAfter(id: string, nowMs: number): string {
  const made = newRunId(nowMs)
  return made > id ? made : newRunId(Number.parseInt(id.slice(0, 12), 16) + 1)
}

const OTHER_MONTH = '1970-01'

/** The month (YYYY-MM, UTC) in which a UUIDv7 was made; ids of another make share one bucket. */
export function monthOf(runId: string): string {
  if (!/^[0-9a-f]{12}7[0-9a-f]{19}$/.test(runId)) return OTHER_MONTH
  return new Date(Number.parseInt(runId.slice(0, 12), 16)).toISOString().slice(0, 7)
}

/** A logged model id, shaped as MLflow's: `m-` and 32 hex digits. */
export const newModelId = (): string => `m-${randomUUID().replaceAll('-', '')}`

/**
 * Makes experiment ids: 18 digits from milliseconds, a counter and a random node number, so that two servers
 * practically never meet; the name claim settles the case that they do.
 */
export function createExperimentIds(clock: Clock): () => string {
  const node = randomBytes(2).readUInt16BE() % 100
  let last = 0
  let counter = 0
  return () => {
    const now = Math.max(clock.now(), last)
    counter = now === last ? counter + 1 : 0
    last = counter > 999 ? now + 1 : now
    if (counter > 999) counter = 0
    // 13 digits of milliseconds, 3 of counter, 2 of node.
    return `${last}${String(counter).padStart(3, '0')}${String(node).padStart(2, '0')}`
  }
}

/** Hex digits that follow from a text: the first of its SHA-256, 32 of them (128 bits) unless told otherwise. */
export const hashOf = (text: string, digits = 32): string =>
  createHash('sha256').update(text).digest('hex').slice(0, digits)

/** The id of a dataset: the same for the same experiment, name and digest, whoever logs it. */
export const datasetIdOf = (experimentId: string, name: string, digest: string): string =>
  hashOf(JSON.stringify([experimentId, name, digest]))

/** What identifies a param, a tag or a metric. */
export const idOf = ({ runId, key }: { runId: string; key: string }) => `${runId}\0${key}`

/** The same of a row as the database answers it. */
export const storedIdOf = (row: Record<string, unknown>) =>
  idOf({ runId: `${row.run_id}`, key: `${row.key}` })
