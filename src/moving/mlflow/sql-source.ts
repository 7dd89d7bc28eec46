// The tables of stock MLflow as the source of a move. They are read page by page, so that a server may go on writing to them.
import type { Family, FamilyName, MovedTable, Row } from '../families.store.ts'
import { CHUNK_PARENTS, CHUNK_ROWS, type Chunk, cut, PAGE_ROWS, type Source } from '../source.ts'
import { withoutLastTie } from '../tables.store.ts'
import { evaluationDatasets, issues, labelSchemas, reviewQueues, scorers } from './evaluation-rows.ts'
import { type ChildMap, type Context, type FamilyMap, isReadable, type ReadExtra } from './maps.ts'
import { registeredModels, webhooks } from './registry-rows.ts'
import { checkSchema } from './schema-version.ts'
import {
  type Clause,
  type Columns,
  isOneOf,
  named,
  padded,
  quote,
  type Select,
  selectText,
} from './selects.ts'
import type { SqlReader } from './sql-reader.ts'
import { traces } from './trace-rows.ts'
import { datasets, experiments, loggedModels, runs } from './tracking-rows.ts'
import type { Raw } from './values.ts'

const MAPS: Partial<Record<FamilyName, FamilyMap>> = {
  experiments,
  datasets,
  runs,
  logged_models: loggedModels,
  registered_models: registeredModels,
  webhooks,
  traces,
  evaluation_datasets: evaluationDatasets,
  label_schemas: labelSchemas,
  review_queues: reviewQueues,
  scorers,
  issues,
}

export interface SqlSourceOptions {
  name: string
  /** Names or ids of experiments; empty for all, and for what belongs to none. */
  experiments: readonly string[]
  takesNewer: boolean
}

/** @throws Error for a schema that is not read, and for an experiment that is not there */
export async function createSqlSource(reader: SqlReader, options: SqlSourceOptions): Promise<Source> {
  const columns = await reader.columns()
  await checkSchema(reader, columns, options)
  const chosen = await chooseExperiments(reader, options.experiments)
  const read = async (select: Select, clause: Clause): Promise<Raw[]> =>
    named(select, await reader.rows(selectText(columns, select, clause), clause.params ?? []))
  const readExtra: ReadExtra = async (select, owner, given, where) => {
    const ids = padded(given)
    return isReadable(columns, select)
      ? read(select, { where: [isOneOf(owner, ids), where].filter(Boolean).join(' AND '), params: ids })
      : []
  }
  const mapOf = (table: MovedTable) => findMap(table.name, columns, chosen)
  return {
    name: options.name,
    has: (table) => mapOf(table) !== undefined,
    chunks: (family) => chunksOf({ read, readExtra, columns, chosen }, family),
    async estimate() {
      const counts = new Map<string, number>()
      for (const [name, map] of Object.entries(MAPS)) {
        for (const [table, { tables }] of [[name, map.parent] as const, ...Object.entries(map.children)]) {
          if (!findMap(table, columns, chosen)) continue
          const [row] = await reader.rows(`SELECT count(*) FROM ${quote(tables.t ?? '')}`, [])
          counts.set(table, Number(row?.[0] ?? 0))
        }
      }
      return counts
    },
    notes: () => [],
    close: () => reader.close(),
  }
}

/** The map of a table; undefined when the source has no such table, or it belongs to no experiment that was chosen. */
function findMap(name: string, columns: Columns, chosen: readonly unknown[]): Select | undefined {
  for (const [family, { parent, children }] of Object.entries(MAPS)) {
    const map = family === name ? parent : children[name]
    if (!map) continue
    const isChosen = chosen.length === 0 || parent.experiment !== undefined
    return isChosen && isReadable(columns, parent) && isReadable(columns, map) ? map : undefined
  }
  return undefined
}

/** Ids of experiments by ids and names. @throws Error for one that is not there */
async function chooseExperiments(reader: SqlReader, wanted: readonly string[]): Promise<unknown[]> {
  if (wanted.length === 0) return []
  const rows = await reader.rows('SELECT experiment_id, name FROM experiments', [])
  return wanted.map((one) => {
    const found = rows.find(([, name]) => name === one) ?? rows.find(([id]) => String(id) === one)
    if (!found) throw new Error(`There is no experiment ${JSON.stringify(one)} in the source.`)
    return found[0]
  })
}

interface Reading {
  read: (select: Select, clause: Clause) => Promise<Raw[]>
  readExtra: ReadExtra
  columns: Columns
  chosen: readonly unknown[]
}

async function* chunksOf(reading: Reading, family: Family): AsyncGenerator<Chunk> {
  const map = MAPS[family.name]
  if (!map) return
  const { read, readExtra, columns, chosen } = reading
  const { id, experiment, where } = map.parent
  const heavy = family.children.flatMap((table) => {
    const child = table.order && map.children[table.name]
    return child && isReadable(columns, child) ? [child] : []
  })
  for (let after: unknown; ; ) {
    const isBehind = after === undefined ? undefined : `${quote(id)} > ?`
    const isChosen = chosen.length > 0 && experiment ? isOneOf(experiment, chosen) : undefined
    const raws = await read(map.parent, {
      where: [where, isBehind, isChosen].filter(Boolean).join(' AND ') || undefined,
      params: [...(isBehind ? [after] : []), ...(isChosen ? chosen : [])],
      order: quote(id),
      limit: CHUNK_PARENTS,
    })
    if (raws.length === 0) return
    after = raws.at(-1)?.id
    const extra = (await map.parent.extra?.(readExtra, raws)) ?? new Map<string, Raw>()
    const pairs = raws.map((raw) => ({ key: raw.id, row: map.parent.row(raw, { extra }) }))
    const counts = await countChildren(
      read,
      heavy,
      raws.map((raw) => raw.id),
    )
    for (const piece of cut(pairs, ({ key }) => counts.get(String(key)) ?? 0)) {
      yield chunkOf(reading, family, map, piece, counts)
    }
  }
}

