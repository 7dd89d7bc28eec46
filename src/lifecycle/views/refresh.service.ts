// One refresh of a materialized view: its rows are replaced at once by those that are there now, or those that came since are added.
import { invalidParameter, MlflowError, reasonOf, unavailable } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { hasOrder } from '../../platform/database/kept-rows.ts'
import {
  type Kept,
  MARK,
  type Materializing,
  type Measured,
  type Place,
} from '../../platform/database/materializing.ts'
import type { ScriptLimits } from '../../platform/database/script.ts'
import { type Clock, hashOf } from '../../platform/wire/ids.ts'
import { checkColumns, readName } from './definition.ts'
import type { ViewDefinition } from './schema.ts'
import { updateView } from './store.ts'
import type { ViewRow } from './tables.ts'

export interface RefreshDeps {
  engine: Engine
  clock: Clock
  /** Ends what runs when the server closes. */
  signal: AbortSignal
}

export interface How {
  /** Replace all rows, whatever the view says. */
  full: boolean
  /** Whether this server still has the right to the view. */
  isHeld: () => boolean
}

/** What databases say of it when a table gets its key, takes a row, or is to change one twice. */
const SAME_KEY = /could not create unique index|same primary key exists|affect row a second time/
/** Characters of an error that are kept. */
const MOST_TEXT = 10_000

export function placeOf(engine: Engine, { viewId, name, generation }: ViewRow): Place {
  // Other servers on the same database have marks of their own.
  const mark = `${MARK}${hashOf(JSON.stringify([engine.schema, viewId]), 24)}`
  return { name: readName(name, engine), viewId, mark, generation }
}

export function materializingOf({ dialect }: Engine): Materializing<Engine> {
  if (!dialect.materializing) throw invalidParameter('This server has no database.')
  return dialect.materializing
}

export const limitsOf = ({ engine, signal }: Pick<RefreshDeps, 'engine' | 'signal'>): ScriptLimits => ({
  timeoutMs: materializingOf(engine).longestMs,
  signal,
})

/**
 * Refreshes the view, and keeps what became of it in its row.
 * @throws INVALID_PARAMETER_VALUE with the database's text, INVALID_STATE for a table that is somebody else's, DEADLINE_EXCEEDED
 */
export async function refreshView(deps: RefreshDeps, view: ViewRow, how: How): Promise<ViewRow> {
  const { engine, clock, signal } = deps
  const startedAtMs = clock.now()
  let now: ViewRow | undefined
  const record = async ({ rows, greatest, generation }: Measured) => {
    now = await updateView(engine, view.viewId, {
      version: view.version + 1,
      refreshedAtMs: startedAtMs,
      durationMs: clock.now() - startedAtMs,
      rowCount: rows,
      ...{ greatest, generation, failedAtMs: null, message: null },
    })
    if (!now) throw unavailable('The view was dropped meanwhile.')
  }
  try {
    await makeRows(deps, view, { ...how, record })
  } catch (error) {
    // A server that closes leaves the view to the next one, as a crash would; another one that has it by now needs what is there.
    if (!signal.aborted && how.isHeld()) {
      // What cannot be dropped now goes with the next refresh.
      await materializingOf(engine)
        .clean(engine, placeOf(engine, now ?? view), limitsOf(deps))
        .catch(() => {})
      const message = reasonOf(explained(deps, error)).slice(0, MOST_TEXT)
      await updateView(engine, view.viewId, { failedAtMs: startedAtMs, message })
    }
    throw explained(deps, error)
  }
  if (!now) throw unavailable('The view was not refreshed. Please retry.')
  return now
}

function explained({ engine, signal }: RefreshDeps, error: unknown): unknown {
  if (!(error instanceof MlflowError)) return error
  if (SAME_KEY.test(error.message))
    return invalidParameter("Invalid value for parameter 'key': several rows of the answer have the same.")
  if (error.code === 'DEADLINE_EXCEEDED') {
    const seconds = materializingOf(engine).longestMs / 1000
    return new MlflowError('DEADLINE_EXCEEDED', `The refresh took longer than ${seconds} s and was ended.`, {
      cause: error,
    })
  }
  return error.code === 'CANCELLED' && signal.aborted
    ? unavailable('The server is about to end.', error)
    : error
}

async function makeRows(
  deps: RefreshDeps,
  view: ViewRow,
  { full, isHeld, record }: How & { record: (measured: Measured) => Promise<void> },
): Promise<void> {
  const { engine } = deps
  const materializing = materializingOf(engine)
  const limits = limitsOf(deps)
  const definition = JSON.parse(view.definition) as ViewDefinition
  const { statement, key, incremental } = definition
  // Has the statement looked at, as any that people write, without asking for a row.
  const answer = await engine.readSql(`SELECT * FROM (\n${statement}\n) AS answer LIMIT 0`, limits)
  await answer.close()
  const { columns } = answer
  checkColumns(
    definition,
    columns.map(({ name }) => name),
  )
  const kept: Kept = { statement, columns, key, incremental }
  const place = placeOf(engine, view)
  const found = await materializing.look(engine, place)
  if (found === 'others')
    throw new MlflowError(
      'INVALID_STATE',
      `${view.name} is there, and was not made as this view: it stays as it is.`,
    )
  requireHeld(isHeld)
  await materializing.clean(engine, place, limits)
  const { greatest } = view
  const isAdding = incremental && !full && found === 'ours' && greatest !== null
  if (isAdding && (await materializing.takes(engine, place, kept))) {
    await record(await materializing.merge(engine, place, { ...kept, from: greatest }, limits))
    return
  }
  const check = ({ type }: Measured) => {
    requireHeld(isHeld)
    if (incremental && !hasOrder(type))
      throw invalidParameter(
        `Invalid value for parameter 'incremental': column ${incremental} is of type ${type}, which has no order that could be gone on from.`,
      )
  }
  await materializing.replace(engine, place, kept, { limits, check, record })
}

function requireHeld(isHeld: () => boolean): void {
  if (!isHeld()) throw unavailable('Another server goes on with the view. Please retry.')
}
