// What rows are taken from: another server's database, its files, an archive, a store of ours.
import type { Family, MovedTable, Row } from './families.store.ts'

/** Some parents of a family with what belongs to them. */
export interface Chunk {
  parents: Row[]
  /**
   * Rows of a child table that belong to the parents of these ids, in parts. May be asked for again. Rows are what the
   * store that is written to would hold.
   */
  rows(table: MovedTable, ids: readonly string[]): AsyncIterable<Row[]>
}

export interface Source {
  /** In words, without a password. */
  name: string
  /** Whether it can have rows of the table at all; what it has not is neither written nor compared. */
  has(table: MovedTable): boolean
  /** All parents of a family, each once, in chunks that fit into memory with their children, or hold a single parent. */
  chunks(family: Family): AsyncIterable<Chunk>
  /** How many rows the tables have, as far as that is cheap to tell. For progress alone. */
  estimate?(): Promise<ReadonlyMap<string, number>>
  /** What the source has and this program does not move, in words. */
  notes(): readonly string[]
  close(): Promise<void>
}

/** Rows of a chunk's children at most, unless a single parent has more. */
export const CHUNK_ROWS = 50_000
/** Parents of a chunk. */
export const CHUNK_PARENTS = 500
/** Rows of a page of one parent's children. */
export const PAGE_ROWS = 20_000

/**
 * Cuts parents where their children would pass `CHUNK_ROWS`.
 * @param weigh how many rows the parent has
 */
export function cut<One>(parents: readonly One[], weigh: (parent: One) => number): One[][] {
  const pieces: One[][] = []
  let piece: One[] = []
  let weight = 0
  for (const parent of parents) {
    const own = weigh(parent)
    if (piece.length > 0 && weight + own > CHUNK_ROWS) {
      pieces.push(piece)
      piece = []
      weight = 0
    }
    piece.push(parent)
    weight += own
  }
  if (piece.length > 0) pieces.push(piece)
  return pieces
}
