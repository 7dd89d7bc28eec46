// Keeps events for the webhooks that want them, before the change that they tell of is acknowledged.
import { randomUUID } from 'node:crypto'
import type { EventName, Events } from '../../events.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { insertDeliveries } from './deliveries.store.ts'
import type { DeliveryService } from './delivery.service.ts'
import { eventsOf } from './service.ts'
import { findSubscriptions } from './store.ts'

export interface OutboxDeps {
  engine: Engine
  clock: Clock
  deliveries: Pick<DeliveryService, 'admit'>
}

/**
 * Returns the listener for events. Which webhooks want an event is read anew each time, so that a webhook gets all
 * events of requests that begin after its creation was acknowledged, whichever servers they go to.
 * @see mlflow/webhooks/delivery.py deliver_webhook
 */
export function createOutbox({ engine, clock, deliveries }: OutboxDeps): Events {
  const readSubscriptions = shareReads(async () =>
    (await findSubscriptions(engine)).map((row) => ({
      webhookId: row.webhookId,
      events: eventsOf(row) as EventName[],
    })),
  )
  return {
    async raise(names, tell) {
      const subscribed = await readSubscriptions()
      const wants = (wanted: readonly EventName[]) =>
        subscribed.filter(({ events }) => wanted.some((name) => events.includes(name)))
      if (wants(names).length === 0) return
      const event = await tell()
      if (!event) return
      const raisedAtMs = clock.now()
      const admitted = wants([event.name]).map(({ webhookId }) =>
        deliveries.admit({
          deliveryId: randomUUID(),
          webhookId,
          event: event.name,
          payload: JSON.stringify(event.payload),
          raisedAtMs,
          failures: 0,
        }),
      )
      try {
        await insertDeliveries(
          engine,
          admitted.map(({ row }) => row),
        )
      } catch (error) {
        for (const { drop } of admitted) drop()
        throw error
      }
      for (const { begin } of admitted) begin()
    },
  }
}

/**
 * Shares a read among those who ask at once: whoever asks while one is in flight gets the next, which sees all that
 * was acknowledged before. However many events are raised, one read is in flight.
 */
function shareReads<T>(read: () => Promise<T>): () => Promise<T> {
  let inFlight: Promise<unknown> = Promise.resolve()
  let next: Promise<T> | undefined
  return () => {
    next ??= inFlight.then(() => {
      next = undefined
      const result = read()
      inFlight = result.catch(() => {})
      return result
    })
    return next
  }
}
