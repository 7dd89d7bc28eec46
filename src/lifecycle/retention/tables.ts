// Tables of policies about old data, of their executions, and of who changed what and what went.
import { boolean, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { journalTable, milliseconds } from '../../platform/database/columns.ts'

/** A deleted policy keeps its row, so that a new one of its name goes on with its versions. */
export const retentionPolicies = pgTable('retention_policies', {
  /** Follows from the name, which is therefore unique. */
  policyId: text('policy_id').primaryKey(),
  name: text('name').notNull(),
  version: milliseconds('version').notNull(),
  isDeleted: boolean('is_deleted').notNull(),
  /** PolicyDefinition in schema.ts, as JSON. */
  definition: text('definition').notNull(),
  createdAtMs: milliseconds('created_at_ms').notNull(),
  updatedAtMs: milliseconds('updated_at_ms').notNull(),
  /** From when its schedule counts on: the last scheduled start, or the change that gave it the schedule. */
  scheduledFromMs: milliseconds('scheduled_from_ms').notNull(),
})

export const retentionExecutions = pgTable('retention_executions', {
  executionId: text('execution_id').primaryKey(),
  policyId: text('policy_id').notNull(),
  policyName: text('policy_name').notNull(),
  /** The policy as it was when the execution began, as JSON. */
  definition: text('definition').notNull(),
  cause: text('cause').notNull(),
  userId: text('user_id'),
  /** STATES in schema.ts. */
  state: text('state').notNull(),
  cutoffMs: milliseconds('cutoff_ms').notNull(),
  startedAtMs: milliseconds('started_at_ms').notNull(),
  endedAtMs: milliseconds('ended_at_ms'),
  isCancelling: boolean('is_cancelling').notNull(),
  stepsPlanned: milliseconds('steps_planned'),
  stepsDone: milliseconds('steps_done').notNull(),
  rowCount: milliseconds('row_count').notNull(),
  byteCount: milliseconds('byte_count').notNull(),
  message: text('message'),
})

export const retentionSteps = pgTable(
  'retention_steps',
  {
    executionId: text('execution_id').notNull(),
    number: milliseconds('number').notNull(),
    /** Tells it from the other steps when the execution is planned anew. */
    key: text('key').notNull(),
    /** running, done or failed. */
    state: text('state').notNull(),
    statement: text('statement').notNull(),
    partition: text('partition'),
    rowCount: milliseconds('row_count'),
    byteCount: milliseconds('byte_count'),
    startedAtMs: milliseconds('started_at_ms').notNull(),
    durationMs: milliseconds('duration_ms'),
    message: text('message'),
  },
  (table) => [primaryKey({ columns: [table.executionId, table.number] })],
)

export const retentionAudit = pgTable('retention_audit', {
  /** Of a change, the policy and its version: who writes the row may make that version. Of an execution, its id. */
  auditId: text('audit_id').primaryKey(),
  atMs: milliseconds('at_ms').notNull(),
  /** AUDIT_KINDS in schema.ts. */
  kind: text('kind').notNull(),
  policyId: text('policy_id').notNull(),
  policyName: text('policy_name').notNull(),
  userId: text('user_id'),
  /** JSON: policies before and after a change, or an execution at its end. */
  before: text('before'),
  after: text('after'),
  execution: text('execution'),
})

/** What a server is about to do to a table that is downsampled and to its buckets, by a name that follows from the table and its column of time. */
export const tableDownsampling = journalTable('table_downsampling')

export type PolicyRow = typeof retentionPolicies.$inferSelect
export type ExecutionRow = typeof retentionExecutions.$inferSelect
export type StepRow = typeof retentionSteps.$inferSelect
export type AuditRow = typeof retentionAudit.$inferSelect
