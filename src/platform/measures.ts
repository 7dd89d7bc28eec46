// What the server counts of its own work: numbers of this process, that /metrics shows to whoever asks.
// They are no exporter's: loading one takes some ten milliseconds of a start, and few servers are asked.

export interface Measure {
  readonly name: string
  readonly help: string
  /** A counter only grows. */
  readonly kind: 'counter' | 'gauge'
  /** Name of the label that tells the values apart. Absent: there is one value, by the empty text. */
  readonly label: string | undefined
  readonly values: ReadonlyMap<string, number>
  /** A gauge also takes negative amounts. */
  add(amount: number, of?: string): void
}

/** @param labels those that are told as 0 from the beginning, so that their first increase is seen */
function measure(
  kind: Measure['kind'],
  name: string,
  help: string,
  label?: string,
  labels: readonly string[] = label ? [] : [''],
): Measure {
  const values = new Map(labels.map((of) => [of, 0]))
  return {
    name,
    help,
    kind,
    label,
    values,
    add(amount, of = '') {
      values.set(of, (values.get(of) ?? 0) + amount)
    },
  }
}

/** Writers that gather what many clients send; each has a queue of its own. */
export type WriteQueue = 'runs' | 'logged_model_metrics' | 'traces' | 'trace_starts'
const QUEUES: WriteQueue[] = ['runs', 'logged_model_metrics', 'traces', 'trace_starts']

export const measures = {
  waitingRows: measure(
    'gauge',
    'crateflow_group_commit_waiting_rows',
    'Rows that wait for the next flush',
    'queue',
    QUEUES,
  ),
  flushes: measure('counter', 'crateflow_group_commit_flushes_total', 'Flushes begun', 'queue', QUEUES),
  flushedRows: measure(
    'counter',
    'crateflow_group_commit_rows_total',
    'Rows that flushes took along',
    'queue',
    QUEUES,
  ),
  flushSeconds: measure(
    'counter',
    'crateflow_group_commit_seconds_total',
    'Time that flushes took',
    'queue',
    QUEUES,
  ),
  refusedWrites: measure(
    'counter',
    'crateflow_group_commit_refused_total',
    'Writes that were told to come back, since too many rows waited',
    'queue',
    QUEUES,
  ),
  refreshes: measure('counter', 'crateflow_refreshes_total', 'REFRESH statements, on CrateDB alone'),
  gateWaits: measure('counter', 'crateflow_refresh_gate_waits_total', 'Reads that passed the refresh gate'),
  gateSeconds: measure(
    'counter',
    'crateflow_refresh_gate_seconds_total',
    'Time that reads waited at the refresh gate',
  ),
  statements: measure('counter', 'crateflow_database_statements_total', 'Statements that ended', 'outcome', [
    'answered',
    'failed',
  ]),
  statementSeconds: measure(
    'counter',
    'crateflow_database_statement_seconds_total',
    'Time that statements took, waiting for a connection included',
  ),
  statementsUnderWay: measure(
    'gauge',
    'crateflow_database_statements_under_way',
    'Statements that wait for a connection or for their answer',
  ),
  deliveries: measure(
    'counter',
    'crateflow_webhook_attempts_total',
    'Attempts to deliver an event to a webhook',
    'outcome',
    ['delivered', 'postponed', 'given_up'],
  ),
}
