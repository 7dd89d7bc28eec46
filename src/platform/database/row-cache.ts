// Rows that are remembered by their id, where no other process can change them.

/** Rows that are remembered of a table at most; some 5 MB of runs. */
const MAX_ROWS = 10_000

export interface RowCache<Row> {
  /** What is remembered, else what `read` answers. That a row is missing is not remembered. */
  get(id: string, read: () => Promise<Row | undefined>): Promise<Row | undefined>
  /** Makes a change of one row, or of any of them where no id is given. Every change must go through here. */
  changing<T>(id: string | undefined, change: () => Promise<T>): Promise<T>
}

/** For a store that others write, too: remembers nothing. */
export const noRowCache: RowCache<never> = {
  get: (_id, read) => read(),
  changing: (_id, change) => change(),
}

export function createRowCache<Row>(): RowCache<Row> {
  const rows = new Map<string, Row>()
  /** What was read before a change may be older than it. */
  let changes = 0

  function forget(id: string | undefined): void {
    changes++
    if (id === undefined) rows.clear()
    else rows.delete(id)
  }

  return {
    async get(id, read) {
      const known = rows.get(id)
      if (known !== undefined) return known
      const before = changes
      const row = await read()
      if (row === undefined || changes !== before) return row
      for (const [oldest] of rows) {
        if (rows.size < MAX_ROWS) break
        rows.delete(oldest)
      }
      rows.set(id, row)
      return row
    },
    async changing(id, change) {
      forget(id)
      try {
        return await change()
      } finally {
        forget(id)
      }
    },
  }
}
