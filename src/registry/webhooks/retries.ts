// What an answer means for a delivery, and how long to wait before the next attempt.
import type { Answer } from './sender.ts'

/** @see mlflow/webhooks/delivery.py _create_webhook_session */
const RETRIED_STATUSES = [429, 500, 502, 503, 504]
const LONGEST_PAUSE_MS = 60_000
const JITTER_MS = 1_000
/** Receivers may ask for more patience than the back-off has, but not for any. */
const LONGEST_RETRY_AFTER_MS = 3_600_000

/** Whether the receiver has taken the event, may take it later, or will not take it. */
export function judge({ status }: Pick<Answer, 'status'>): 'taken' | 'later' | 'refused' {
  if (status >= 200 && status < 300) return 'taken'
  return RETRIED_STATUSES.includes(status) ? 'later' : 'refused'
}

/**
 * Milliseconds until the next attempt: 1, 2, 4 … 60 s and up to a second more, so that receivers that come back are
 * not met by all at once; longer if the answer asks for it.
 * @param failures attempts that failed, at least 1
 * @param random from 0 to 1
 */
export function pauseMs(
  failures: number,
  { retryAfter, nowMs, random }: { retryAfter?: string | undefined; nowMs: number; random: number },
): number {
  const backOff = Math.min(1000 * 2 ** (failures - 1), LONGEST_PAUSE_MS) + random * JITTER_MS
  const asked = Math.min(readRetryAfter(retryAfter, nowMs), LONGEST_RETRY_AFTER_MS)
  return Math.round(Math.max(backOff, asked))
}

/** Seconds or a date, in milliseconds from now; 0 for what is neither. */
function readRetryAfter(text: string | undefined, nowMs: number): number {
  if (!text) return 0
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000
  const at = Date.parse(text)
  return Number.isNaN(at) ? 0 : Math.max(0, at - nowMs)
}
