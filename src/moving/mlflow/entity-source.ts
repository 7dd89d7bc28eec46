// A source that answers entities, one after the other: a server's REST API, or a folder of files.
import { FAMILIES, type FamilyName, type Row } from '../families.store.ts'
import { CHUNK_PARENTS, CHUNK_ROWS, type Chunk, type Source } from '../source.ts'
import type { Entity } from './entities.ts'

export interface Entities {
  name: string
  /** All entities of a family, each once; undefined for a family that the source has not. */
  of(family: FamilyName): AsyncIterable<Entity> | undefined
  /** Tables of its families that it has nothing of. */
  without: readonly string[]
  notes: readonly string[]
}

export function createEntitySource({ name, of, without, notes }: Entities): Source {
  return {
    name,
    has: (table) =>
      !without.includes(table.name) &&
      FAMILIES.some(
        (family) =>
          of(family.name) !== undefined &&
          (family.parent === table || (family.children as readonly unknown[]).includes(table)),
      ),
    async *chunks(family) {
      let entities: Entity[] = []
      let weight = 0
      for await (const entity of of(family.name) ?? []) {
        entities.push(entity)
        weight += weightOf(entity)
        if (entities.length < CHUNK_PARENTS && weight < CHUNK_ROWS) continue
        yield chunkOf(entities, family.parent.of)
        entities = []
        weight = 0
      }
      if (entities.length > 0) yield chunkOf(entities, family.parent.of)
    },
    notes: () => notes,
    close: async () => {},
  }
}

/** Rows that are in memory. Ten of each entity are what it is to have it. */
const weightOf = ({ children }: Entity): number =>
  Object.values(children).reduce((sum, rows) => sum + (Array.isArray(rows) ? rows.length : 0), 10)

function chunkOf(entities: readonly Entity[], id: string): Chunk {
  const byId = new Map(entities.map((entity) => [String(entity.row[id]), entity]))
  return {
    parents: entities.map(({ row }) => row),
    async *rows(table, ids): AsyncGenerator<Row[]> {
      for (const one of ids) {
        const rows = byId.get(one)?.children[table.name] ?? []
        if (typeof rows === 'function') yield* rows()
        else yield rows
      }
    },
  }
}
