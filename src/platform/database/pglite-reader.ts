// SQL of people on the embedded database: each piece of work is one exchange with its thread, in a read-only transaction of a role that
// may do little. Nothing of it outlives the exchange but cursors, whose rows PostgreSQL has written aside by then.
import { setTimeout as sleep } from 'node:timers/promises'
import { serialize } from 'pg-protocol'
import { cancelled, invalidParameter } from '../../errors.ts'
import { limitConcurrency, SEARCH_WAIT_MS } from '../concurrency.ts'
import { type Frame, framesOf, sectionsOf } from './pglite-frames.ts'
import type { PgliteThread } from './pglite-thread.ts'
import { HIDDEN_TABLES, type SqlText, VOLATILE_FUNCTIONS } from './sql-text.ts'

/** Who asks: reads the tables and views of the schema, but for what is nobody's business. */
export const READER = 'crateflow_reader'
/** What a statement may write aside while it sorts, joins or keeps its rows for later. */
const TEMPORARY_FILES = '512MB'
/** Bytes of memory beyond which no statement may make the database grow: PostgreSQL limits sorts and joins, but no single value. */
const MEMORY = 1024 ** 3
/**
 * After a statement that took longer than the first, others have the database for as long, but no longer than the second, in
 * milliseconds: a write needs several exchanges in turn, and would wait for a statement before each of them.
 */
const [REST_AFTER_MS, LONGEST_REST_MS] = [50, 1_000]
/** Milliseconds between two looks at the memory while a statement runs. */
const LOOK_AGAIN_MS = 10

export interface ReaderLimits {
  limitMs: number
  signal: AbortSignal
}

/** By the names of settings what a client has set them to. */
export type SessionSettings = ReadonlyMap<string, string>

export interface PgliteReader {
  /**
   * Runs messages, which end with a Sync, in a transaction of their own; one exchange of all readers at a time. The sections of the
   * answer, one for each Sync or Query, and that of the commit.
   */
  transact(messages: readonly Buffer[], limits: ReaderLimits, settings?: SessionSettings): Promise<Frame[][]>
  /** Runs messages, which end with a Sync, without a transaction: for cursors, which outlive theirs. */
  exchange(messages: readonly Buffer[], limits: ReaderLimits): Promise<Frame[][]>
  /** Names of functions that a statement must not call; see sql-text.ts. */
  volatileFunctions(limits: ReaderLimits): Promise<ReadonlySet<string>>
  /** A name that no other cursor has. */
  newCursor(): string
}

/** What a statement becomes whose rows are fetched by and by. */
export const declareCursor = (cursor: string, { text }: SqlText): string =>
  `DECLARE ${cursor} NO SCROLL CURSOR WITH HOLD FOR ${text}`

