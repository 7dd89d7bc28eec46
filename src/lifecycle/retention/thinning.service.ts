// The strategy `downsample` for tables of people's own: old rows go, and a table beside theirs keeps what they said in buckets of time.
import { randomUUID } from 'node:crypto'
import { invalidParameter, unavailable } from '../../errors.ts'
import { countDue, namesOf } from '../../platform/database/bucket-columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { isUnderWay, takeJournal, writeJournal } from '../../platform/database/journals.ts'
import { findMarked, isSameName } from '../../platform/database/kept-rows.ts'
import { describeData, tellsTime } from '../../platform/database/old-rows.ts'
import type { TableName } from '../../platform/database/own-columns.ts'
import { describeTable } from '../../platform/database/own-tables.ts'
import type { DueBuckets, Journal, Thinned, Thinning, TypedColumn } from '../../platform/database/thinning.ts'
import { parseAggregates, USUAL_AGGREGATES } from '../../platform/wire/aggregates.ts'
import { type Clock, hashOf } from '../../platform/wire/ids.ts'
import { type Ladder, parseLadder, rungsAt, spellMs } from '../downsampling/ladder.schema.ts'
import { createAlone } from './alone.ts'
import type { PolicyDefinition } from './schema.ts'
import { type Found, failure, type Step, type StepRun, type Strategy } from './strategies.ts'
import { tableOf } from './table-data.ts'
import { tableDownsampling } from './tables.ts'
import { intoOf, spellTarget } from './target.ts'

/** With what is kept of each and what tells series apart, below the number of columns that databases take. */
const MOST_COLUMNS = 100
const DAY_MS = 24 * 3600_000

type Read = { thinned: Thinned; isMade: boolean; failure?: undefined } | { failure: Found }

