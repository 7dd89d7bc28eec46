// Statements that delete the review queues of experiments for good.
import { and, eq, gte, lt } from 'drizzle-orm'
import { deleteOwned } from '../../platform/database/deletion.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { nameClaims } from '../../platform/database/name-claims.ts'
import { nameKeyOf, QUEUE_NAMES } from './store.ts'
import { reviewQueueItems, reviewQueues } from './tables.ts'

/** Deletes all queues of an experiment, their items first, and their names. Repeatable. @returns how many rows went */
export async function removeQueuesOf(engine: Engine, experimentId: string): Promise<number> {
  await engine.refresh(reviewQueues)
  const { queueId } = reviewQueues
  const rows = await engine.db
    .select({ queueId })
    .from(reviewQueues)
    .where(eq(reviewQueues.experimentId, experimentId))
  const ids = rows.map((row) => row.queueId)
  const items = await deleteOwned(engine, [{ table: reviewQueueItems, of: reviewQueueItems.queueId }], ids)
  // All names that begin with the experiment's part, whoever has them or had them: `0` comes behind `/`.
  const first = nameKeyOf(experimentId, '')
  const isOwn = and(gte(nameClaims.name, first), lt(nameClaims.name, first.replace(/\/$/, '0')))
  const names = [{ table: nameClaims, of: nameClaims.scope, where: isOwn }]
  const claims = await deleteOwned(engine, names, [QUEUE_NAMES])
  const own = [{ table: reviewQueues, of: reviewQueues.experimentId }]
  return items + claims + (await deleteOwned(engine, own, [experimentId]))
}
