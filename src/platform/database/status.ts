// What a database does at the moment, and what it holds: for `crateflow status`.

export type Health = 'GREEN' | 'YELLOW' | 'RED'

export interface NodeStatus {
  name: string
  version: string
  /** Bytes. */
  heapUsed: number
  heapMax: number
  /** Average of the last minute; negative where the system tells none. */
  load: number
  /** Bytes. */
  diskUsed: number
  diskFree: number
}

export interface TableStatus {
  name: string
  /** Undefined where nobody has counted yet. */
  rows: number | undefined
  /** Bytes on all disks, copies and indexes too. */
  size: number
  /** Of a database whose tables have some; without their copies. */
  shards?: number
  /** Shards and copies of them that should be there and are not. */
  missing?: number
}

/** A statement whose values are left out. */
export interface StatementStatus {
  statement: string
  /** Milliseconds that it took, or takes up to now. */
  ms: number
  user?: string
  /** Absent for one that runs. */
  failed?: boolean
}

/** Sections that a database does not have, or does not show to this user, are undefined. */
export interface DatabaseStatus {
  /** As the database tells it, such as `CrateDB 6.4.3`. */
  version: string
  cluster?: string
  /** The worst of all tables. */
  health?: Health
  /** Bytes of the database. */
  size?: number
  nodes?: NodeStatus[]
  /** Those of the engine's schema, largest first. */
  tables?: TableStatus[]
  /** Whether `rows` of tables are what the database last counted. */
  rowsAreEstimates: boolean
  /** Longest first. */
  slow?: StatementStatus[]
  /** Longest first, without the one that asks. */
  running?: StatementStatus[]
  failedChecks?: string[]
  /** What this user may not see, and how that is granted. */
  notices: string[]
}

/** What `Dialect.status` answers; see diagnosis.ts. */
export type EngineStatus = Omit<DatabaseStatus, 'version'>

/** How far back slow statements are looked for, in minutes. */
export const SLOW_MINUTES = 15
const LONGEST_STATEMENT = 300
/** Characters of a statement that are looked at: a bulk insert may have millions. */
const MOST_READ = 10_000

/** Names and placeholders; what is left out; texts in quotes and dollars, and numbers. An unclosed one goes to the end. */
const PIECES =
  /(?<kept>"(?:[^"]|"")*"|\$\d+)|(?<comment>\/\*[\s\S]*?(?:\*\/|$)|--[^\n]*)|(?<value>\$(?<tag>[A-Za-z_]\w*)?\$[\s\S]*?(?:\$\k<tag>\$|$)|[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)|(?<![\w$"])\.?\d[\w.]*(?:(?<=[eE])[+-]\d+)?)|(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)/g

/** A statement in one line, with ? for every text and number in it: what people wrote holds secrets at times. */
export function withoutValues(statement: string): string {
  const bare = statement
    .slice(0, MOST_READ)
    .replace(PIECES, (piece, ...rest) => {
      const { comment, value } = rest.at(-1) as Record<string, string | undefined>
      if (comment !== undefined) return ' '
      return value === undefined ? piece : '?'
    })
    .replace(/\?(?:\s*,\s*\?)+/g, '?, …')
    .replace(/\s+/g, ' ')
    .trim()
  return bare.length > LONGEST_STATEMENT ? `${bare.slice(0, LONGEST_STATEMENT)}…` : bare
}
