// One attempt of a delivery that this server has claimed, and what becomes of the delivery then.

import { MlflowError } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { measures } from '../../platform/measures.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { changeDelivery, deleteDelivery, type SeenDelivery } from './deliveries.store.ts'
import { judge, pauseMs } from './retries.ts'
import type { Answer, Sender } from './sender.ts'
import { findWebhook } from './store.ts'
import type { DeliveryRow, WebhookRow } from './tables.ts'
import { ForbiddenTargetError } from './targets.ts'

/** The part of a logger that is used here. Logs name webhooks by id: URLs may hold secrets. */
export interface Log {
  warn(fields: object, text: string): void
  debug(fields: object, text: string): void
}

export interface AttemptDeps {
  engine: Engine
  clock: Clock
  log: Log
  send: Sender
  maxRetries: number
  newClaim: () => string
}

/** A delivery that is to be tried again. */
export interface Retry extends SeenDelivery {
  webhookId: string
  nextAtMs: number
}

/** How an attempt ended. `stopped` tells nothing about the receiver. */
type Outcome =
  | { kind: 'taken' }
  | { kind: 'stopped' }
  | { kind: 'refused'; reason: string }
  | { kind: 'later'; reason: string; retryAfter?: string | undefined }

/**
 * Returns the function that tries a claimed delivery once and ends it, or sets the time of its next attempt.
 * @param mayStartUntilMs when the claim has become too old to begin a request under it
 * @returns the next attempt, if there is to be one and nobody else has taken over
 */
export function createAttempt({ engine, clock, log, send, maxRetries, newClaim }: AttemptDeps) {
  async function reach(webhook: WebhookRow, row: DeliveryRow, signal: AbortSignal): Promise<Outcome> {
    try {
      const answer = await send(webhook, { ...row, payload: JSON.parse(row.payload) }, signal)
      return outcomeOf(answer)
    } catch (error) {
      if (signal.aborted) return { kind: 'stopped' }
      const reason = (error as Error).message
      const isFinal = error instanceof ForbiddenTargetError || error instanceof MlflowError
      return isFinal ? { kind: 'refused', reason } : { kind: 'later', reason }
    }
  }

  async function postpone(row: DeliveryRow, nextAtMs: number, failures: number): Promise<Retry | undefined> {
    const claim = newClaim()
    const changed = await changeDelivery(engine, row, { claim, nextAtMs, failures })
    return changed && { deliveryId: row.deliveryId, webhookId: row.webhookId, claim, nextAtMs }
  }

  return async (
    row: DeliveryRow,
    { mayStartUntilMs, signal }: { mayStartUntilMs: number; signal: AbortSignal },
  ): Promise<Retry | undefined> => {
    const webhook = await findWebhook(engine, row.webhookId)
    // What is deleted or disabled meanwhile gets no more events.
    if (webhook?.status !== 'ACTIVE') return void (await deleteDelivery(engine, row.deliveryId))
    if (clock.now() > mayStartUntilMs) return undefined
    const outcome = await reach(webhook, row, signal)
    const about = { webhook: row.webhookId, event: row.event, delivery: row.deliveryId }
    if (outcome.kind === 'stopped') return void (await postpone(row, clock.now(), row.failures))
    if (outcome.kind === 'taken') {
      measures.deliveries.add(1, 'delivered')
      return void (await deleteDelivery(engine, row.deliveryId))
    }
    const failures = row.failures + 1
    const { reason } = outcome
    if (outcome.kind === 'refused' || failures > maxRetries) {
      measures.deliveries.add(1, 'given_up')
      log.warn({ ...about, attempts: failures, reason }, 'An event was not delivered to a webhook')
      return void (await deleteDelivery(engine, row.deliveryId))
    }
    measures.deliveries.add(1, 'postponed')
    log.debug({ ...about, attempts: failures, reason }, 'An event will be delivered later')
    const nowMs = clock.now()
    const pause = pauseMs(failures, { retryAfter: outcome.retryAfter, nowMs, random: Math.random() })
    return postpone(row, nowMs + pause, failures)
  }
}

function outcomeOf(answer: Answer): Outcome {
  const kind = judge(answer)
  if (kind === 'taken') return { kind }
  return { kind, reason: `status ${answer.status}`, retryAfter: answer.retryAfter }
}
