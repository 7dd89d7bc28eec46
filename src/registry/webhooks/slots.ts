// How many deliveries one server works on at once, in all and for one webhook.

export interface Slots {
  /** Takes a slot for a delivery to the webhook. @returns its release, undefined when none is free */
  take(webhookId: string): (() => void) | undefined
  /** Whether any slot is free. */
  isOpen(): boolean
  /** Webhooks that have all slots that one may have. */
  full(): string[]
}

/** One webhook gets half of the slots at most, so that a slow receiver leaves the others alone. */
export function createSlots(count: number): Slots {
  const share = Math.ceil(count / 2)
  const taken = new Map<string, number>()
  let total = 0
  return {
    take(webhookId) {
      const own = taken.get(webhookId) ?? 0
      if (total >= count || own >= share) return undefined
      total++
      taken.set(webhookId, own + 1)
      let isReleased = false
      return () => {
        if (isReleased) return
        isReleased = true
        total--
        const left = (taken.get(webhookId) ?? 1) - 1
        if (left > 0) taken.set(webhookId, left)
        else taken.delete(webhookId)
      }
    },
    isOpen: () => total < count,
    full: () => [...taken].filter(([, own]) => own >= share).map(([webhookId]) => webhookId),
  }
}
