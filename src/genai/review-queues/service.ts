// MLflow's rules for review queues. Their items are in items.service.ts.
import { randomUUID } from 'node:crypto'
import { alreadyExists, doesNotExist, invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { claimedBy, claimName, releaseName } from '../../platform/database/name-claims.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import type { Parsed } from '../../platform/wire/message.ts'
import { offsetPage } from '../../platform/wire/page-token.ts'
import { pythonList } from '../../platform/wire/python.ts'
import * as items from './items.store.ts'
import {
  type NewQueue,
  readCustomName,
  readNewQueue,
  readOwner,
  readSchemaIds,
  readUser,
  readUsers,
  sortSchemaIds,
} from './rules.ts'
import type { CreateReviewQueue, ListReviewQueues, ReviewQueue, UpdateReviewQueue } from './schema.ts'
import type { NamedQueueRow, QueueChanges } from './store.ts'
import * as store from './store.ts'

const DEFAULT_PAGE_SIZE = 1000

export interface ReviewQueueDeps {
  engine: Engine
  clock: Clock
  /** The id of an experiment that is not deleted. @throws RESOURCE_DOES_NOT_EXIST */
  requireExperiment: (experimentId: string) => Promise<string>
  /** Those of the ids that are label schemas of the experiment. */
  findLabelSchemas: (experimentId: string, schemaIds: readonly string[]) => Promise<ReadonlySet<string>>
}

export type ReviewQueueService = ReturnType<typeof createReviewQueueService>

export function createReviewQueueService(deps: ReviewQueueDeps) {
  const { engine, clock, requireExperiment, findLabelSchemas } = deps
  const owner = store.queueNames(engine)

  /**
   * One attempt to make a queue under an id of its own: its name is claimed before, and its row makes it visible.
   * @returns the row, or the id of the queue that has the name; undefined when the attempt was fenced off by a caller
   * that took this server for dead
   */
  async function tryCreate(
    experimentId: string,
    queue: NewQueue,
    createdBy: string | null,
  ): Promise<NamedQueueRow | { takenBy: string } | undefined> {
    const queueId = `rq-${randomUUID().replaceAll('-', '')}`
    const name = store.nameKeyOf(experimentId, queue.name)
    const takenBy = await claimName(engine, owner, { name, ownerId: queueId, fence: 0 })
    if (takenBy !== undefined) return { takenBy }
    const nowMs = clock.now()
    const row = {
      ...queue,
      queueId,
      experimentId,
      schemaIds: sortSchemaIds(queue.schemaIds),
      fence: 0,
      createdBy,
      creationTimeMs: nowMs,
      lastUpdateTimeMs: nowMs,
    }
    return (await store.insertQueue(engine, row)) ? row : undefined
  }

  /** @see mlflow/store/tracking/sqlalchemy_store.py create_review_queue */
  async function create(input: Parsed<typeof CreateReviewQueue>): Promise<ReviewQueue> {
    const { queue_type } = input
    if (queue_type !== 'USER' && queue_type !== 'CUSTOM') {
      throw invalidParameter('`queue_type` must be one of USER or CUSTOM; got proto enum value 0.')
    }
    const queue = readNewQueue({
      name: input.name,
      queueType: queue_type === 'USER' ? 'user' : 'custom',
      users: input.users,
      schemaIds: input.schema_ids,
    })
    const experimentId = await requireExperiment(input.experiment_id)
    await checkLabelSchemas(input.experiment_id, experimentId, queue.schemaIds)
    for (;;) {
      const made = await tryCreate(experimentId, queue, null)
      if (made && 'takenBy' in made) throw nameTaken(queue.name)
      if (made) return toWire(made)
    }
  }

  /**
   * The user's own queue, which is made when he has none.
   * @throws RESOURCE_ALREADY_EXISTS when a queue of another kind has his name
   * @see mlflow/store/tracking/sqlalchemy_store.py get_or_create_user_queue
   */
  async function getOrCreateOfUser(givenExperimentId: string, user: string): Promise<ReviewQueue> {
    const queue = readNewQueue({ name: user, queueType: 'user', users: [], schemaIds: [] })
    const experimentId = await requireExperiment(givenExperimentId)
    for (;;) {
      const made = await tryCreate(experimentId, queue, queue.name)
      if (!made) continue
      if (!('takenBy' in made)) return toWire(made)
      const row = await store.findQueue(engine, made.takenBy)
      // It was deleted or renamed meanwhile, and the name is free.
      if (row?.name.toLowerCase() !== queue.name) continue
      if (row.queueType === 'user') return toWire(row)
      throw alreadyExists(
        `A non-user queue named '${queue.name}' already exists; cannot get-or-create a user queue with that name.`,
      )
    }
  }

  async function getByName(givenExperimentId: string, name: string): Promise<ReviewQueue> {
    const key = store.nameKeyOf(await requireExperiment(givenExperimentId), name)
    const id = await claimedBy(engine, owner.scope, key)
    const row = id === undefined ? undefined : await store.findQueue(engine, id)
    if (row && store.nameKeyOf(row.experimentId, row.name) === key) return toWire(row)
    throw doesNotExist(`Review queue with name '${name}' not found for experiment '${givenExperimentId}'.`)
  }

  /** A page of 1000 queues unless told otherwise, the newest first. */
  async function list(
    input: Parsed<typeof ListReviewQueues>,
  ): Promise<{ queues: ReviewQueue[]; nextPageToken: string }> {
    const pageSize = input.max_results ?? DEFAULT_PAGE_SIZE
    const page = offsetPage(input.page_token, pageSize)
    const found = await store.listQueues(engine, {
      experimentId: await requireExperiment(input.experiment_id),
      user: input.user === undefined ? undefined : readUser(input.user),
      itemId: input.item_id,
      ...page.bounds,
    })
    const { rows, nextPageToken = '' } = page.cut(found)
    return { queues: rows.map(toWire), nextPageToken }
  }

  /**
   * Changes what is given of a custom queue. A new name is claimed before the row is changed, and the old one is given
   * back afterwards: each step is one row, each repeatable. A change that another one has overtaken begins again.
   * @see mlflow/store/tracking/sqlalchemy_store.py update_review_queue
   */
  async function update(input: Parsed<typeof UpdateReviewQueue>): Promise<ReviewQueue> {
    for (;;) {
      const row = await requireQueue(engine, input.queue_id)
      if (row.queueType === 'user') {
        throw invalidParameter(
          "A user queue's name, assigned user, schemas, and owner are fixed and cannot be updated.",
        )
      }
      const changes = await readChanges(row, input)
      if (!changes) return toWire(row)
      const changed = await change(row, changes)
      if (changed) return toWire(changed)
    }
  }

  /** The queue's columns as they are to be; undefined when nothing is given. @throws INVALID_PARAMETER_VALUE */
  async function readChanges(
    row: NamedQueueRow,
    input: Parsed<typeof UpdateReviewQueue>,
  ): Promise<QueueChanges | undefined> {
    const { update_users, update_schema_ids, name, new_owner } = input
    if (!update_users && !update_schema_ids && name === undefined && new_owner === undefined) return undefined
    const changes = {
      createdBy: new_owner === undefined ? row.createdBy : readOwner(new_owner),
      name: name === undefined ? row.name : readCustomName(name),
      users: update_users ? readUsers(input.users) : row.users,
      schemaIds: row.schemaIds,
    }
    if (!update_schema_ids) return changes
    // Whoever adds items afterwards raises the fence, so that this change begins again.
    if (await items.hasItems(engine, row.queueId)) {
      throw invalidParameter(
        "A review queue's questions are locked once items are assigned to it. Remove the items before changing its questions.",
      )
    }
    const schemaIds = readSchemaIds(input.schema_ids)
    await checkLabelSchemas(row.experimentId, row.experimentId, schemaIds)
    return { ...changes, schemaIds: sortSchemaIds(schemaIds) }
  }

  /** @returns the changed row; undefined when another change was faster */
  async function change(row: NamedQueueRow, changes: QueueChanges): Promise<NamedQueueRow | undefined> {
    const { queueId, fence, experimentId } = row
    const oldName = store.nameKeyOf(experimentId, row.name)
    const claim = { name: store.nameKeyOf(experimentId, changes.name), ownerId: queueId, fence }
    const isOther = claim.name !== oldName
    const takenBy = isOther ? await claimName(engine, owner, claim) : undefined
    if (takenBy !== undefined) throw nameTaken(changes.name)
    const stored = await store.changeQueue(engine, { ...changes, queueId, fence, nowMs: clock.now() })
    const isChanged = stored !== undefined && isAs(changes, stored)
    if (isOther) await releaseName(engine, owner, isChanged ? { ...claim, name: oldName } : claim)
    return isChanged ? stored : undefined
  }

  /**
   * Deletes a queue, if there is one, and its items. Its row goes first: whoever is adding items finds that it is gone, and removes them.
   * @see mlflow/store/tracking/sqlalchemy_store.py delete_review_queue
   */
  async function deleteQueue(queueId: string): Promise<void> {
    const row = await store.findQueue(engine, queueId)
    if (row) {
      await store.deleteQueue(engine, queueId)
      const name = store.nameKeyOf(row.experimentId, row.name)
      await releaseName(engine, owner, { name, ownerId: queueId, fence: row.fence })
    }
    await items.removeAllItems(engine, queueId)
  }

  /** @param named the experiment's id as the text of the error has it */
  async function checkLabelSchemas(named: string, experimentId: string, schemaIds: string[]): Promise<void> {
    if (schemaIds.length === 0) return
    const found = await findLabelSchemas(experimentId, schemaIds)
    const missing = schemaIds.filter((id) => !found.has(id))
    if (missing.length === 0) return
    throw invalidParameter(`Label schema id(s) ${pythonList(missing)} not found for experiment '${named}'.`)
  }

  return {
    create,
    getOrCreateOfUser,
    get: async (queueId: string) => toWire(await requireQueue(engine, queueId)),
    getByName,
    list,
    update,
    delete: deleteQueue,
  }
}

/** @throws RESOURCE_DOES_NOT_EXIST */
export async function requireQueue(engine: Engine, queueId: string): Promise<NamedQueueRow> {
  const row = await store.findQueue(engine, queueId)
  if (!row) throw queueNotFound(queueId)
  return row
}

export const queueNotFound = (queueId: string) => doesNotExist(`Review queue with id '${queueId}' not found.`)

const nameTaken = (name: string) =>
  alreadyExists(`Review queue with name '${name}' already exists (names are case-insensitive).`)

const isAs = (changes: QueueChanges, row: NamedQueueRow): boolean =>
  changes.name === row.name &&
  changes.createdBy === row.createdBy &&
  changes.users.join('\0') === row.users.join('\0') &&
  changes.schemaIds.join('\0') === row.schemaIds.join('\0')

const toWire = (row: NamedQueueRow): ReviewQueue => ({
  queue_id: row.queueId,
  experiment_id: row.experimentId,
  name: row.name,
  queue_type: row.queueType.toUpperCase() as ReviewQueue['queue_type'],
  ...(row.createdBy !== null && { created_by: row.createdBy }),
  creation_time_ms: row.creationTimeMs,
  last_update_time_ms: row.lastUpdateTimeMs,
  ...(row.users.length > 0 && { users: row.users }),
  ...(row.schemaIds.length > 0 && { schema_ids: row.schemaIds }),
})
