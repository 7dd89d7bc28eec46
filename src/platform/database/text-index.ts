// What searches ask of an index of texts, where an operator has made one.
import { and, type Column, type SQL } from 'drizzle-orm'
import type { Engine } from './engine.ts'
import { PART_LENGTH } from './text-indexing.ts'

/** Of longer parts their begin is looked for. */
const MAX_PART_LENGTH = 100
/** Of more parts the longest are looked for: each takes time, and few tell as much as all. */
const MAX_PARTS = 2
/** How often a server asks whether there is an index. */
const LOOK_EVERY_MS = 60_000

interface Look {
  hasIndex: boolean
  atMs: number
}

const looks = new WeakMap<Engine, Map<Column, Look>>()

/** Finds out, now and then, whether the column has an index, for `hasParts`. */
export async function lookForTextIndex(engine: Engine, column: Column): Promise<void> {
  const indexing = engine.dialect.textIndexing
  if (!indexing) return
  const known = looks.get(engine) ?? new Map<Column, Look>()
  looks.set(engine, known)
  const last = known.get(column)
  if (last && (last.hasIndex || Date.now() - last.atMs < LOOK_EVERY_MS)) return
  known.set(column, { hasIndex: await indexing.has(engine, column), atMs: Date.now() })
}

/**
 * Holds for the texts that have the parts of a LIKE or ILIKE pattern, in any order; undefined where no index tells, be it that there is none
 * or that the parts are too short. It narrows: the pattern itself has to be asked for beside it.
 */
export function hasParts(
  engine: Engine,
  column: Column,
  { pattern, mindsCase }: { pattern: string; mindsCase: boolean },
): SQL | undefined {
  const indexing = engine.dialect.textIndexing
  if (!indexing || !looks.get(engine)?.get(column)?.hasIndex) return undefined
  const parts = pattern
    .split(/[%_]+/)
    .map((part) => [...part])
    .filter((characters) => characters.length >= PART_LENGTH)
    .sort((a, b) => b.length - a.length)
    .slice(0, MAX_PARTS)
    .map((characters) => characters.slice(0, MAX_PART_LENGTH).join(''))
  return and(...parts.map((part) => indexing.hasPart(column, part, mindsCase)))
}
