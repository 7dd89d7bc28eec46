// Strategies on tables: their old partitions or rows are deleted, moved to other nodes, or put into snapshots and then deleted.
import { setTimeout as sleep } from 'node:timers/promises'
import { invalidParameter, MlflowError, unavailable } from '../../errors.ts'
import type { Aging, Partition, Partitions, TimeRange } from '../../platform/database/aging.ts'
import type { Engine } from '../../platform/database/engine.ts'
import {
  countRange,
  deletionOfRange,
  describeData,
  identifierOf,
  spell,
} from '../../platform/database/old-rows.ts'
import type { TableName } from '../../platform/database/own-columns.ts'
import type { PolicyDefinition } from './schema.ts'
import type { Counts, Found, Step, StepRun, Strategy } from './strategies.ts'
import { TakenOver } from './taken-over.ts'
import { parseTarget } from './target.ts'

/** Times that a range is gone through before its rows are left to the next execution. */
const MAX_ROUNDS = 3
const POLL_MS = 200
const LONGEST_POLL_MS = 2_000

export interface TableStrategies {
  deleteFrom: Pick<Strategy, 'plan' | 'check'>
  reallocate: Strategy
  snapshot: Strategy
}

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

export function createTableStrategies(engine: Engine): TableStrategies {
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
    (await partitionsOf().list(engine, tableOf(policy), policy.column ?? '')).find(
      (one) => one.ident === ident,
    )

  const countsOf = ({ rows, bytes }: Partition): Counts => ({ rows, bytes })

  /** @throws TEMPORARILY_UNAVAILABLE when the partition stays */
  async function drop(policy: PolicyDefinition, partition: Partition): Promise<void> {
    await engine.execute(partitionsOf().drop(tableOf(policy), partition))
    if (await findNow(policy, partition)) throw unavailable('The database did not drop the partition.')
  }

  const dropStep = (policy: PolicyDefinition, partition: Partition): Step => ({
    key: partition.ident,
    statement: spell(engine, partitionsOf().drop(tableOf(policy), partition)),
    partition: partitionName(partition),
    counts: countsOf(partition),
    async run() {
      await drop(policy, partition)
      return countsOf(partition)
    },
  })

  async function rangeOf(policy: PolicyDefinition, untilMs: number): Promise<TimeRange> {
    const table = tableOf(policy)
    const found = await describeData(engine, table)
    if (!found) throw invalidParameter(`There is no table ${policy.target}.`)
    if (!found.isTable) throw invalidParameter(`${policy.target} is no table, but a view.`)
    const type = found.columns.get(policy.column ?? '')
    if (type === undefined) throw invalidParameter(`${policy.target} has no column ${policy.column}.`)
    return { table, column: { name: policy.column ?? '', type }, untilMs }
  }

  async function planRange(policy: PolicyDefinition, cutoffMs: number): Promise<Step[]> {
    const range = await rangeOf(policy, cutoffMs)
    const statement = spell(engine, deletionOfRange(range))
    const { old, all } = await countRange(engine, range)
    if (old === 0) return []
    const total = await agingOf().bytesOf(engine, range.table)
    const bytesOf = (rows: number) =>
      total === undefined ? undefined : Math.round((total * rows) / Math.max(all, 1))
    return [
      {
        key: 'range',
        statement,
        counts: { rows: old, bytes: bytesOf(old) },
        async run({ goOn, report }: StepRun) {
          for (let round = 0; round < MAX_ROUNDS; round++) {
            await goOn()
            let isEmpty = true
            for await (const { rows } of agingOf().deleteRange(engine, range)) {
              isEmpty = false
              report({ rows, bytes: bytesOf(rows) })
              await goOn()
            }
            if (isEmpty || (await countRange(engine, range)).old === 0) return {}
          }
          throw unavailable('Old rows are left: others write them as fast, or the database keeps them.')
        },
      },
    ]
  }

  async function checkRange(policy: PolicyDefinition): Promise<Found[]> {
    return policy.category === 'partition' ? checkPartitions(policy) : []
  }

  async function checkPartitions(policy: PolicyDefinition): Promise<Found[]> {
    const failure = (code: string, message: string): Found[] => [{ verdict: 'failure', code, message }]
    const columns = await partitionsOf().columns(engine, tableOf(policy))
    if (columns.length === 0) return failure('no_partitions', `${policy.target} has no partitions.`)
    if (!columns.includes(policy.column ?? ''))
      return failure(
        'not_partitioned_by',
        `${policy.target} is partitioned by ${columns.join(', ')}, not by ${policy.column}.`,
      )
    const all = await partitionsOf().list(engine, tableOf(policy), policy.column ?? '')
    const timeless = all.filter(({ endsMs }) => endsMs === undefined)
    if (timeless.length === 0) return []
    const isNone = timeless.length === all.length
    return [
      {
        verdict: isNone ? 'failure' : 'warning',
        code: 'column_type',
        message: `Values of ${policy.column} are no times: of ${all.length} partitions ${timeless.length} never go.`,
      },
    ]
  }

  async function planReallocation(policy: PolicyDefinition, cutoffMs: number): Promise<Step[]> {
    const { attribute = '', attribute_value: value = '' } = policy
    const due = await findDue(policy, cutoffMs)
    return due
      .filter(({ required }) => required[attribute] !== value)
      .map((partition) => {
        const statement = partitionsOf().require(tableOf(policy), partition, { attribute, value })
        return {
          key: partition.ident,
          statement: spell(engine, statement),
          partition: partitionName(partition),
          counts: countsOf(partition),
          async run() {
            await requireNode(policy)
            await engine.execute(statement)
            const now = await findNow(policy, partition)
            if (now && now.required[attribute] !== value)
              throw unavailable('The database did not take the setting of the partition.')
            return countsOf(partition)
          },
        }
      })
  }

  /** Shards that no node may hold would never be copied again. @throws INVALID_STATE */
  async function requireNode({
    attribute = '',
    attribute_value: value = '',
  }: PolicyDefinition): Promise<void> {
    if ((await partitionsOf().countNodes(engine, { attribute, value })) > 0) return
    throw new MlflowError('INVALID_STATE', `No node has the attribute ${attribute}=${value}.`)
  }

  async function checkReallocation(policy: PolicyDefinition): Promise<Found[]> {
    const { attribute = '', attribute_value: value = '' } = policy
    const found = await checkPartitions(policy)
    if ((await partitionsOf().countNodes(engine, { attribute, value })) > 0) return found
    return [
      ...found,
      { verdict: 'failure', code: 'no_node', message: `No node has the attribute ${attribute}=${value}.` },
    ]
  }

  async function planSnapshots(policy: PolicyDefinition, cutoffMs: number): Promise<Step[]> {
    const due = await findDue(policy, cutoffMs)
    const { repository = '' } = policy
    const table = tableOf(policy)
    const { hold, beginSnapshot, drop: dropping } = partitionsOf()
    return due.map((partition) => {
      const place = { repository, name: `crateflow-…-${partition.ident}` }
      return {
        key: partition.ident,
        statement: [
          hold(table, partition, true),
          beginSnapshot(table, partition, place),
          dropping(table, partition),
        ]
          .map((statement) => spell(engine, statement).replace(/\s+/g, ' '))
          .join('; '),
        partition: partitionName(partition),
        counts: countsOf(partition),
        run: (run) => moveToSnapshot(policy, partition, run),
      }
    })
  }

  /**
   * Puts a partition into a snapshot and drops it when that is proved. Meanwhile the partition takes no writes, so nothing is dropped that is not in
   * the snapshot. When it fails the partition stays, takes writes again, and the snapshot goes.
   */
  async function moveToSnapshot(
    policy: PolicyDefinition,
    partition: Partition,
    run: StepRun,
  ): Promise<Partial<Counts>> {
    const { count, hold, dropSnapshot, findSnapshot, hasRepository } = partitionsOf()
    const [table, { repository = '' }] = [tableOf(policy), policy]
    const place = { repository, name: `crateflow-${run.executionId}-${partition.ident}` }
    if (!(await hasRepository(engine, repository)))
      throw new MlflowError('INVALID_STATE', `There is no repository ${repository}.`)
    await engine.execute(hold(table, partition, true))
    try {
      const rows = await count(engine, table, partition)
      await takeSnapshot(policy, partition, { place, goOn: run.goOn })
      const now = await findNow(policy, partition)
      const after = now && (await count(engine, table, partition))
      if (!now?.isHeld || after !== rows)
        throw new MlflowError(
          'INVALID_STATE',
          `The partition was changed while its snapshot was made: ${rows} rows before, ${after ?? 0} afterwards.`,
        )
      await run.goOn()
      await drop(policy, partition)
      return { rows, bytes: partition.bytes }
    } catch (error) {
      // Whoever has taken the execution over needs both.
      if (error instanceof TakenOver) throw error
      const isThere = (await findNow(policy, partition)) !== undefined
      if (isThere) {
        // First the snapshot: nothing may be written that one from before would not have.
        if (await findSnapshot(engine, place)) await engine.execute(dropSnapshot(place))
        await engine.execute(hold(table, partition, false))
      }
      throw error
    }
  }

  /** Makes the snapshot, or goes on with one that was begun, and proves that it has the partition. @throws when it has not */
  async function takeSnapshot(
    policy: PolicyDefinition,
    partition: Partition,
    { place, goOn }: { place: { repository: string; name: string } } & Pick<StepRun, 'goOn'>,
  ): Promise<void> {
    const { beginSnapshot, findSnapshot, dropSnapshot } = partitionsOf()
    const table = tableOf(policy)
    const left = await findSnapshot(engine, place)
    // Of an execution that goes on; the partition has taken no writes since, or it is made anew.
    const isUsable = left && partition.isHeld && ['SUCCESS', 'IN_PROGRESS'].includes(left.state)
    if (left && !isUsable) await engine.execute(dropSnapshot(place))
    if (!isUsable) await engine.execute(beginSnapshot(table, partition, place))
    let made = await findSnapshot(engine, place)
    for (let pause = POLL_MS; made?.state === 'IN_PROGRESS'; pause = Math.min(pause * 2, LONGEST_POLL_MS)) {
      await sleep(pause)
      await goOn()
      made = await findSnapshot(engine, place)
    }
    const wanted = JSON.stringify(Object.values(partition.values).map((value) => value && String(value)))
    const hasPartition = made?.partitions.some(
      ({ schema, table: name, values }) =>
        schema === table.schema && name === table.table && JSON.stringify(values) === wanted,
    )
    const isWhole =
      made?.state === 'SUCCESS' && made.failures.length === 0 && made.shards === partition.shards
    if (isWhole && hasPartition) return
    throw new MlflowError(
      'INVALID_STATE',
      `The snapshot ${place.repository}.${place.name} is not whole: ${
        made
          ? `state ${made.state}, ${made.shards} of ${partition.shards} shards${made.failures.length > 0 ? `, ${made.failures.join('; ').slice(0, 500)}` : ''}`
          : 'it is not there'
      }. The data stays where it is.`,
    )
  }

  async function checkSnapshots(policy: PolicyDefinition): Promise<Found[]> {
    const found = await checkPartitions(policy)
    const { repository = '' } = policy
    if (await partitionsOf().hasRepository(engine, repository)) return found
    const message = `There is no repository ${repository}.`
    return [...found, { verdict: 'failure', code: 'repository_missing', message }]
  }

  return {
    deleteFrom: {
      plan: async (policy, cutoffMs) =>
        policy.category === 'timerange'
          ? planRange(policy, cutoffMs)
          : (await findDue(policy, cutoffMs)).map((partition) => dropStep(policy, partition)),
      check: checkRange,
    },
    reallocate: {
      categories: ['partition'],
      fields: ['attribute', 'attribute_value'],
      keepsRows: true,
      takesOwn: [],
      plan: planReallocation,
      check: checkReallocation,
    },
    snapshot: {
      categories: ['partition'],
      fields: ['repository'],
      keepsRows: false,
      takesOwn: [],
      plan: planSnapshots,
      check: checkSnapshots,
    },
  }
}
