// Moves rows into a store of ours: compares what is there, writes what is new or changed, and proves that both sides are equal.
//
// Families go one after the other, chunk by chunk. Parents that are not there are written at once; of those that are, the
// rows of both sides are hashed, and the ones that differ are written again. Every write is an upsert, and a parent comes
// after its children, so that a move may be ended at any point and begun anew. What was written is read back and hashed.
import type { Engine } from '../platform/database/engine.ts'
import { addRow, type Digest, emptyDigest, isSame } from './digest.ts'
import { comparedOf, FAMILIES, type Family, type MovedTable, type Row, tablesOf } from './families.store.ts'
import { claimNames, type NameRules, type Names, releaseNames } from './names.ts'
import { readRows } from './own-store.ts'
import type { Progress } from './progress.ts'
import type { Report } from './report.ts'
import type { Chunk, Source } from './source.ts'
import { createWriter, type Upsert } from './tables.store.ts'

export interface MoverDeps {
  engine: Engine
  source: Source
  names: Names
  report: Report
  progress: Progress
}

/** Rows and characters of a statement. */
const BATCH_ROWS = 10_000
const BATCH_CHARACTERS = 8 * 1024 * 1024
/** Statements that a database server works on at once; the embedded one does with one and has the next at hand. */
const WRITES_AT_ONCE = 4

/** Digests of what single parents have, by id. */
type Digests = Map<string, Digest>

export function createMover({ engine, source, names, report, progress }: MoverDeps) {
  const atOnce = engine.dialect.exclusive ? 2 : WRITES_AT_ONCE

  /** Moves all families, or compares them and writes nothing. */
  async function move(): Promise<void> {
    for (const family of FAMILIES) await moveFamily(family)
  }

  async function moveFamily(family: Family): Promise<void> {
    const tables = tablesOf(family).filter((table) => source.has(table))
    if (!tables.includes(family.parent)) return
    const writers = new Map<MovedTable, Upsert>(tables.map((table) => [table, createWriter(engine, table)]))
    const replace = createWriter(engine, family.parent, { replace: true })
    const refresh = () => engine.refresh(...tables.map(({ table }) => table))
    // What is there now is seen from here on; what is written, once it has been.
    await refresh()
    for await (const chunk of source.chunks(family)) {
      await createChunkMove({ family, tables, chunk, writers, replace, refresh })()
      progress.show()
    }
  }

  interface ChunkDeps {
    family: Family
    tables: readonly MovedTable[]
    chunk: Chunk
    writers: ReadonlyMap<MovedTable, Upsert>
    replace: Upsert
    refresh: () => Promise<void>
  }

  function createChunkMove({ family, tables, chunk, writers, replace, refresh }: ChunkDeps) {
    const { parent } = family
    const children = tables.filter((table) => table !== parent)
    const idOf = (row: Row) => String(row[parent.of])
    const parents = new Map(chunk.parents.map((row) => [idOf(row), row]))
    const rules = names[family.name]

    return async (): Promise<void> => {
      const ids = [...parents.keys()]
      const stored = await readStored(ids)
      const fresh = ids.filter((id) => !stored.has(id))
      const known = ids.filter((id) => stored.has(id))
      const changed = await compare(known)
      // What was renamed frees names that new ones may have.
      if (changed.length > 0) await write(changed, stored, false)
      if (fresh.length > 0) await write(fresh, stored, true)
    }

    async function readStored(ids: readonly string[]): Promise<Map<string, Row>> {
      const stored = new Map<string, Row>()
      for await (const rows of readRows(engine, parent, ids))
        for (const row of rows) stored.set(idOf(row), row)
      return stored
    }

    /** Ids of parents that are not the same on both sides; counts those that are as done. */
    async function compare(ids: readonly string[]): Promise<string[]> {
      if (ids.length === 0) return []
      const pairs: { table: MovedTable; here: Digests; there: Digests }[] = []
      for (const table of tables) {
        const there = await digestSource(table, ids)
        pairs.push({ table, here: await digestStored(table, ids), there })
      }
      const changed = new Set(
        pairs.flatMap(({ here, there }) =>
          ids.filter((id) => !isSame(there.get(id) ?? emptyDigest(), here.get(id) ?? emptyDigest())),
        ),
      )
      for (const { table, here, there } of pairs) {
        for (const id of ids)
          if (!changed.has(id)) report.count(table, { id, source: there.get(id), store: here.get(id) })
      }
      return [...changed]
    }

    async function* sourceRows(table: MovedTable, ids: readonly string[]): AsyncGenerator<Row[]> {
      if (table === parent) yield ids.map((id) => parents.get(id) as Row)
      else yield* chunk.rows(table, ids)
    }

    async function digestSource(table: MovedTable, ids: readonly string[]): Promise<Digests> {
      return digest(table, sourceRows(table, ids), (rows) => progress.add(table, rows))
    }

    async function digestStored(table: MovedTable, ids: readonly string[]): Promise<Digests> {
      return digest(table, readRows(engine, table, ids))
    }

    async function write(ids: readonly string[], stored: ReadonlyMap<string, Row>, isFresh: boolean) {
      const sent = new Map<MovedTable, Digests>()
      for (const table of children) sent.set(table, await writeTable(table, ids, isFresh))
      report.wrote(parent, ids.length)
      if (!report.isDryRun) await writeParents(ids, stored, isFresh)
      sent.set(parent, await digestSource(parent, ids))
      await refresh()
      for (const table of tables) {
        const there = sent.get(table) ?? new Map()
        const here: Digests = await digestStored(table, ids)
        for (const id of ids) report.count(table, { id, source: there.get(id), store: here.get(id) })
      }
    }

    /** Writes the children; what is hashed is what was written, whatever the source does meanwhile. */
    async function writeTable(table: MovedTable, ids: readonly string[], isFresh: boolean): Promise<Digests> {
      const digests: Digests = new Map()
      const properties = comparedOf(table)
      const upsert = writers.get(table) as Upsert
      const writing = severalAtOnce(atOnce)
      for await (const rows of batches(sourceRows(table, ids))) {
        for (const row of rows) addTo(digests, String(row[table.of]), properties, row)
        progress.add(table, rows.length)
        report.wrote(table, rows.length)
        if (report.isDryRun) continue
        // The next rows are read while these are written.
        await writing.add(upsert(rows, { isFresh }))
      }
      await writing.end()
      return digests
    }

    async function writeParents(
      ids: readonly string[],
      stored: ReadonlyMap<string, Row>,
      isFresh: boolean,
    ): Promise<void> {
      const rows = ids.map((id) => parents.get(id) as Row)
      const renamed = rules ? rows.filter((row) => isRenamed(rules, row, stored)) : []
      if (rules) await renameAll(rules, renamed, stored)
      const others = rows.filter((row) => !renamed.includes(row))
      if (rules) refuseTaken(await claimNames(engine, rules, others, stored))
      if (others.length > 0) await (writers.get(parent) as Upsert)(others, { isFresh })
    }

    /** One that takes the name of another waits until that one has its new name. */
    async function renameAll(rules: NameRules, renamed: readonly Row[], stored: ReadonlyMap<string, Row>) {
      for (let due = renamed; due.length > 0; ) {
        const left: Awaited<ReturnType<typeof claimNames>> = []
        for (const row of due) {
          const lost = await claimNames(engine, rules, [row], stored)
          if (lost.length === 0) await rename(rules, [row], stored)
          left.push(...lost)
        }
        if (left.length === due.length) refuseTaken(left)
        due = left.map(({ row }) => row)
      }
    }

    function refuseTaken([lost]: Awaited<ReturnType<typeof claimNames>>): void {
      if (!lost) return
      const { row, takenBy } = lost
      throw new Error(
        `${parent.name}: the name ${JSON.stringify(row.name)} of ${idOf(row)} is taken by ${takenBy}.`,
      )
    }

    function isRenamed({ keyOf }: NameRules, row: Row, stored: ReadonlyMap<string, Row>): boolean {
      const before = stored.get(idOf(row))
      return before !== undefined && keyOf(before) !== keyOf(row)
    }

    /** The name changes with the fence, which stops whoever else is about to change it. */
    async function rename(rules: NameRules, rows: readonly Row[], stored: ReadonlyMap<string, Row>) {
      const pairs = rows.map((row) => {
        const before = stored.get(idOf(row)) as Row
        const kept = Object.fromEntries(parent.own.map((property) => [property, before[property]]))
        return { before, after: { ...row, ...kept, [rules.fence]: Number(before[rules.fence]) + 1 } }
      })
      await replace(
        pairs.map(({ after }) => after),
        { isFresh: false },
      )
      await releaseNames(engine, rules, pairs)
    }
  }

  return { move }
}

