// Rows that belong to a run under a key.

/** What identifies a param, a tag or a metric. */
export const idOf = ({ runId, key }: { runId: string; key: string }) => `${runId}\0${key}`

/** Rows sorted by primary key: PostgreSQL servers that write the same rows at once must lock them in one order. */
export const inKeyOrder = <Row>(rows: Map<string, Row>): Row[] =>
  [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
