// The state of a database for programs.
import type { DatabaseStatus, StatementStatus } from '../../platform/database/status.ts'

const statementJson = ({ statement, ms, user, failed }: StatementStatus) => ({ statement, ms, user, failed })

/** Sizes are bytes, times milliseconds; what the database does not have, or not show, is left out. */
export const statusJson = (status: DatabaseStatus, place: string) => ({
  database: place,
  version: status.version,
  cluster: status.cluster,
  health: status.health,
  size: status.size,
  nodes: status.nodes?.map((node) => ({
    name: node.name,
    version: node.version,
    heap_used: node.heapUsed,
    heap_max: node.heapMax,
    load: node.load,
    disk_used: node.diskUsed,
    disk_free: node.diskFree,
  })),
  tables: status.tables?.map(({ name, rows, size, shards, missing }) => ({
    name,
    rows: rows ?? null,
    size,
    shards,
    missing_copies: missing,
  })),
  rows_are_estimates: status.rowsAreEstimates,
  slow_statements: status.slow?.map(statementJson),
  running_statements: status.running?.map(statementJson),
  failed_checks: status.failedChecks,
  notices: status.notices,
})
