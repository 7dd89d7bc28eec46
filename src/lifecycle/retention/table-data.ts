// What strategies on tables have in common: the partitions and rows of a policy that are old, and how they go.
import { invalidParameter, unavailable } from '../../errors.ts'
import type { Aging, Partition, Partitions, TimeRange } from '../../platform/database/aging.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { countRange, describeData, findMisread } from '../../platform/database/old-rows.ts'
import { identifierOf, type TableName } from '../../platform/database/own-columns.ts'
import type { PolicyDefinition } from './schema.ts'
import { type Counts, type Found, failure, type StepRun } from './strategies.ts'
import { parseTarget } from './target.ts'

/** Times that a range is gone through before its rows are left to the next execution. */
const MAX_ROUNDS = 3

/** The table of a policy that is about one. */
export function tableOf(policy: PolicyDefinition): TableName {
  const target = parseTarget(policy.target)
  if ('own' in target) throw invalidParameter(`${target.own} is no table.`)
  return target.table
}

/** A partition as people read it: `month=2026-01-01T00:00:00.000Z`. */
export const partitionName = ({ values, endsMs }: Partition): string =>
  Object.entries(values)
    .map(([column, value]) => {
      const isTime = typeof value === 'number' && endsMs !== undefined && value > 1e11
      return `${column}=${isTime ? new Date(value).toISOString() : value}`
    })
    .join(', ')

export const countsOf = ({ rows, bytes }: Partition): Counts => ({ rows, bytes })

export type TableData = ReturnType<typeof createTableData>

export function createTableData(engine: Engine) {
  /** @throws INVALID_PARAMETER_VALUE where the database cannot do it */
  function agingOf(): Aging<Engine> {
    const { aging } = engine.dialect
    if (!aging) throw invalidParameter('This server has no database.')
    return aging
  }
  function partitionsOf(): Partitions<Engine> {
    const { partitions } = agingOf()
    if (!partitions)
      throw invalidParameter('The database of this server has no partitions; that takes CrateDB.')
    return partitions
  }

  /** Partitions of the policy whose whole period lies before the time, oldest first. */
  async function findDue(policy: PolicyDefinition, cutoffMs: number): Promise<Partition[]> {
    const table = tableOf(policy)
    const columns = await partitionsOf().columns(engine, table)
    if (!columns.includes(policy.column ?? ''))
      throw invalidParameter(`${policy.target} is not partitioned by ${policy.column}.`)
    // Rows are counted as far as they can be searched.
    const settle = engine.dialect.ownTables?.settle?.(identifierOf(table))
    if (settle) await engine.execute(settle)
    const all = await partitionsOf().list(engine, table, policy.column ?? '')
    return all.filter(({ endsMs }) => endsMs !== undefined && endsMs <= cutoffMs)
  }

  const findNow = async (policy: PolicyDefinition, { ident }: Partition): Promise<Partition | undefined> =>
    (await partitionsOf().list(engine, tableOf(policy), policy.column ?? '', ident))[0]

  /** @throws TEMPORARILY_UNAVAILABLE when the partition stays */
  async function drop(policy: PolicyDefinition, partition: Partition): Promise<void> {
    await engine.execute(partitionsOf().drop(tableOf(policy), partition))
    if (await findNow(policy, partition)) throw unavailable('The database did not drop the partition.')
  }

  async function rangeOf(policy: PolicyDefinition, untilMs: number): Promise<TimeRange> {
    const table = tableOf(policy)
    const found = await describeData(engine, table)
    if (!found) throw invalidParameter(`There is no table ${policy.target}.`)
    if (!found.isTable) throw invalidParameter(`${policy.target} is no table, but a view.`)
    const type = found.columns.get(policy.column ?? '')
    if (type === undefined) throw invalidParameter(`${policy.target} has no column ${policy.column}.`)
    const range = { table, column: { name: policy.column ?? '', type }, untilMs }
    const latest = await findMisread(engine, range)
    if (latest === undefined) return range
    throw invalidParameter(
      `Values of ${policy.column} are no milliseconds since 1970: the greatest of ${policy.target}, ${latest}, would lie before March 1973.`,
    )
  }

  /** Rows of the range that are old, and a measure of their bytes. */
  async function sizeOf(range: TimeRange) {
    const { old, all } = await countRange(engine, range)
    const total = await agingOf().bytesOf(engine, range.table)
    const bytesOf = (rows: number) =>
      total === undefined ? undefined : Math.round((total * rows) / Math.max(all, 1))
    return { rows: old, bytesOf }
  }

  /** Deletes the rows of the range. @throws TEMPORARILY_UNAVAILABLE when some are left */
  async function deleteRange(
    range: TimeRange,
    { goOn, report }: StepRun,
    bytesOf: (rows: number) => number | undefined,
  ): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      await goOn()
      let isEmpty = true
      for await (const { rows } of agingOf().deleteRange(engine, range)) {
        isEmpty = false
        report({ rows, bytes: bytesOf(rows) })
        await goOn()
      }
      if (isEmpty || (await countRange(engine, range)).old === 0) return
    }
    throw unavailable('Old rows are left: others write them as fast, or the database keeps them.')
  }

  async function checkPartitions(policy: PolicyDefinition): Promise<Found[]> {
    const columns = await partitionsOf().columns(engine, tableOf(policy))
    if (columns.length === 0) return [failure('no_partitions', `${policy.target} has no partitions.`)]
    if (!columns.includes(policy.column ?? ''))
      return [
        failure(
          'not_partitioned_by',
          `${policy.target} is partitioned by ${columns.join(', ')}, not by ${policy.column}.`,
        ),
      ]
    const all = await partitionsOf().list(engine, tableOf(policy), policy.column ?? '')
    const timeless = all.filter(({ endsMs }) => endsMs === undefined)
    if (timeless.length === 0) return []
    const isNone = timeless.length === all.length
    return [
      {
        verdict: isNone ? 'failure' : 'warning',
        code: 'column_type',
        message: `Values of ${policy.column} are no times, or tell no period: of ${all.length} partitions ${timeless.length} never go.`,
      },
    ]
  }

  return { partitionsOf, findDue, findNow, drop, rangeOf, sizeOf, deleteRange, checkPartitions }
}
