// MLflow's rules for the items of review queues: which may be added, and who has reviewed them.
import { doesNotExist, invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import type { Parsed } from '../../platform/wire/message.ts'
import { offsetPage } from '../../platform/wire/page-token.ts'
import { pythonList } from '../../platform/wire/python.ts'
import * as items from './items.store.ts'
import { readCompletedBy, readItemId, readItemIds } from './rules.ts'
import type {
  AddItemsToReviewQueue,
  ListReviewQueueItems,
  ReviewQueueItem,
  SetReviewQueueItemStatus,
} from './schema.ts'
import { queueNotFound, requireQueue } from './service.ts'
import * as store from './store.ts'
import type { ItemStatus, ReviewQueueItemRow } from './tables.ts'

const DEFAULT_PAGE_SIZE = 1000

export interface ReviewItemDeps {
  engine: Engine
  clock: Clock
  /** The experiments of those of the traces that exist, by trace id. */
  experimentsOfTraces: (traceIds: readonly string[]) => Promise<ReadonlyMap<string, string>>
}

export type ReviewItemService = ReturnType<typeof createReviewItemService>

export function createReviewItemService({ engine, clock, experimentsOfTraces }: ReviewItemDeps) {
  /**
   * Adds traces of the queue's experiment. What is there already keeps its status.
   * @returns the items in the order of the request
   * @throws RESOURCE_DOES_NOT_EXIST when one of the traces is not there; then none is added
   * @see mlflow/server/handlers.py _add_items_to_review_queue
   */
  async function add(input: Parsed<typeof AddItemsToReviewQueue>): Promise<ReviewQueueItem[]> {
    const queueId = input.queue_id
    const itemIds = readItemIds(input.item_ids)
    const { experimentId } = await requireQueue(engine, queueId)
    const found = await experimentsOfTraces(itemIds)
    const invalid = itemIds.filter((id) => found.get(id) !== experimentId)
    if (invalid.length > 0) {
      throw doesNotExist(
        `Cannot attach trace(s) ${pythonList(invalid)} to review queue '${queueId}': they do not exist in experiment '${experimentId}'.`,
      )
    }
    const nowMs = clock.now()
    const stored = await items.addItems(
      engine,
      itemIds.map((itemId) => ({
        queueId,
        itemId,
        itemType: 'trace',
        status: 'pending',
        completedBy: null,
        completedTimeMs: null,
        creationTimeMs: nowMs,
        lastUpdateTimeMs: nowMs,
      })),
    )
    // From here on nobody changes the queue's questions who has not seen the items.
    if (!(await store.raiseFence(engine, queueId))) {
      await items.removeItems(engine, queueId, itemIds)
      throw queueNotFound(queueId)
    }
    return itemIds.flatMap((id) => {
      const row = stored.get(id)
      return row ? [toWire(row)] : []
    })
  }

  /** Removes those of the items that are there. */
  async function remove(queueId: string, given: readonly string[]): Promise<void> {
    const itemIds = readItemIds(given)
    await requireQueue(engine, queueId)
    await items.removeItems(engine, queueId, itemIds)
  }

  /** A page of 1000 items unless told otherwise, those that were added last first. */
  async function list(
    input: Parsed<typeof ListReviewQueueItems>,
  ): Promise<{ items: ReviewQueueItem[]; nextPageToken: string }> {
    const pageSize = input.max_results ?? DEFAULT_PAGE_SIZE
    const page = offsetPage(input.page_token, pageSize)
    const { queueId } = await requireQueue(engine, input.queue_id)
    const status = readStatus(input.status)
    const found = await items.listItems(engine, { queueId, status, ...page.bounds })
    const { rows, nextPageToken = '' } = page.cut(found)
    return { items: rows.map(toWire), nextPageToken }
  }

  /** @see mlflow/store/tracking/sqlalchemy_store.py set_review_queue_item_status */
  async function setStatus(input: Parsed<typeof SetReviewQueueItemStatus>): Promise<ReviewQueueItem> {
    const status = readStatus(input.status)
    if (!status) {
      throw invalidParameter(
        '`status` must be one of PENDING, COMPLETE, or DECLINED; got proto enum value 0.',
      )
    }
    const completedBy = readCompletedBy(status, input.completed_by)
    const itemId = readItemId(input.item_id)
    const { queueId } = await requireQueue(engine, input.queue_id)
    const row = await items.setItemStatus(engine, {
      queueId,
      itemId,
      status,
      completedBy,
      nowMs: clock.now(),
    })
    if (!row) throw doesNotExist(`Item '${itemId}' is not attached to review queue '${queueId}'.`)
    return toWire(row)
  }

  return {
    add,
    remove,
    list,
    setStatus,
    /** Takes traces that are being deleted out of all queues. @see SqlAlchemyStore._delete_review_queue_items_for_traces */
    forgetTraces: (traceIds: readonly string[]) => items.removeTraces(engine, traceIds),
  }
}

type StatusName = Parsed<typeof SetReviewQueueItemStatus>['status']

/** Undefined for none, and for the unspecified one of protobuf. */
const readStatus = (name: StatusName): ItemStatus | undefined =>
  name === undefined || name === 'REVIEW_STATUS_UNSPECIFIED' ? undefined : (name.toLowerCase() as ItemStatus)

const toWire = (row: ReviewQueueItemRow): ReviewQueueItem => ({
  queue_id: row.queueId,
  item_type: row.itemType.toUpperCase() as ReviewQueueItem['item_type'],
  item_id: row.itemId,
  status: row.status.toUpperCase() as ReviewQueueItem['status'],
  ...(row.completedBy !== null && { completed_by: row.completedBy }),
  ...(row.completedTimeMs !== null && { completed_time_ms: row.completedTimeMs }),
  creation_time_ms: row.creationTimeMs,
  last_update_time_ms: row.lastUpdateTimeMs,
})