export function createTableThinning({
  engine,
  clock,
}: {
  engine: Engine
  clock: Clock
}): Pick<Strategy, 'plan' | 'check'> {
  function thinningOf(): Thinning<Engine> {
    const { thinning } = engine.dialect
    if (!thinning) throw invalidParameter('This server has no database.')
    return thinning
  }

  /** What the policy means in the tables that there are, or what keeps it from working. */
  async function read(policy: PolicyDefinition): Promise<Read> {
    const table = tableOf(policy)
    const into = intoOf(policy)
    const described = await describeTable(engine, table)
    if (!described) return { failure: failure('table_missing', `There is no table ${policy.target}.`) }
    if ((await describeData(engine, table))?.isTable !== true)
      return { failure: failure('table_missing', `${policy.target} is no table, but a view.`) }
    const time = described.find(({ name }) => name === policy.column)
    if (!time) return { failure: columnMissing(policy, policy.column ?? '') }
    const kept = columnsOf(policy, described)
    if ('failure' in kept) return kept
    const mark = `crateflow_downsampled_${hashOf(JSON.stringify([engine.schema, table, time.name]), 24)}`
    const { name, type } = time
    const thinned: Thinned = { table, into, mark, time: { name, type }, ...kept }
    const wrong = checkTime(time, parseLadder(policy.ladder ?? '')) ?? checkNames(thinned)
    if (wrong) return { failure: wrong }
    const found = await describeTable(engine, into)
    if (!found) return { thinned, isMade: false }
    const taken = await checkInto(thinned, found)
    return taken ? { failure: taken } : { thinned, isMade: true }
  }

  /** Columns that tell series apart, and such as are summed up. */
  function columnsOf(
    policy: PolicyDefinition,
    described: readonly TypedColumn[],
  ): Pick<Thinned, 'by' | 'columns'> | { failure: Found } {
    const { numbers, keys, refusedNames } = thinningOf()
    const { by: byNames = [], aggregates: wanted, column: time } = policy
    const find = (column: string) => described.find(({ name }) => name === column)
    const isUsed = (name: string) => name === time || byNames.includes(name)
    const asked = wanted
      ? parseAggregates(wanted)
      : described
          .filter(({ name, type }) => numbers.includes(type) && !isUsed(name) && !refusedNames?.test(name))
          .map(({ name }) => ({ column: name, aggregates: USUAL_AGGREGATES }))
    for (const [names, types, what] of [
      [byNames, keys, 'by'],
      [asked.map(({ column }) => column), numbers, 'aggregates'],
    ] as const) {
      for (const name of names) {
        const type = find(name)?.type
        if (type === undefined) return { failure: columnMissing(policy, name) }
        if (!types.includes(type) || refusedNames?.test(name))
          return {
            failure: failure(
              'column_type',
              `Column ${name} is of type ${type}; ${what} takes columns of ${types.join(', ')}.`,
            ),
          }
      }
    }
    if (asked.length > MOST_COLUMNS)
      return {
        failure: failure(
          'unsupported',
          `${policy.target} has ${asked.length} columns of numbers; name ${MOST_COLUMNS} at most as aggregates.`,
        ),
      }
    const typed = (name: string): TypedColumn => ({ name, type: find(name)?.type ?? '' })
    return {
      by: byNames.map(typed),
      columns: asked.map(({ column, aggregates }) => ({ ...typed(column), aggregates })),
    }
  }

  function checkNames(thinned: Thinned): Found | undefined {
    const { longestName = 63 } = engine.dialect.ownTables ?? {}
    const names = namesOf(thinned)
    const isLong = (name: string) => Buffer.byteLength(name) > longestName
    const long = [thinned.into.table, ...names].find(isLong)
    if (long) return failure('unsupported', `The name ${long} would be longer than ${longestName} bytes.`)
    const twice = names.find((name, i) => names.indexOf(name) < i)
    if (twice === undefined) return undefined
    return failure('unsupported', `Two columns of the table of buckets would be called ${twice}.`)
  }

  /** A table that somebody else made stays as it is, and so does one of other columns. */
  async function checkInto(thinned: Thinned, found: readonly TypedColumn[]): Promise<Found | undefined> {
    const { into, mark } = thinned
    const marked = await findMarked(engine, mark)
    if (!marked.some((one) => isSameName(one, into)))
      return failure(
        'into_taken',
        `${spelled(into)} is there, and was not made for buckets of this table and column: name another one as into.`,
      )
    const [wanted, there] = [namesOf(thinned), found.map(({ name }) => name)]
    const missing = wanted.find((name) => !there.includes(name))
    const other = there.find((name) => !wanted.includes(name))
    if (missing === undefined && other === undefined) return undefined
    return failure(
      'into_differs',
      `${spelled(into)} was made for other columns (${missing ?? other}): name another one as into.`,
    )
  }

  async function plan(policy: PolicyDefinition, cutoffMs: number): Promise<Step[]> {
    const found = await read(policy)
    if (found.failure) throw invalidParameter(found.failure.message)
    const { thinned, isMade } = found
    const due = dueOf(parseLadder(policy.ladder ?? ''), cutoffMs)
    const counts = await countDue(engine, thinned, { due, isMade })
    const steps = due.flatMap((one, i): Step[] => {
      const rows = counts[i] ?? 0
      if (rows === 0) return []
      const until = new Date(one.untilMs).toISOString()
      return [
        {
          key: `buckets of ${one.size} ms`,
          statement: `DOWNSAMPLE rows of ${policy.target} before ${until} to buckets of ${spellMs(one.size)} in ${spelled(thinned.into)}`,
          counts: { rows, bytes: undefined },
          run: (run) => runStep(policy, thinned, run, one),
        },
      ]
    })
    if (steps.length > 0 || !(await isUnderWay(engine, tableDownsampling, [nameOf(thinned)]))) return steps
    // All that was due has gone, and is not wholly in buckets yet.
    return [
      {
        key: 'left',
        statement: `DOWNSAMPLE rows of ${policy.target}: complete what was left under way`,
        counts: { rows: undefined, bytes: undefined },
        run: (run) => runStep(policy, thinned, run),
      },
    ]
  }

  async function runStep(
    policy: PolicyDefinition,
    planned: Thinned,
    run: StepRun,
    due?: DueBuckets,
  ): Promise<Record<string, never>> {
    const name = nameOf(planned)
    const alone = createAlone({ engine, clock }, `downsampling:${name}`)
    await alone(run, async function* () {
      const now = await read(policy)
      if (now.failure) throw invalidParameter(now.failure.message)
      const { thinned, isMade } = now
      const thinning = thinningOf()
      if (!isMade) await thinning.make(engine, thinned)
      const journal = journalOf(name)
      yield* thinning.resume(engine, journal)
      if (due) yield* thinning.thin(engine, thinned, due, journal)
    })
    return {}
  }

  function journalOf(name: string): Journal {
    const own = { name, ownerId: randomUUID() }
    return {
      take: () => takeJournal(engine, tableDownsampling, own),
      async write(journal) {
        if (await writeJournal(engine, tableDownsampling, { own, journal })) return
        throw unavailable('Somebody else downsamples the table by now. Please retry.')
      },
    }
  }

  return {
    plan,
    async check(policy) {
      const { failure: found } = await read(policy)
      return found ? [found] : []
    },
  }
}

/** One at a time works on a table and its buckets, wherever these are. */
const nameOf = ({ mark, into }: Thinned): string => `${mark}:${hashOf(JSON.stringify(into), 24)}`

const spelled = (table: TableName): string => spellTarget({ table })

const columnMissing = ({ target }: PolicyDefinition, column: string): Found =>
  failure('column_missing', `${target} has no column ${column}.`)

function checkTime({ name, type }: TypedColumn, { rungs }: Ladder): Found | undefined {
  if (!tellsTime(type))
    return failure('column_type', `Column ${name} is of type ${type}, which tells no time.`)
  if (type !== 'date' || rungs.every(({ size }) => size % DAY_MS === 0)) return undefined
  return failure(
    'column_type',
    `Column ${name} tells days: each size of the ladder must be a number of days.`,
  )
}

/** What is due for buckets of each size, the oldest first. */
function dueOf(ladder: Ladder, cutoffMs: number): DueBuckets[] {
  const rungs = rungsAt(ladder, cutoffMs)
  return rungs.map(({ size, untilMs }, i) => ({ size, untilMs, fromMs: rungs[i + 1]?.untilMs })).reverse()
}
