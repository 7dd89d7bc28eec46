// What kinds of databases have for thinning a table of people's own: its old rows go, and a table beside it counts and sums them up in buckets of time.
import type { SQL } from 'drizzle-orm'
import type { Aggregate } from '../wire/aggregates.ts'
import type { TimeColumn } from './aging.ts'
import type { TableName } from './own-columns.ts'

export interface TypedColumn {
  name: string
  /** As information_schema spells it. */
  type: string
}

export interface ThinnedColumn extends TypedColumn {
  aggregates: readonly Aggregate[]
}

/** A table that is thinned, and the one of its buckets. */
export interface Thinned {
  table: TableName
  time: TimeColumn
  /** Whose values tell series apart; no value is one of its own. */
  by: readonly TypedColumn[]
  columns: readonly ThinnedColumn[]
  into: TableName
  /** A constraint of the table of buckets, whose name nobody else gives. */
  mark: string
}

/** Rows of some time, and the milliseconds of their buckets; both times are starts of buckets. */
export interface DueBuckets {
  size: number
  /** Absent: all that is older. */
  fromMs: number | undefined
  untilMs: number
}

/** What is under way, as a text that is written before anything is changed; whoever finds one does it once more. */
export interface Journal {
  /** Takes it from whoever had it. @returns what was under way, null when nothing was */
  take: () => Promise<string | null>
  /** @throws TEMPORARILY_UNAVAILABLE when somebody else has it by now */
  write: (text: string | null) => Promise<void>
}

export interface Thinning<Engine> {
  /** Types whose values can be summed up, and such as may tell series apart. */
  readonly numbers: readonly string[]
  readonly keys: readonly string[]
  /** What a table's column cannot be called to be kept in another one; absent: nothing. */
  readonly refusedNames?: RegExp
  /** What is left out of the rows, since no bucket is of its time. */
  isCounted(time: TimeColumn): SQL | undefined
  /** Makes the table of buckets. Does nothing where there is one of the name. */
  make(engine: Engine, thinned: Thinned): Promise<void>
  /** Completes what was left under way, if anything. */
  resume(engine: Engine, journal: Journal): AsyncGenerator<{ rows: number }>
  /**
   * Has larger buckets take in smaller ones of the time, and then the rows; some thousands at a time, and after each how many went. A row goes once it is
   * counted, and is counted once, wherever this is broken off and whatever is written meanwhile.
   * @throws TEMPORARILY_UNAVAILABLE when rows stay, or somebody else does the same
   */
  thin(engine: Engine, thinned: Thinned, due: DueBuckets, journal: Journal): AsyncGenerator<{ rows: number }>
}
