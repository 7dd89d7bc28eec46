// Runs for the pages of the web UI, as SQL for this server's tables and for stock MLflow's.

export const RUNS = 10_000
/** So many of the newest runs have a history of `loss`; the others have one point of each metric. */
export const CHARTED = 10
export const POINTS = 100_000
/** MLflow's default experiment. */
export const EXPERIMENT = '0'

const METRICS = ['loss', 'accuracy', 'f1', 'recall', 'precision']
const PARAMS = ['depth', 'rate', 'optimizer', 'seed', 'batch']
const TAGS = ['team', 'stage', 'mlflow.user', 'mlflow.source.name', 'mlflow.source.type']

const BEGAN = 1_700_000_000_000
/** 32 digits, alike in all three databases. `i` is the number of a run, `s` a step. */
const RUN_ID = "'0000000000000' || CAST(1000000000000000000 + i AS TEXT)"
const double = (value) => `CAST(${value} AS DOUBLE PRECISION)`

const point = (value, step) => ({
  value: double(value),
  timestamp: `${BEGAN} + ${step}`,
  step,
  is_nan: 'false',
})
const single = (k) => point(`(i * 7919 % 10007) / 10007.0 + ${k}`, '1')
const LOSS = '1.0 / (1 + s / 1000.0) + (i % 7) / 100.0'

const run = {
  run_id: RUN_ID,
  run_name: "'run-' || CAST(i AS TEXT)",
  user_id: "'bench'",
  status: "'FINISHED'",
  start_time: `${BEGAN} + i`,
  end_time: `${BEGAN} + 1000 + i`,
  lifecycle_stage: "'active'",
  artifact_uri: `'mlflow-artifacts:/0/' || ${RUN_ID} || '/artifacts'`,
}

/** `insert(table, columns, series)` spells a statement; a series is its name and its numbers. */
function statements(insert) {
  const all = { i: [0, RUNS - 1] }
  const texts = (table, keys) =>
    keys.map((key, k) =>
      insert(
        table,
        { run_id: RUN_ID, key: `'${key}'`, value: `'value ' || CAST(i % ${k + 10} AS TEXT)` },
        all,
      ),
    )
  const history = (number) => ({ i: [number, number], s: [0, POINTS - 1] })
  const last = { value: LOSS.replace('s', POINTS - 1), step: String(POINTS - 1) }
  return [
    insert('runs', run, all),
    ...texts('params', PARAMS),
    ...texts('tags', TAGS),
    ...METRICS.flatMap((key, k) => {
      const row = { run_id: RUN_ID, key: `'${key}'`, ...single(k) }
      const some = { i: [0, RUNS - 1 - (key === 'loss' ? CHARTED : 0)] }
      return [insert('latest_metrics', row, some), insert('metrics', row, some)]
    }),
    insert(
      'latest_metrics',
      { run_id: RUN_ID, key: "'loss'", ...point(last.value, last.step) },
      { i: [RUNS - CHARTED, RUNS - 1] },
    ),
    ...Array.from({ length: CHARTED }, (_, n) =>
      insert('metrics', { run_id: RUN_ID, key: "'loss'", ...point(LOSS, 's') }, history(RUNS - CHARTED + n)),
    ),
  ]
}

const list = (entries) => entries.join(', ')

/** For this server's tables, on PostgreSQL's dialect and CrateDB's. */
export const ourRows = () =>
  statements((table, columns, series) => {
    const row = { ...columns, experiment_id: EXPERIMENT, ...(table === 'metrics' && { month: "'1970-01'" }) }
    const from = Object.entries(series).map(
      ([name, [first, end]]) => `generate_series(${first}, ${end}) AS of_${name} (${name})`,
    )
    return `INSERT INTO ${table} (${list(Object.keys(row))}) SELECT ${list(Object.values(row))} FROM ${from.join(' CROSS JOIN ')}`
  })

const STOCK_NAMES = { run_id: 'run_uuid', run_name: 'name' }

/** For stock MLflow's tables, on SQLite. */
export const stockRows = () =>
  statements((table, columns, series) => {
    const row = { ...columns, ...(table === 'runs' && { experiment_id: EXPERIMENT }) }
    const names = Object.keys(row).map((name) => STOCK_NAMES[name] ?? name)
    const numbers = Object.entries(series).map(
      ([name, [first, end]]) =>
        `of_${name}(${name}) AS (SELECT ${first} UNION ALL SELECT ${name} + 1 FROM of_${name} WHERE ${name} < ${end})`,
    )
    const from = Object.keys(series).map((name) => `of_${name}`)
    return `INSERT INTO ${table} (${list(names)}) WITH RECURSIVE ${list(numbers)} SELECT ${list(Object.values(row))} FROM ${from.join(' CROSS JOIN ')}`
  })