/** @param thread the database's thread, of which there is another one after it died */
export function createPgliteReader(thread: () => Promise<PgliteThread>, schema: string): PgliteReader {
  const prepared = new WeakMap<PgliteThread, Promise<ReadonlySet<string>>>()
  const inTurn = limitConcurrency(1)
  let restsUntil = 0
  let cursors = 0

  async function send(on: PgliteThread, messages: readonly Buffer[], limits: ReaderLimits) {
    const bytes = await on.exchange(messages, limits)
    return sectionsOf(framesOf(bytes))
  }

  /** Makes the role and gives it its rights, as tables may be new. Never ended half way by the limits of whoever happens to be first. */
  async function prepare(on: PgliteThread): Promise<ReadonlySet<string>> {
    const limits = { limitMs: 0, signal: new AbortController().signal }
    async function run(text: string): Promise<string[]> {
      const frames = (await send(on, [serialize.query(text)], limits)).flat()
      frames.forEach(throwError)
      return frames.filter(({ type }) => type === 'D').map(({ body }) => body.toString('utf8', 6))
    }
    const roles = await run(`SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = '${READER}'`)
    if (roles.length === 0) await run(`CREATE ROLE ${READER} NOLOGIN`)
    await run(rights(schema))
    // Older stores may lack some.
    for (const table of await run(hiddenTables(schema)))
      await run(`REVOKE ALL ON ${schema}.${table} FROM ${READER}`)
    return new Set(await run(VOLATILE_FUNCTIONS))
  }

  function ready(on: PgliteThread): Promise<ReadonlySet<string>> {
    const known = prepared.get(on) ?? prepare(on)
    prepared.set(on, known)
    known.catch(() => prepared.delete(on))
    return known
  }

  async function exchange(messages: readonly Buffer[], limits: ReaderLimits): Promise<Frame[][]> {
    const on = await thread()
    await ready(on)
    return inTurn(() => sendWatched(on, messages, limits), { signal: limits.signal, ms: SEARCH_WAIT_MS })
  }

  async function rest(signal: AbortSignal): Promise<void> {
    const ms = restsUntil - performance.now()
    if (ms > 0)
      await sleep(ms, undefined, { signal }).catch(() => {
        throw cancelled()
      })
  }

  /** Ends what needs too much memory as if nobody waited for it any more. */
  async function sendWatched(
    on: PgliteThread,
    messages: readonly Buffer[],
    { limitMs, signal }: ReaderLimits,
  ) {
    await rest(signal)
    const begun = performance.now()
    const stop = new AbortController()
    const before = on.memoryBytes()
    const isTooLarge = () => on.memoryBytes() > Math.max(before, MEMORY)
    const timer = setInterval(() => isTooLarge() && stop.abort(), LOOK_AGAIN_MS)
    try {
      const sections = await send(on, messages, { limitMs, signal: AbortSignal.any([signal, stop.signal]) })
      if (stop.signal.aborted) throw outOfMemory()
      return sections
    } finally {
      clearInterval(timer)
      const took = performance.now() - begun
      if (took > REST_AFTER_MS) restsUntil = performance.now() + Math.min(took, LONGEST_REST_MS)
    }
  }

  return {
    exchange,
    async transact(messages, limits, settings = new Map()) {
      const [begun = [], ...sections] = await exchange(
        [serialize.query(beginning(schema, settings)), ...messages, serialize.query('COMMIT')],
        limits,
      )
      for (const frame of begun) throwError(frame)
      return sections
    },
    volatileFunctions: async () => ready(await thread()),
    newCursor: () => `crateflow_${++cursors}`,
  }
}

const outOfMemory = () =>
  Object.assign(invalidParameter('The statement needs more memory than there is for one.'), {
    sqlstate: '53200',
  })

/** `set_config` would let a statement give itself another role; statements that set things are not taken at all. */
const rights = (schema: string) => `
  REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC;
  GRANT USAGE ON SCHEMA ${schema} TO ${READER};
  GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${READER};`

const hiddenTables = (schema: string) => `
  SELECT table_name::text FROM information_schema.tables
  WHERE table_schema = '${schema}' AND table_name IN (${HIDDEN_TABLES.map(literal).join(', ')})`

const beginning = (schema: string, settings: SessionSettings) =>
  [
    'BEGIN READ ONLY',
    `SET LOCAL search_path = ${schema}`,
    `SET LOCAL temp_file_limit = '${TEMPORARY_FILES}'`,
    // All rows are wanted, not the first ones soon.
    'SET LOCAL cursor_tuple_fraction = 1',
    // As a statement, a list in quotes would be one name.
    ...[...settings].map(([name, value]) => `SELECT set_config(${literal(name)}, ${literal(value)}, true)`),
    `SET LOCAL ROLE ${READER}`,
  ].join('; ')

const literal = (value: string) => `'${value.replaceAll("'", "''")}'`

/** @throws INVALID_PARAMETER_VALUE with the database's text when the frame is an error */
export function throwError(frame: Frame): void {
  if (frame.type !== 'E') return
  const { message, code } = errorOf(frame)
  throw Object.assign(invalidParameter(message), { sqlstate: code })
}

/** The text and the SQLSTATE of an error, and at which character of the statement it is, from 1. */
export function errorOf({ body }: Frame): { message: string; code: string; position: number | undefined } {
  const fields = new Map(
    body
      .toString('utf8')
      .split('\0')
      .filter(Boolean)
      .map((field) => [field.slice(0, 1), field.slice(1)]),
  )
  const position = fields.get('P')
  return {
    message: fields.get('M') ?? 'The statement failed.',
    code: fields.get('C') ?? 'XX000',
    position: position === undefined ? undefined : Number(position),
  }
}
