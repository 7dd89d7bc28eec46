// What a strategy is: how a policy becomes steps. The strategies themselves stand in a table of functions, to which others can be added.
import type { Category, Finding, OwnTarget, PolicyDefinition } from './schema.ts'

export interface Counts {
  rows: number | undefined
  bytes: number | undefined
}

/** What a step has while it runs. */
export interface StepRun {
  executionId: string
  /** Call it between statements. @throws what ends the execution: somebody's wish, the end of the server, the loss of the lease */
  goOn: () => Promise<void>
  /** Tells of rows and bytes that went since the last time. */
  report: (counts: Partial<Counts>) => void
}

export interface Step {
  /** Tells it from the other steps of a plan, and is the same when the plan is made anew. */
  key: string
  /** As people read it. */
  statement: string
  partition?: string | undefined
  /** What it would touch. */
  counts: Counts
  /** Does it. Whatever of it was done before may be done again. @returns what went, where it has not reported it */
  run: (run: StepRun) => Promise<Partial<Counts>>
}

/** What `check` finds, before it is said of which policy. */
export type Found = Omit<Finding, 'policy_id' | 'policy_name'>

/** What keeps a policy from working. */
export const failure = (code: string, message: string): Found => ({ verdict: 'failure', code, message })

export interface Strategy {
  /** Of tables; none where it is for no table. */
  categories: readonly Category[]
  /** Fields that a policy of it has to have; all other strategies have none of them. */
  fields: readonly ('attribute' | 'attribute_value' | 'repository' | 'ladder')[]
  /** Fields that a policy of it about a table may have; no other has any of them. */
  takesFields?: readonly ('by' | 'aggregates' | 'into')[]
  /** It takes no rows from the table, so that it may be used on tables of the server, too. */
  keepsRows: boolean
  /** What of that which the server keeps it may be used for. */
  takesOwn: readonly OwnTarget[]
  /** It is for databases with partitions, nodes and snapshots alone, whatever the category. */
  needsPartitions?: boolean
  /** Steps in their order, oldest first; none when nothing is due. Changes nothing. */
  plan: (policy: PolicyDefinition, cutoffMs: number) => Promise<Step[]>
  /** What keeps it from working, beside what holds for all strategies. */
  check: (policy: PolicyDefinition) => Promise<Found[]>
}

export type Strategies = Readonly<Record<string, Strategy>>