/** A parent's row and its key in the source. */
interface Keyed {
  key: unknown
  row: Row
}

async function countChildren(
  read: Reading['read'],
  heavy: readonly ChildMap[],
  keys: readonly unknown[],
): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const { tables, joins, owner, where } of heavy) {
    const select = { tables, ...(joins && { joins }), columns: { owner, rows: 'count(*)' } }
    const ids = padded(keys)
    const isOwn = [isOneOf(owner, ids), where].filter(Boolean).join(' AND ')
    const found = await read(select, { where: `${isOwn} GROUP BY ${quote(owner)}`, params: ids })
    for (const { owner: id, rows } of found)
      counts.set(String(id), (counts.get(String(id)) ?? 0) + Number(rows))
  }
  return counts
}

function chunkOf(
  { read, columns }: Reading,
  family: Family,
  map: FamilyMap,
  keyed: readonly Keyed[],
  counts: ReadonlyMap<string, number>,
): Chunk {
  const byKey = new Map(keyed.map(({ key, row }) => [String(key), row]))
  const keyOf = new Map(keyed.map(({ key, row }) => [String(row[family.parent.of]), key]))
  const context: Context = { parents: byKey, extra: new Map() }
  return {
    parents: keyed.map(({ row }) => row),
    async *rows(table, ids) {
      const child = map.children[table.name]
      if (!child || !isReadable(columns, child)) return
      const keys = ids.map((id) => keyOf.get(id))
      const isMany = keys.length === 1 && (counts.get(String(keys[0])) ?? 0) > CHUNK_ROWS
      const parts =
        isMany && table.order ? pagesOf(read, child, keys[0], table.order) : wholeOf(read, child, keys)
      for await (const raws of parts) {
        yield raws.flatMap((raw): Row[] => {
          const parent = byKey.get(String(raw.owner))
          const row = parent && child.row(raw, parent, context)
          return row ? [row] : []
        })
      }
    },
  }
}

async function* wholeOf(
  read: Reading['read'],
  child: ChildMap,
  keys: readonly unknown[],
): AsyncGenerator<Raw[]> {
  const ids = padded(keys)
  yield await read(child, {
    where: [isOneOf(child.owner, ids), child.where].filter(Boolean).join(' AND '),
    params: ids,
  })
}

/** One parent's rows, for each value of the first property of the order, by the next ones. */
async function* pagesOf(
  read: Reading['read'],
  child: ChildMap,
  key: unknown,
  order: readonly string[],
): AsyncGenerator<Raw[]> {
  const columns = order.map((property) => COLUMNS_OF_ORDER[property] ?? property)
  const [first = '', ...rest] = columns
  const isOwn = [`${quote(child.owner)} = ?`, child.where].filter(Boolean).join(' AND ')
  const isGrouped = rest.length > 0
  const groups = isGrouped
    ? await read(
        { ...child, columns: { value: first } },
        { where: `${isOwn} GROUP BY ${quote(first)}`, params: [key] },
      )
    : [undefined]
  const sorted = isGrouped ? rest : columns
  const names = sorted.map((column) => nameOf(child, column))
  for (const group of groups) {
    const isInGroup = group ? `${isOwn} AND ${quote(first)} = ?` : isOwn
    const own = group ? [key, group.value] : [key]
    for (let after: Raw | undefined; ; ) {
      const behind = after
        ? isBehind(
            sorted,
            names.map((name) => after?.[name]),
          )
        : undefined
      const page = await read(child, {
        where: [isInGroup, behind?.text].filter(Boolean).join(' AND '),
        params: [...own, ...(behind?.params ?? [])],
        order: sorted.map(quote).join(', '),
        limit: PAGE_ROWS,
      })
      const rows = page.length < PAGE_ROWS ? page : withoutLastTie(page, names)
      if (rows.length === 0) break
      yield rows
      if (page.length < PAGE_ROWS) break
      after = rows.at(-1)
    }
  }
}

/** Columns of the properties that large tables are sorted by. */
const COLUMNS_OF_ORDER: Record<string, string> = {
  key: 't.key',
  timestamp: 't.timestamp',
  step: 't.step',
  value: 't.value',
  spanId: 't.span_id',
  datasetRecordId: 't.dataset_record_id',
  itemId: 't.item_id',
}

const nameOf = (child: ChildMap, column: string): string =>
  Object.entries(child.columns).find(([, own]) => own === column)?.[0] ?? ''

/** Holds behind the place. The first condition, said apart, lets an index find it. */
function isBehind(
  columns: readonly string[],
  place: readonly unknown[],
): { text: string; params: unknown[] } {
  const [first = ''] = columns
  const params: unknown[] = [place[0]]
  const further = (at: number): string => {
    const column = quote(columns[at] ?? '')
    if (at === columns.length - 1) {
      params.push(place[at])
      return `${column} > ?`
    }
    params.push(place[at], place[at])
    return `(${column} > ? OR (${column} = ? AND ${further(at + 1)}))`
  }
  const rest = further(0)
  return { text: `${quote(first)} >= ? AND ${rest}`, params }
}
