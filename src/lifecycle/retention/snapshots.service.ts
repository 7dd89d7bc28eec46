// The strategy `snapshot`: old partitions, or a table with old rows, are put into a snapshot of the database, and deleted when it is proved to be whole.
import { setTimeout as sleep } from 'node:timers/promises'
import { MlflowError } from '../../errors.ts'
import type { Partition, Snapshot, SnapshotPlace } from '../../platform/database/aging.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { countRange, deletionOfRange, spell } from '../../platform/database/old-rows.ts'
import type { PolicyDefinition } from './schema.ts'
import { type Counts, type Found, failure, type Step, type StepRun, type Strategy } from './strategies.ts'
import { countsOf, partitionName, type TableData, tableOf } from './table-data.ts'
import { TakenOver } from './taken-over.ts'

const POLL_MS = 200
const LONGEST_POLL_MS = 2_000

/** What a snapshot has to have. */
interface Wanted {
  place: SnapshotPlace
  shards: number
  has: (made: Snapshot) => boolean
}

export function createSnapshots(engine: Engine, data: TableData): Strategy {
  const { partitionsOf, findDue, findNow, drop, rangeOf, sizeOf, deleteRange, checkPartitions } = data

  const readable = (statements: readonly Parameters<typeof spell>[1][]): string =>
    statements.map((statement) => spell(engine, statement).replace(/\s+/g, ' ')).join('; ')

  async function requireRepository({ repository = '' }: PolicyDefinition): Promise<void> {
    if (await partitionsOf().hasRepository(engine, repository)) return
    throw new MlflowError('INVALID_STATE', `There is no repository ${repository}.`)
  }

  async function planPartitions(policy: PolicyDefinition, cutoffMs: number): Promise<Step[]> {
    const due = await findDue(policy, cutoffMs)
    const { repository = '' } = policy
    const table = tableOf(policy)
    const { hold, beginSnapshot, drop: dropping } = partitionsOf()
    return due.map((partition) => {
      const place = { repository, name: `crateflow-…-${partition.ident}` }
      return {
        key: partition.ident,
        statement: readable([
          hold(table, partition, true),
          beginSnapshot(table, partition, place),
          dropping(table, partition),
        ]),
        partition: partitionName(partition),
        counts: countsOf(partition),
        run: (run) => movePartition(policy, partition, run),
      }
    })
  }

  /**
   * Puts a partition into a snapshot and drops it when that is proved. Meanwhile the partition takes no writes, so nothing is dropped that is not in
   * the snapshot. When it fails the partition stays, takes writes again, and the snapshot goes.
   */
  async function movePartition(
    policy: PolicyDefinition,
    partition: Partition,
    run: StepRun,
  ): Promise<Partial<Counts>> {
    const { count, hold, dropSnapshot, findSnapshot } = partitionsOf()
    const [table, { repository = '' }] = [tableOf(policy), policy]
    const place = { repository, name: `crateflow-${run.executionId}-${partition.ident}` }
    await requireRepository(policy)
    await engine.execute(hold(table, partition, true))
    try {
      const rows = await count(engine, table, partition)
      await snapshotPartition(policy, partition, { place, goOn: run.goOn })
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
  async function snapshotPartition(
    policy: PolicyDefinition,
    partition: Partition,
    { place, goOn }: { place: SnapshotPlace } & Pick<StepRun, 'goOn'>,
  ): Promise<void> {
    const { beginSnapshot, findSnapshot, dropSnapshot } = partitionsOf()
    const table = tableOf(policy)
    const left = await findSnapshot(engine, place)
    // Of an execution that goes on; the partition has taken no writes since, or it is made anew.
    const isUsable = left && partition.isHeld && ['SUCCESS', 'IN_PROGRESS'].includes(left.state)
    if (left && !isUsable) await engine.execute(dropSnapshot(place))
    if (!isUsable) await engine.execute(beginSnapshot(table, partition, place))
    const values = JSON.stringify(Object.values(partition.values).map((value) => value && String(value)))
    await proveSnapshot(
      {
        place,
        shards: partition.shards,
        has: ({ partitions }) =>
          partitions.some(
            ({ schema, table: name, ...one }) =>
              schema === table.schema && name === table.table && JSON.stringify(one.values) === values,
          ),
      },
      goOn,
    )
  }

  /** Waits for the end of the snapshot. @throws INVALID_STATE when it is not whole */
  async function proveSnapshot({ place, shards, has }: Wanted, goOn: StepRun['goOn']): Promise<void> {
    const { findSnapshot } = partitionsOf()
    let made = await findSnapshot(engine, place)
    for (let pause = POLL_MS; made?.state === 'IN_PROGRESS'; pause = Math.min(pause * 2, LONGEST_POLL_MS)) {
      await sleep(pause)
      await goOn()
      made = await findSnapshot(engine, place)
    }
    const isWhole = made?.state === 'SUCCESS' && made.failures.length === 0 && made.shards === shards
    if (made && isWhole && has(made)) return
    throw new MlflowError(
      'INVALID_STATE',
      `The snapshot ${place.repository}.${place.name} is not whole: ${
        made
          ? `state ${made.state}, ${made.shards} of ${shards} shards${made.failures.length > 0 ? `, ${made.failures.join('; ').slice(0, 500)}` : ''}`
          : 'it is not there'
      }. The data stays where it is.`,
    )
  }

  async function planRange(policy: PolicyDefinition, cutoffMs: number): Promise<Step[]> {
    const range = await rangeOf(policy, cutoffMs)
    const { rows, bytesOf } = await sizeOf(range)
    if (rows === 0) return []
    const place = { repository: policy.repository ?? '', name: 'crateflow-…-1' }
    return [
      {
        key: 'range',
        statement: readable([
          partitionsOf().beginSnapshot(range.table, undefined, place),
          deletionOfRange(range),
        ]),
        counts: { rows, bytes: bytesOf(rows) },
        async run(run) {
          await requireRepository(policy)
          await snapshotTable(policy, run, () => countRange(engine, range).then(({ old }) => old))
          await deleteRange(range, run, bytesOf)
          return {}
        },
      },
    ]
  }

  /**
   * Puts the whole table into a snapshot, and proves it. Whoever goes on with an execution makes another one, since rows may have come meanwhile: what an
   * earlier one of the same execution has may be deleted already, so that stays.
   */
  async function snapshotTable(
    policy: PolicyDefinition,
    { executionId, goOn }: StepRun,
    countOld: () => Promise<number>,
  ): Promise<void> {
    const { beginSnapshot, findSnapshot, dropSnapshot, shardsOf } = partitionsOf()
    const [table, { repository = '' }] = [tableOf(policy), policy]
    const placeOf = (number: number) => ({ repository, name: `crateflow-${executionId}-${number}` })
    let number = 1
    for (let left = await findSnapshot(engine, placeOf(number)); left; ) {
      if (left.state === 'SUCCESS') number++
      else await engine.execute(dropSnapshot(placeOf(number)))
      left = await findSnapshot(engine, placeOf(number))
    }
    const place = placeOf(number)
    const rows = await countOld()
    await engine.execute(beginSnapshot(table, undefined, place))
    try {
      const shards = await shardsOf(engine, table)
      const has = ({ tables }: Snapshot) =>
        tables.some(({ schema, table: name }) => schema === table.schema && name === table.table)
      await proveSnapshot({ place, shards, has }, goOn)
      const after = await countOld()
      if (after !== rows)
        throw new MlflowError(
          'INVALID_STATE',
          `Old rows were written or deleted while the snapshot was made: ${rows} before, ${after} afterwards.`,
        )
    } catch (error) {
      if (!(error instanceof TakenOver) && (await findSnapshot(engine, place)))
        await engine.execute(dropSnapshot(place))
      throw error
    }
  }

  async function check(policy: PolicyDefinition): Promise<Found[]> {
    const found = policy.category === 'partition' ? await checkPartitions(policy) : []
    const { repository = '' } = policy
    if (await partitionsOf().hasRepository(engine, repository)) return found
    return [...found, failure('repository_missing', `There is no repository ${repository}.`)]
  }

  return {
    categories: ['partition', 'timerange'],
    fields: ['repository'],
    keepsRows: false,
    takesOwn: [],
    needsPartitions: true,
    plan: (policy, cutoffMs) =>
      policy.category === 'timerange' ? planRange(policy, cutoffMs) : planPartitions(policy, cutoffMs),
    check,
  }
}
