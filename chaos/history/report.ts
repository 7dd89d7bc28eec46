// Collects what a history's checks find.
import type { Violation, ViolationKind } from './events.ts'

export interface Findings {
  violations: Violation[]
  /** Sightings of a write that was never acknowledged and was gone later. */
  withdrawn: string[]
  /** Acknowledged writes by kind of object, each counted once. */
  acknowledged: number
  /** Acknowledged writes that a later read did not show. */
  lost: number
  duplicated: number
}

export type Report = ReturnType<typeof createReport>

/** Counts every lost and duplicated thing once, however many reads miss it. */
export function createReport() {
  const violations: Violation[] = []
  const withdrawn: string[] = []
  const seen = new Set<string>()
  const counts = { acknowledged: 0, lost: 0, duplicated: 0 }
  const once = (kind: string, id: string) => {
    const key = `${kind} ${id}`
    if (seen.has(key)) return false
    seen.add(key)
    return true
  }
  return {
    violate(kind: ViolationKind, what: string): void {
      violations.push({ kind, what })
    },
    lost(id: string, detail: string): void {
      if (!once('lost', id)) return
      counts.lost++
      violations.push({ kind: 'lost', what: `${id}: ${detail}` })
    },
    /** An acknowledged write was replaced by something older; `last` when no later read shows it either. */
    stale(id: string, detail: string, last: boolean): void {
      violations.push({ kind: 'stale', what: `${id}: ${detail}` })
      if (last && once('lost', id)) counts.lost++
    },
    duplicated(id: string, detail: string): void {
      if (!once('duplicated', id)) return
      counts.duplicated++
      violations.push({ kind: 'duplicated', what: `${id}: ${detail}` })
    },
    withdrawn(what: string): void {
      if (once('withdrawn', what)) withdrawn.push(what)
    },
    acknowledged(id: string): void {
      if (once('acknowledged', id)) counts.acknowledged++
    },
    findings: (): Findings => ({ violations, withdrawn, ...counts }),
  }
}

/** `12..34` of an operation or a read, for messages. */
export const when = ({ invoked, returned }: { invoked: number; returned: number }) =>
  `at ${invoked}..${returned}`
