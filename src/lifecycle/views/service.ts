// Materialized views: made, refreshed, listed, dropped, one at a time of each.
import { setTimeout as sleep } from 'node:timers/promises'
import {
  alreadyExists,
  doesNotExist,
  invalidParameter,
  MlflowError,
  reasonOf,
  unavailable,
} from '../../errors.ts'
import { runForAll } from '../../platform/active-request.ts'
import { type Access, type Asker, isLocal } from '../../platform/wire/asker.ts'
import { hashOf } from '../../platform/wire/ids.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import { offsetPage } from '../../platform/wire/page-token.ts'
import { keepAudit } from '../retention/store.ts'
import { readDefinition, readName, spelled } from './definition.ts'
import { limitsOf, materializingOf, placeOf, type RefreshDeps, refreshView } from './refresh.service.ts'
import type { View, ViewDefinition, ViewInput } from './schema.ts'
import * as store from './store.ts'
import type { ViewRow } from './tables.ts'

interface Schedule {
  cron?: string | undefined
  every?: string | undefined
}

export interface ViewsDeps extends Omit<RefreshDeps, 'signal'> {
  /** Who may make and drop views, which take room, and whose statements may read tables of others. */
  tableAccess: Access
  checkSchedule: (schedule: Schedule) => void
  dueAfter: (schedule: Schedule, viewId: string, fromMs: number) => number | undefined
  /** Takes the right to a work, which of all servers one has at a time; undefined while somebody has it. */
  take: (work: string) => Promise<Right | undefined>
  log: { info(fields: object, text: string): void; warn(fields: object, text: string): void }
}

interface Right {
  isHeld: () => boolean
  release: (how: { isDone: boolean }) => Promise<void>
}

/** Who asks. */
interface By {
  userId: string | null
  asker: Asker
}

export type DueView = Pick<ViewRow, 'name' | 'viewId' | 'scheduledFromMs'>
export type ViewService = ReturnType<typeof createViews>

const DEFAULT_RESULTS = 100
const MAX_RESULTS = 1000
/** How long a request waits for whoever has the view, in milliseconds, and how often it looks. */
const WAIT_MS = 120_000
const LOOK_MS = 100

const viewIdOf = (name: string): string => hashOf(name, 16)
const definitionOf = (row: ViewRow) => JSON.parse(row.definition) as ViewDefinition

