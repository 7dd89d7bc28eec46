// The months that CrateDB partitions spans by.

const EARLIEST = '2020-01'
const OTHER_MONTH = '1970-01'

/**
 * The month (YYYY-MM, UTC) of a time. Times that no application traces share one bucket: a client that sends any would
 * make a partition for each.
 */
export function monthOfTrace(timestampMs: number, nowMs: number): string {
  if (!(timestampMs >= 0 && timestampMs <= nowMs + DAY_MS)) return OTHER_MONTH
  const month = new Date(timestampMs).toISOString().slice(0, 7)
  return month < EARLIEST ? OTHER_MONTH : month
}

const DAY_MS = 24 * 60 * 60 * 1000
