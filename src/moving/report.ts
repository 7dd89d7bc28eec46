// What a move tells at its end: rows and hashes of both sides, table by table, and where they differ.
import { addDigest, type Digest, emptyDigest, hexOf, isSame } from './digest.ts'
import { FAMILIES, type MovedTable, tablesOf } from './families.store.ts'

interface Sums {
  source: Digest
  store: Digest
  written: number
}

/** Differences that are named. */
const NAMED = 20

export interface Report {
  /** Nothing is written. */
  readonly isDryRun: boolean
  /** Adds what one parent has of a table on both sides. */
  count(table: MovedTable, sides: { id: string; source: Digest | undefined; store: Digest | undefined }): void
  wrote(table: MovedTable, rows: number): void
  /** Rows of the report's table, its head first. */
  lines(): string[][]
  /** What is not the same on both sides, the first of them. */
  differences(): string[]
  isEqual(): boolean
  written(): number
  sums(): { table: string; rows: number; digest: string }[]
}

export function createReport({ isDryRun }: { isDryRun: boolean }): Report {
  const sums = new Map<string, Sums>()
  const different: string[] = []
  let differing = 0
  const of = ({ name }: MovedTable): Sums => {
    const own = sums.get(name) ?? { source: emptyDigest(), store: emptyDigest(), written: 0 }
    sums.set(name, own)
    return own
  }
  const named = () =>
    FAMILIES.flatMap((family) => tablesOf(family)).flatMap(({ name }) => {
      const own = sums.get(name)
      return own && own.source.rows + own.store.rows > 0 ? [{ name, ...own }] : []
    })
  return {
    isDryRun,
    count(table, { id, source = emptyDigest(), store = emptyDigest() }) {
      const own = of(table)
      addDigest(own.source, source)
      addDigest(own.store, store)
      if (isSame(source, store)) return
      differing++
      if (different.length < NAMED)
        different.push(
          `${table.name} of ${id}: ${source.rows} rows in the source, ${store.rows} in the store`,
        )
    },
    wrote(table, rows) {
      of(table).written += rows
    },
    lines: () => [
      ['TABLE', 'SOURCE', 'STORE', isDryRun ? 'TO WRITE' : 'WRITTEN', 'HASH OF SOURCE', 'HASH OF STORE', ''],
      ...named().map(({ name, source, store, written }) => [
        name,
        String(source.rows),
        String(store.rows),
        String(written),
        hexOf(source).slice(0, 16),
        hexOf(store).slice(0, 16),
        isSame(source, store) ? 'equal' : 'DIFFERENT',
      ]),
    ],
    differences: () =>
      differing > different.length ? [...different, `and ${differing - different.length} more`] : different,
    isEqual: () => differing === 0,
    written: () => [...sums.values()].reduce((total, { written }) => total + written, 0),
    sums: () =>
      named().map(({ name, source }) => ({ table: name, rows: source.rows, digest: hexOf(source) })),
  }
}