export function createViews(deps: ViewsDeps) {
  const { engine, clock, dueAfter, take, log } = deps
  const stopping = new AbortController()
  const { signal } = stopping
  const running = new Set<Promise<unknown>>()

  /** Does the work with the right to the view, whoever waits for it or leaves. @throws TEMPORARILY_UNAVAILABLE when others have it for too long */
  function withRight<T>(name: string, work: (isHeld: () => boolean) => Promise<T>): Promise<T> {
    const done = runForAll(async () => {
      const deadline = performance.now() + WAIT_MS
      for (;;) {
        if (signal.aborted) throw unavailable('The server is about to end.')
        const right = await take(workOf(name))
        if (right) return await work(right.isHeld).finally(() => right.release({ isDone: true }))
        if (performance.now() > deadline)
          throw unavailable(`Others are refreshing ${name} for long. Please retry.`)
        await sleep(LOOK_MS)
      }
    })
    const settled = done.catch(() => {}).finally(() => running.delete(settled))
    running.add(settled)
    return done
  }

  /**
   * Makes the view with its first rows; where these cannot be had, nothing is left of it.
   * @throws RESOURCE_ALREADY_EXISTS, INVALID_PARAMETER_VALUE, PERMISSION_DENIED
   */
  async function create(input: ViewInput, { userId, asker }: By): Promise<View> {
    checkAsker(asker)
    const name = spelled(readName(input.name, engine))
    const definition = readDefinition(input)
    deps.checkSchedule(definition)
    return withRight(name, async (isHeld) => {
      const before = await store.findView(engine, viewIdOf(name))
      // The same once more, since its answer was lost.
      if (before && before.definition !== JSON.stringify(definition))
        throw alreadyExists(`Materialized view '${name}' already exists.`)
      const row = before ?? newRow(name, definition, userId)
      const found = await materializingOf(engine).look(engine, placeOf(engine, row))
      if (found === 'others') throw alreadyExists(`There is a table or view ${name}.`)
      if (found === 'ours' && row.version > 0) return made(row)
      if (!before) await store.insertView(engine, row)
      try {
        return await made(await refreshView({ engine, clock, signal }, row, { full: true, isHeld }))
      } catch (error) {
        // While the database is away the view stays without rows: it can be refreshed, or dropped.
        await discard(row).catch(() => {})
        throw error
      }
    })
  }

  /** Tells the audit of it; repeatable, also after a crash. */
  async function made(row: ViewRow): Promise<View> {
    await tell('view_created', row, row.createdAtMs, row.userId)
    return toWire(row)
  }

  const tell = (kind: string, row: ViewRow, atMs: number, userId: string | null) =>
    keepAudit(engine, {
      auditId: `${kind}:${row.viewId}:${row.createdAtMs}`,
      ...{ atMs, kind, userId },
      policyId: `view:${row.viewId}`,
      policyName: row.name,
      ...{ before: null, after: null, execution: null },
    })

  /** Drops the view's rows, and then forgets the view. */
  async function discard(row: ViewRow): Promise<void> {
    await materializingOf(engine).drop(engine, placeOf(engine, row), limitsOf({ engine, signal }))
    await store.deleteView(engine, row.viewId)
  }

  const newRow = (name: string, definition: ViewDefinition, userId: string | null): ViewRow => ({
    viewId: viewIdOf(name),
    name,
    definition: JSON.stringify(definition),
    createdAtMs: clock.now(),
    userId,
    scheduledFromMs: clock.now(),
    version: 0,
    refreshedAtMs: null,
    durationMs: null,
    rowCount: null,
    greatest: null,
    generation: null,
    failedAtMs: null,
    message: null,
  })

  /** @throws PERMISSION_DENIED */
  function checkAsker(asker: Asker): void {
    if (deps.tableAccess === 'all') return
    if (deps.tableAccess === 'off')
      throw denied('Materialized views are switched off on this server (--retention-tables).')
    if (!isLocal(asker))
      throw denied(
        'Materialized views are made and dropped by clients on the machine of the server alone, unless it runs with --retention-tables all.',
      )
  }

  /** @throws RESOURCE_DOES_NOT_EXIST */
  async function require(name: string): Promise<ViewRow> {
    const row = await store.findView(engine, viewIdOf(name))
    if (!row) throw doesNotExist(`Materialized view '${name}' does not exist.`)
    return row
  }

  /** Brings its rows up to date, and answers when that is done. @throws RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE, INVALID_STATE */
  async function refresh(given: string, full: boolean): Promise<View> {
    const name = spelled(readName(given, engine))
    await require(name)
    return withRight(name, async (isHeld) =>
      toWire(await refreshView({ engine, clock, signal }, await require(name), { full, isHeld })),
    )
  }

  /** Drops the view with its rows; a table that somebody else has made in its place stays. @throws RESOURCE_DOES_NOT_EXIST, PERMISSION_DENIED */
  async function drop(given: string, { userId, asker }: By): Promise<Record<string, never>> {
    checkAsker(asker)
    const name = spelled(readName(given, engine))
    await require(name)
    return withRight(name, async () => {
      const row = await require(name)
      await tell('view_dropped', row, clock.now(), userId)
      await discard(row)
      return {}
    })
  }

  async function list(input: {
    max_results?: Int64 | undefined
    page_token?: string | undefined
  }): Promise<{ views: View[]; next_page_token?: string }> {
    const size = Number(input.max_results ?? DEFAULT_RESULTS)
    if (!(size >= 1 && size <= MAX_RESULTS))
      throw invalidParameter(`Invalid value ${size} for parameter 'max_results': use 1 to ${MAX_RESULTS}.`)
    const page = offsetPage(input.page_token, size)
    const { offset, limit } = page.bounds
    const all = await store.listViews(engine)
    const { rows, nextPageToken } = page.cut(all.slice(offset, offset + limit))
    return { views: rows.map(toWire), ...(nextPageToken && { next_page_token: nextPageToken }) }
  }

  const dueOf = (row: ViewRow) => dueAfter(definitionOf(row), row.viewId, row.scheduledFromMs)

  /** Views whose scheduled time has come. */
  async function findDue(nowMs: number): Promise<DueView[]> {
    const all = await store.listViews(engine)
    return all.filter((row) => (dueOf(row) ?? Number.POSITIVE_INFINITY) <= nowMs)
  }

  /**
   * Refreshes a view that is due, and counts its schedule on, unless somebody else has the view: a server that died holds it for a while. What fails is
   * told by its row.
   */
  async function refreshDue({ name, viewId, scheduledFromMs }: DueView): Promise<void> {
    const right = await take(workOf(name))
    if (!right) return
    const nowMs = clock.now()
    let isBrokenOff = false
    try {
      const row = await store.findView(engine, viewId)
      if (row?.scheduledFromMs !== scheduledFromMs) return
      const how = { full: false, isHeld: right.isHeld }
      const { version, rowCount } = await refreshView({ engine, clock, signal }, row, how)
      log.info({ view: name, version, rows: rowCount }, 'A materialized view was refreshed')
    } catch (error) {
      isBrokenOff = signal.aborted
      log.warn({ view: name, reason: reasonOf(error) }, 'A materialized view could not be refreshed')
    } finally {
      if (!isBrokenOff) await store.moveSchedule(engine, { viewId, scheduledFromMs }, nowMs)
      await right.release({ isDone: true })
    }
  }

  function toWire(row: ViewRow): View {
    const due = dueOf(row)
    return {
      name: row.name,
      ...definitionOf(row),
      created_at: row.createdAtMs,
      ...(row.userId !== null && { user_id: row.userId }),
      version: row.version,
      ...(row.refreshedAtMs !== null && { refreshed_at: row.refreshedAtMs }),
      ...(row.durationMs !== null && { refresh_duration_ms: row.durationMs }),
      ...(row.rowCount !== null && { rows: row.rowCount }),
      ...(row.failedAtMs !== null && { failed_at: row.failedAtMs }),
      ...(row.message !== null && { message: row.message }),
      ...(due !== undefined && { next_due_at: due }),
    }
  }

  return {
    create,
    refresh,
    drop,
    list,
    get: async (given: string) => toWire(await require(spelled(readName(given, engine)))),
    findDue,
    refreshDue,
    /** Ends what this server refreshes; nothing half is left of it. */
    async stop(): Promise<void> {
      stopping.abort()
      await Promise.all(running)
    },
  }
}

const workOf = (name: string) => `view:${name}`
const denied = (message: string) => new MlflowError('PERMISSION_DENIED', message)
