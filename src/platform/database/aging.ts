// What kinds of databases may have for old rows of tables, be they the server's own or anybody's: deletion by time, and, where tables have
// partitions, moving, copying and dropping these.
import type { SQL } from 'drizzle-orm'
import type { TableName } from './own-columns.ts'

/** What a kind of database has for old rows. */
export interface Aging<Engine> {
  /** Deletes rows of the range, and goes on while there are any; each statement is short, and what it did is answered. Repeatable. */
  deleteRange(engine: Engine, range: TimeRange): AsyncGenerator<{ rows: number }>
  /**
   * Gives the space of many deleted rows back, of a partition, which is told by its columns, or of a table without partitions. It may take minutes, and
   * yields whenever it waits. Absent where the database does so by itself.
   */
  compact?(engine: Engine, table: TableName, partition?: Record<string, string>): AsyncGenerator<void>
  /** Bytes of the table with its indexes, without copies on other nodes; undefined where this user may not see it. */
  bytesOf(engine: Engine, table: TableName): Promise<number | undefined>
  /** So many rows are counted by their time in less than a second or so. */
  mostCounted(engine: Engine): number
  /** Tables that this user sees, with their rows and bytes. */
  holdings(engine: Engine): Promise<Holding[]>
  /** Absent where tables have none, or none that the server knows. */
  readonly partitions?: Partitions<Engine>
}

/** Rows of a table whose time is before another one. */
export interface TimeRange {
  table: TableName
  column: TimeColumn
  untilMs: number
  /** What else holds for the rows. */
  where?: SQL | undefined
}

/** How a column tells times. */
export interface TimeColumn {
  name: string
  /** As information_schema spells it; see TIME_TYPES. */
  type: string
}

export type PartitionValue = string | number | boolean | null

export interface Partition {
  /** How the database names it within its table. */
  ident: string
  /** By partition column. */
  values: Record<string, PartitionValue>
  /** When the period that it holds ends, in milliseconds; undefined when its value tells no time. */
  endsMs: number | undefined
  shards: number
  /** Undefined where this user may not see it. */
  rows: number | undefined
  bytes: number | undefined
  /** Attributes that nodes must have to hold it. */
  required: Record<string, string>
  /** It takes no writes. */
  isHeld: boolean
}

export interface Holding extends TableName {
  rows: number | undefined
  bytes: number | undefined
  partitions: {
    values: Record<string, PartitionValue>
    rows: number | undefined
    bytes: number | undefined
  }[]
  /** By month, the oldest first: of partitions, or of rows that are few enough to count. None where nothing tells months. */
  months: { month: string; rows: number; bytes: number | undefined }[]
}

export interface Snapshot {
  /** SUCCESS, IN_PROGRESS, PARTIAL or FAILED. */
  state: string
  shards: number
  failures: string[]
  /** What is in it, by table; the values of the partition columns as texts, in their order. */
  partitions: { schema: string; table: string; values: (string | null)[] }[]
  tables: TableName[]
}

/** Statements and questions about partitions. Statements are built, not run: who previews shows them. */
export interface Partitions<Engine> {
  /** Partition columns of the table in their order; none for a table without. */
  columns(engine: Engine, table: TableName): Promise<string[]>
  /** Partitions, oldest first, with the period that the column tells; or the one that is named. */
  list(engine: Engine, table: TableName, column: string, ident?: string): Promise<Partition[]>
  /** Rows in the partition, acknowledged before the call. */
  count(engine: Engine, table: TableName, partition: Partition): Promise<number>
  drop(table: TableName, partition: Partition): SQL
  /** Lets the partition take no writes, or takes that back. */
  hold(table: TableName, partition: Partition, isHeld: boolean): SQL
  /** Wants nodes with the attribute for it: the database moves its shards. */
  require(table: TableName, partition: Partition, node: { attribute: string; value: string }): SQL
  /** Shards of the whole table, copies left out. */
  shardsOf(engine: Engine, table: TableName): Promise<number>
  /** Begins a snapshot of the partition, or of the whole table; it goes on behind the answer. */
  beginSnapshot(table: TableName, partition: Partition | undefined, place: SnapshotPlace): SQL
  dropSnapshot(place: SnapshotPlace): SQL
  findSnapshot(engine: Engine, place: SnapshotPlace): Promise<Snapshot | undefined>
  hasRepository(engine: Engine, name: string): Promise<boolean>
  /** Nodes that have the attribute with the value. */
  countNodes(engine: Engine, node: { attribute: string; value: string }): Promise<number>
}

export interface SnapshotPlace {
  repository: string
  name: string
}
