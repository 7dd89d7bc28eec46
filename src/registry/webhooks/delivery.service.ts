// Brings kept events to their receivers, side by side with other servers on the same database.
//
// A delivery is a row. Whoever claims it may work on it until the claim ends; a claim is a compare-and-set of that row,
// so of several servers one gets it. A server that dies leaves claims that end by themselves. The server that
// raised an event claims its deliveries as it writes them, as long as it has slots for them; all servers look for
// what is left over every few seconds, by one statement.
import { randomUUID } from 'node:crypto'
import { reasonOf } from '../../errors.ts'
import { type AttemptDeps, createAttempt, type Retry } from './attempt.ts'
import { changeDelivery, findDueDeliveries, refreshDeliveries } from './deliveries.store.ts'
import { createSlots } from './slots.ts'
import type { DeliveryRow } from './tables.ts'

export interface DeliveryDeps extends Omit<AttemptDeps, 'newClaim'> {
  /** Deliveries that are worked on at once. */
  concurrency: number
  /** What a request may take; claims last longer. */
  timeoutMs: number
  pollMs: number
}

/** A request begins within this time after its claim, */
const START_MS = 5_000
/** and the claim ends this long after the request: time to write down the outcome, and for clocks that differ. */
const SETTLE_MS = 10_000
/** What running requests may take when the server stops. */
const GRACE_MS = 3_000
/** Due deliveries that are looked at by one statement. */
const BATCH = 100
/** Retries that are remembered; others are found by looking for what is due. */
const MAX_TIMERS = 1000

export interface Admission {
  row: DeliveryRow
  /** Begins to work on the row, which is written now. */
  begin: () => void
  /** Forgets the row, which was not written. */
  drop: () => void
}

export interface DeliveryService {
  /** Completes a new delivery: claimed by this server if it has a slot for it, else due for any server. */
  admit(delivery: Omit<DeliveryRow, 'claim' | 'nextAtMs'>): Admission
  /** Begins to work on deliveries, and to look for those that are due. */
  start(): void
  /** Takes nothing new, cuts requests off after 3 s, and gives back what is not done. */
  stop(): Promise<void>
}

type Due = Pick<Retry, 'deliveryId' | 'webhookId' | 'claim'>

export function createDeliveryService(deps: DeliveryDeps): DeliveryService {
  const { engine, clock, log } = deps
  const newClaim = () => randomUUID()
  const attempt = createAttempt({ ...deps, newClaim })
  const slots = createSlots(deps.concurrency)
  const retries = createRetryTimers((due) => void guarded(() => claim(due)))
  const running = new Map<string, Promise<void>>()
  const abort = new AbortController()
  let state: 'idle' | 'working' | 'stopping' = 'idle'
  let pollTimer: NodeJS.Timeout | undefined
  /** Something may be due that had no slot. */
  let hasBacklog = false
  let pumping: Promise<void> | undefined
  let isAway = false

  const claimUntil = (nowMs: number) => nowMs + START_MS + deps.timeoutMs + SETTLE_MS

  /** Whatever fails here is tried again by whoever looks next. The log hears of the first failure in a row. */
  async function guarded(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
      isAway = false
    } catch (error) {
      if (!isAway) log.warn({ reason: reasonOf(error) }, 'Deliveries to webhooks are held up')
      isAway = true
    }
  }

  function work(row: DeliveryRow, claimedAtMs: number, release: () => void): void {
    const limits = { mayStartUntilMs: claimedAtMs + START_MS, signal: abort.signal }
    const done = guarded(async () => {
      const retry = await attempt(row, limits)
      if (retry && state === 'working') retries.add(retry, clock.now())
    }).finally(() => {
      running.delete(row.deliveryId)
      release()
      if (hasBacklog) void pump()
    })
    running.set(row.deliveryId, done)
  }

  async function claim(due: Due): Promise<void> {
    const release = state === 'working' ? slots.take(due.webhookId) : undefined
    if (!release) {
      hasBacklog = true
      return
    }
    const nowMs = clock.now()
    try {
      const row = await changeDelivery(engine, due, { claim: newClaim(), nextAtMs: claimUntil(nowMs) })
      if (row) work(row, nowMs, release)
      else release()
    } catch (error) {
      release()
      throw error
    }
  }

  /** Claims what is due while there are slots. */
  function pump(): Promise<void> {
    pumping ??= guarded(async () => {
      while (state === 'working' && slots.isOpen()) {
        if (hasBacklog) await refreshDeliveries(engine)
        hasBacklog = false
        const due = await findDueDeliveries(engine, {
          nowMs: clock.now(),
          withoutWebhooks: slots.full(),
          limit: BATCH,
        })
        const isMore = due.length === BATCH || slots.full().length > 0
        for (const one of due) if (!running.has(one.deliveryId)) await claim(one)
        if (isMore) hasBacklog = true
        if (due.length < BATCH) return
      }
    }).finally(() => {
      pumping = undefined
    })
    return pumping
  }

  /** Servers that began together do not look together. */
  function poll(): void {
    pollTimer = setTimeout(
      () => void pump().finally(() => state === 'working' && poll()),
      deps.pollMs * (0.8 + 0.4 * Math.random()),
    ).unref()
  }

  return {
    admit(delivery) {
      const nowMs = clock.now()
      const release = state === 'working' ? slots.take(delivery.webhookId) : undefined
      const row = { ...delivery, claim: newClaim(), nextAtMs: release ? claimUntil(nowMs) : nowMs }
      return {
        row,
        begin: () => {
          if (release) work(row, nowMs, release)
          else hasBacklog = true
        },
        drop: () => release?.(),
      }
    },
    start() {
      state = 'working'
      void pump().finally(() => state === 'working' && poll())
    },
    async stop() {
      state = 'stopping'
      clearTimeout(pollTimer)
      retries.clear()
      const timer = setTimeout(() => abort.abort(), GRACE_MS)
      await pumping
      while (running.size > 0) await Promise.all(running.values())
      clearTimeout(timer)
    },
  }
}

/** Remembers when deliveries of this server are due again, so that they need not be looked for. */
function createRetryTimers(onDue: (due: Due) => void) {
  const timers = new Set<NodeJS.Timeout>()
  return {
    add(retry: Retry, nowMs: number): void {
      if (timers.size >= MAX_TIMERS) return
      const timer = setTimeout(() => {
        timers.delete(timer)
        onDue(retry)
      }, retry.nextAtMs - nowMs).unref()
      timers.add(timer)
    },
    clear(): void {
      for (const timer of timers) clearTimeout(timer)
      timers.clear()
    },
  }
}
