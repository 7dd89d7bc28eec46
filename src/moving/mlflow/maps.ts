// How a table of stock MLflow becomes one of ours.
import type { Row } from '../families.store.ts'
import type { Columns, Select } from './selects.ts'
import type { Raw } from './values.ts'

/** What rows are made with besides their columns. */
export interface Context {
  /** Parents of the chunk by the source's key, such as a model's name. */
  parents: ReadonlyMap<string, Row>
  /** More that was read of the parents, by the source's key. */
  extra: ReadonlyMap<string, Raw>
}

/** Rows of a child table. */
export interface ChildMap extends Select {
  /** The column that names the parent; answered as `owner`. */
  owner: string
  where?: string
  /** Undefined for a row that does not move. */
  row(raw: Raw, parent: Row, context: Context): Row | undefined
}

export interface ParentMap extends Select {
  /** The column of the source's key, by which they are paged; answered as `id`. */
  id: string
  where?: string
  /** The column that names the experiment, by which parents are chosen. */
  experiment?: string
  row(raw: Raw, context: Omit<Context, 'parents'>): Row
  /** Reads what the rows of a page need besides. */
  extra?(read: ReadExtra, raws: readonly Raw[]): Promise<Map<string, Raw>>
}

export type ReadExtra = (
  select: Select,
  owner: string,
  ids: readonly unknown[],
  where?: string,
) => Promise<Raw[]>

export interface FamilyMap {
  parent: ParentMap
  /** By the names of the moved tables. */
  children: Readonly<Record<string, ChildMap>>
}

/** Whether the source has the tables of a map. */
export const isReadable = (columns: Columns, { tables }: Select): boolean =>
  Object.values(tables).every((table) => columns.has(table))
