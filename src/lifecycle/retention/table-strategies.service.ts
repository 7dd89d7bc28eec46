// Strategies on tables that need no snapshot: their old partitions or rows are deleted, or moved to other nodes.
import { MlflowError, unavailable } from '../../errors.ts'
import type { Partition } from '../../platform/database/aging.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { deletionOfRange, spell } from '../../platform/database/old-rows.ts'
import type { PolicyDefinition } from './schema.ts'
import { type Found, failure, type Step, type Strategy } from './strategies.ts'
import { countsOf, partitionName, type TableData, tableOf } from './table-data.ts'

export interface TableStrategies {
  deleteFrom: Pick<Strategy, 'plan' | 'check'>
  reallocate: Strategy
}

export function createTableStrategies(engine: Engine, data: TableData): TableStrategies {
  const { partitionsOf, findDue, findNow, drop, rangeOf, sizeOf, deleteRange, checkPartitions } = data

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

  async function planRange(policy: PolicyDefinition, cutoffMs: number): Promise<Step[]> {
    const range = await rangeOf(policy, cutoffMs)
    const { rows, bytesOf } = await sizeOf(range)
    if (rows === 0) return []
    return [
      {
        key: 'range',
        statement: spell(engine, deletionOfRange(range)),
        counts: { rows, bytes: bytesOf(rows) },
        async run(run) {
          await deleteRange(range, run, bytesOf)
          return {}
        },
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
    return [...found, failure('no_node', `No node has the attribute ${attribute}=${value}.`)]
  }

  return {
    deleteFrom: {
      plan: async (policy, cutoffMs) =>
        policy.category === 'timerange'
          ? planRange(policy, cutoffMs)
          : (await findDue(policy, cutoffMs)).map((partition) => dropStep(policy, partition)),
      check: async (policy) => (policy.category === 'partition' ? checkPartitions(policy) : []),
    },
    reallocate: {
      categories: ['partition'],
      fields: ['attribute', 'attribute_value'],
      keepsRows: true,
      takesOwn: [],
      plan: planReallocation,
      check: checkReallocation,
    },
  }
}
