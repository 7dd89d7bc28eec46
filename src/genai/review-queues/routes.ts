// REST of review queues and of their items.
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import type { ReviewItemService } from './items.service.ts'
import * as schema from './schema.ts'
import type { ReviewQueueService } from './service.ts'

const tag = 'review-queues'
const PATH = '/3.0/mlflow/review-queues'
const OneQueue = z.object({ review_queue: schema.ReviewQueueWire })

export const reviewQueueEndpoints = (queues: ReviewQueueService): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: `${PATH}/create`,
    tag,
    summary: 'Create a review queue',
    request: schema.CreateReviewQueue,
    response: OneQueue,
    handle: async (input) => ({ review_queue: await queues.create(input) }),
  }),
  endpoint({
    method: 'POST',
    path: `${PATH}/get-or-create-user`,
    tag,
    summary: "Get a user's own review queue, which is made when there is none",
    request: schema.GetOrCreateUserQueue,
    response: OneQueue,
    handle: async ({ experiment_id, user }) => ({
      review_queue: await queues.getOrCreateOfUser(experiment_id, user),
    }),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/get`,
    tag,
    summary: 'Get a review queue',
    request: schema.GetReviewQueue,
    response: OneQueue,
    handle: async ({ queue_id }) => ({ review_queue: await queues.get(queue_id) }),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/get-by-name`,
    tag,
    summary: 'Get a review queue by its name, in any case',
    request: schema.GetReviewQueueByName,
    response: OneQueue,
    handle: async ({ experiment_id, name }) => ({
      review_queue: await queues.getByName(experiment_id, name),
    }),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/list`,
    tag,
    summary: 'List review queues of an experiment, the newest first',
    request: schema.ListReviewQueues,
    response: z.object({
      review_queues: z.array(schema.ReviewQueueWire).optional(),
      next_page_token: z.string(),
    }),
    handle: async (input) => {
      const { queues: found, nextPageToken } = await queues.list(input)
      return { ...(found.length > 0 && { review_queues: found }), next_page_token: nextPageToken }
    },
  }),
  endpoint({
    method: 'POST',
    path: `${PATH}/update`,
    tag,
    summary: 'Change name, users, label schemas or owner of a custom review queue',
    request: schema.UpdateReviewQueue,
    response: OneQueue,
    handle: async (input) => ({ review_queue: await queues.update(input) }),
  }),
  endpoint({
    method: 'POST',
    path: `${PATH}/delete`,
    tag,
    summary: 'Delete a review queue, if there is one',
    request: schema.DeleteReviewQueue,
    response: z.object({}),
    handle: ({ queue_id }) => queues.delete(queue_id),
  }),
]

export const reviewItemEndpoints = (items: ReviewItemService): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: `${PATH}/items/add`,
    tag,
    summary: 'Add traces to a review queue; what is there keeps its status',
    request: schema.AddItemsToReviewQueue,
    response: z.object({ items: z.array(schema.ReviewQueueItemWire) }),
    handle: async (input) => ({ items: await items.add(input) }),
  }),
  endpoint({
    method: 'POST',
    path: `${PATH}/items/remove`,
    tag,
    summary: 'Remove items from a review queue',
    request: schema.RemoveItemsFromReviewQueue,
    response: z.object({}),
    handle: ({ queue_id, item_ids }) => items.remove(queue_id, item_ids),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/items/list`,
    tag,
    summary: 'List items of a review queue, those that were added last first',
    request: schema.ListReviewQueueItems,
    response: z.object({
      items: z.array(schema.ReviewQueueItemWire).optional(),
      next_page_token: z.string(),
    }),
    handle: async (input) => {
      const { items: found, nextPageToken } = await items.list(input)
      return { ...(found.length > 0 && { items: found }), next_page_token: nextPageToken }
    },
  }),
  endpoint({
    method: 'POST',
    path: `${PATH}/items/set-status`,
    tag,
    summary: 'Complete or decline the review of an item, or open it again',
    request: schema.SetReviewQueueItemStatus,
    response: z.object({ item: schema.ReviewQueueItemWire }),
    handle: async (input) => ({ item: await items.setStatus(input) }),
  }),
]
