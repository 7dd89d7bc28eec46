// A store of ours as the source of a move, and as the side that a move is checked on.
import type { Engine } from '../platform/database/engine.ts'
import { FAMILIES, type Family, type MovedTable, type Row, tablesOf } from './families.store.ts'
import { CHUNK_PARENTS, CHUNK_ROWS, type Chunk, cut, PAGE_ROWS, type Source } from './source.ts'
import { countGroups, countOwned, countRows, readOwned, readPage, readParents } from './tables.store.ts'

/** Rows of a table that belong to these parents, in parts. The caller has passed the refresh gate. */
export async function* readRows(
  engine: Engine,
  table: MovedTable,
  ids: readonly string[],
): AsyncGenerator<Row[]> {
  if (!table.order) {
    yield await readOwned(engine, table, ids)
    return
  }
  const counts = await countOwned(engine, table, ids)
  const owners = [...counts].map(([id, rows]) => ({ id, rows }))
  for (const piece of cut(owners, ({ rows }) => rows)) {
    const [first] = piece
    const isMany = piece.length === 1 && Number(first?.rows) > CHUNK_ROWS
    if (isMany) yield* readPages(engine, table, String(first?.id))
    else
      yield await readOwned(
        engine,
        table,
        piece.map(({ id }) => String(id)),
      )
  }
}

/** Group by group of the first property of the order, if there is another one: so no page looks at what is behind it. */
async function* readPages(engine: Engine, table: MovedTable, id: string): AsyncGenerator<Row[]> {
  const isGrouped = (table.order?.length ?? 0) > 1
  const groups = isGrouped ? [...(await countGroups(engine, table, id)).keys()] : [undefined]
  for (const group of groups) {
    for (let after: Row | undefined; ; ) {
      const page = await readPage(engine, table, {
        id,
        ...(group !== undefined && { group }),
        after,
        limit: PAGE_ROWS,
      })
      if (page.length === 0) break
      yield page
      after = page.at(-1)
    }
  }
}

/** All that a store has. Rows are as they lie in its tables. */
export function createOwnSource(engine: Engine, name: string): Source {
  async function* chunks(family: Family): AsyncGenerator<Chunk> {
    await engine.refresh(...tablesOf(family).map(({ table }) => table))
    const heavy = family.children.filter(({ order }) => order)
    for (let after: string | undefined; ; ) {
      const parents = await readParents(engine, family.parent, { after, limit: CHUNK_PARENTS })
      if (parents.length === 0) return
      const ids = parents.map((row) => String(row[family.parent.of]))
      const counts = await Promise.all(heavy.map((table) => countOwned(engine, table, ids)))
      const weigh = (row: Row) => sum(counts.map((count) => count.get(String(row[family.parent.of])) ?? 0))
      for (const piece of cut(parents, weigh)) {
        yield { parents: piece, rows: (table, owners) => readRows(engine, table, owners) }
      }
      after = ids.at(-1)
    }
  }
  return {
    name,
    has: () => true,
    chunks,
    async estimate() {
      const tables = FAMILIES.flatMap((family) => tablesOf(family))
      await engine.refresh(...new Set(tables.map(({ table }) => table)))
      const counts = new Map<string, number>()
      for (const table of tables) counts.set(table.name, await countRows(engine, table))
      return counts
    },
    notes: () => [],
    close: async () => {},
  }
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
