// Messages of review queues and of the items in them.
import { z } from 'zod'
import { bool, enumeration, int32, message, repeated, text } from '../../platform/wire/message.ts'

const MAX_PAGE_SIZE = 50_000

const QUEUE_TYPES = { REVIEW_QUEUE_TYPE_UNSPECIFIED: 0, USER: 1, CUSTOM: 2 }
const ITEM_TYPES = { REVIEW_ITEM_TYPE_UNSPECIFIED: 0, TRACE: 1 }
const STATUSES = { REVIEW_STATUS_UNSPECIFIED: 0, PENDING: 1, COMPLETE: 2, DECLINED: 3 }

export const ReviewQueueWire = z
  .object({
    queue_id: z.string(),
    experiment_id: z.string(),
    name: z.string(),
    queue_type: z.enum(['USER', 'CUSTOM']),
    created_by: z.string().optional(),
    creation_time_ms: z.number(),
    last_update_time_ms: z.number(),
    users: z.array(z.string()).optional(),
    schema_ids: z.array(z.string()).optional(),
  })
  .meta({ id: 'ReviewQueue' })
export type ReviewQueue = z.infer<typeof ReviewQueueWire>

export const ReviewQueueItemWire = z
  .object({
    queue_id: z.string(),
    item_type: z.enum(['TRACE']),
    item_id: z.string(),
    status: z.enum(['PENDING', 'COMPLETE', 'DECLINED']),
    completed_by: z.string().optional(),
    completed_time_ms: z.number().optional(),
    creation_time_ms: z.number(),
    last_update_time_ms: z.number(),
  })
  .meta({ id: 'ReviewQueueItem' })
export type ReviewQueueItem = z.infer<typeof ReviewQueueItemWire>

const maxResults = () =>
  int32().refine((size) => size >= 1 && size <= MAX_PAGE_SIZE, {
    error: `max_results must be between 1 and ${MAX_PAGE_SIZE}.`,
  })

export const CreateReviewQueue = message('CreateReviewQueue', {
  experiment_id: text(),
  name: text(),
  queue_type: enumeration(QUEUE_TYPES).optional(),
  users: repeated(text()),
  schema_ids: repeated(text()),
})
export const GetOrCreateUserQueue = message('GetOrCreateUserQueue', { experiment_id: text(), user: text() })
export const GetReviewQueue = message('GetReviewQueue', { queue_id: text() })
export const GetReviewQueueByName = message('GetReviewQueueByName', { experiment_id: text(), name: text() })
export const ListReviewQueues = message('ListReviewQueues', {
  experiment_id: text(),
  user: text().optional(),
  max_results: maxResults().optional(),
  page_token: text().optional(),
  item_id: text().optional(),
})
export const UpdateReviewQueue = message('UpdateReviewQueue', {
  queue_id: text(),
  update_users: bool().optional(),
  users: repeated(text()),
  update_schema_ids: bool().optional(),
  schema_ids: repeated(text()),
  name: text().optional(),
  new_owner: text().optional(),
})
export const DeleteReviewQueue = message('DeleteReviewQueue', { queue_id: text() })
export const AddItemsToReviewQueue = message('AddItemsToReviewQueue', {
  queue_id: text(),
  item_type: enumeration(ITEM_TYPES).optional(),
  item_ids: repeated(text()),
})
export const RemoveItemsFromReviewQueue = message('RemoveItemsFromReviewQueue', {
  queue_id: text(),
  item_ids: repeated(text()),
})
export const ListReviewQueueItems = message('ListReviewQueueItems', {
  queue_id: text(),
  status: enumeration(STATUSES).optional(),
  max_results: maxResults().optional(),
  page_token: text().optional(),
})
export const SetReviewQueueItemStatus = message('SetReviewQueueItemStatus', {
  queue_id: text(),
  item_id: text(),
  status: enumeration(STATUSES).optional(),
  completed_by: text().optional(),
})
