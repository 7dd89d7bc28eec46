// An index by which any part of a text is found without reading the texts. It costs much where texts are written, so it is there only where an
// operator has made it.
import type { Column, SQL } from 'drizzle-orm'

/** What kinds of databases have for it. */
export interface TextIndexing<Engine> {
  /** Rows that are counted, and held against all conditions, in some ten milliseconds. */
  readonly fewRows: number
  /** Other conditions on the column compare the parts, and not the texts, where it has the index. */
  readonly comparesParts?: boolean
  has(engine: Engine, column: Column): Promise<boolean>
  /**
   * Holds for the texts that have the part, a text of PART_LENGTH characters or more, and maybe for others. Undefined where the index does not help.
   * @param mindsCase whether nobody asks for the part in another case
   */
  hasPart(column: Column, part: string, mindsCase: boolean): SQL | undefined
  /**
   * Makes the index. When it fails, nothing has changed; when it is killed, the next call mends what it left.
   * @param report is told of each partition and its rows, where the table has some
   * @returns false when there is an index already
   */
  make(engine: Engine, place: TextPlace, report: (partition: string, rows: number) => void): Promise<boolean>
}

/** A column of texts. */
export interface TextPlace {
  column: Column
  /** What CrateDB's table is partitioned by. */
  partition: Column
}

/** Characters of the shortest part that an index finds. */
export const PART_LENGTH = 3