async function digest(
  table: MovedTable,
  parts: AsyncIterable<Row[]>,
  note: (rows: number) => void = () => {},
): Promise<Digests> {
  const digests: Digests = new Map()
  const properties = comparedOf(table)
  for await (const rows of parts) {
    for (const row of rows) addTo(digests, String(row[table.of]), properties, row)
    note(rows.length)
  }
  return digests
}

function addTo(digests: Digests, id: string, properties: readonly string[], row: Row): void {
  const own = digests.get(id) ?? emptyDigest()
  digests.set(id, own)
  addRow(own, properties, row)
}

/** Waits while as many promises are under way; the first failure is thrown to whoever comes next. */
function severalAtOnce(limit: number) {
  const inFlight = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  const check = () => {
    if (failure) throw failure.error
  }
  return {
    async add(work: Promise<void>): Promise<void> {
      const settled = work
        .catch((error: unknown) => {
          failure ??= { error }
        })
        .finally(() => inFlight.delete(settled))
      inFlight.add(settled)
      if (inFlight.size >= limit) await Promise.race(inFlight)
      check()
    },
    async end(): Promise<void> {
      await Promise.all(inFlight)
      check()
    },
  }
}

/** Rows in batches that are worth a statement and not too large for one. */
async function* batches(parts: AsyncIterable<Row[]>): AsyncGenerator<Row[]> {
  let batch: Row[] = []
  let characters = 0
  for await (const rows of parts) {
    for (const row of rows) {
      batch.push(row)
      characters += lengthOf(row)
      if (batch.length < BATCH_ROWS && characters < BATCH_CHARACTERS) continue
      yield batch
      batch = []
      characters = 0
    }
  }
  if (batch.length > 0) yield batch
}

function lengthOf(row: Row): number {
  let length = 0
  for (const value of Object.values(row)) if (typeof value === 'string') length += value.length
  return length
}
