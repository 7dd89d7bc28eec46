// Messages of policies about what becomes of old data, which are this server's own: MLflow has none.
import { z } from 'zod'
import { bool, int64, message, repeated, text } from '../../platform/wire/message.ts'

export const CATEGORIES = ['partition', 'timerange'] as const
export type Category = (typeof CATEGORIES)[number]

/** What this server itself keeps, as targets of policies beside tables, which are named with their schema. */
export const OWN_TARGETS = ['metrics', 'traces', 'artifacts', 'deleted_runs', 'audit'] as const
export type OwnTarget = (typeof OWN_TARGETS)[number]

export const STATES = ['running', 'succeeded', 'failed', 'cancelled'] as const
export const STEP_STATES = ['running', 'done', 'failed', 'cancelled'] as const
export type ExecutionState = (typeof STATES)[number]

const LADDER =
  'downsample: sizes of buckets and from which age on, such as `1m:30d,1h:210d`, or `100steps:30d,1000steps:1y`'

const BY = 'downsample of a table: columns whose values tell series apart'
const KEPT =
  'downsample of a table: what is kept of its columns, each as `temperature:min,max,mean` of count, sum, min, max, first, last and mean; absent: all but the mean, of each column of numbers'
const INTO =
  'downsample of a table: where its buckets are, as `schema.table`; absent: beside it, with `_downsampled` behind its name'

const ms = (what: string) => z.number().int().describe(`${what}, in milliseconds since the epoch`)
const rows = z.number().int().optional().describe('Absent where nobody counts them')
const bytes = z
  .number()
  .int()
  .optional()
  .describe('On the disks of the database or of the artifact store, copies left out; absent where unknown')

const RunTag = z.object({ key: z.string(), value: z.string() })

const definition = {
  name: z.string(),
  target: z
    .string()
    .describe(`A table as \`schema.table\`, or what the server keeps: ${OWN_TARGETS.join(', ')}`),
  category: z.enum(CATEGORIES).describe('Whole partitions of a table, or rows by a column of time'),
  column: z
    .string()
    .optional()
    .describe('The partition column or the column of time; of what the server keeps, none'),
  strategy: z.string().describe('delete, reallocate, snapshot or downsample'),
  duration: z
    .string()
    .describe('What is older goes, such as 90m, 4w, 365d, 1y; of a ladder, the age of its first step'),
  attribute: z.string().optional().describe('reallocate: an attribute of nodes'),
  attribute_value: z.string().optional().describe('reallocate: the value of that attribute'),
  repository: z.string().optional().describe('snapshot: a repository of the database'),
  ladder: z.string().optional().describe(LADDER),
  by: z.array(z.string()).optional().describe(BY),
  aggregates: z.array(z.string()).optional().describe(KEPT),
  into: z.string().optional().describe(INTO),
  experiment_pattern: z
    .string()
    .optional()
    .describe('Only of experiments whose names are LIKE this, with % and _'),
  run_tags: z.array(RunTag).describe('Only of runs with all of these tags'),
  tags: z.array(z.string()).describe('By which policies are grouped, for instance by team'),
  enabled: z.boolean().describe('A disabled policy runs when it is named, never by schedule or by tags'),
  cron: z.string().optional().describe('When the server runs it: five fields, in UTC'),
  every: z.string().optional().describe('How often the server runs it, such as 12h, instead of cron'),
}

const Definition = z.object(definition).meta({ id: 'RetentionPolicyDefinition' })
/** A policy as people define it: what the audit keeps of it, too. */
export type PolicyDefinition = z.infer<typeof Definition>

export const PolicyWire = z
  .object({
    policy_id: z.string().describe('Follows from the name'),
    ...definition,
    duration_ms: z.number().int(),
    version: z.number().int().describe('Goes up with each change'),
    created_at: ms('When it was made'),
    updated_at: ms('When it was changed'),
    next_due_at: ms('When the server runs it next').optional(),
  })
  .meta({ id: 'RetentionPolicy' })
export type Policy = z.infer<typeof PolicyWire>

export const PolicyAnswerWire = z.object({ policy: PolicyWire }).meta({ id: 'RetentionPolicyAnswer' })
export const PoliciesWire = z
  .object({ policies: z.array(PolicyWire).describe('By name'), next_page_token: z.string().optional() })
  .meta({ id: 'RetentionPolicyList' })

export const FindingWire = z
  .object({
    policy_id: z.string().optional(),
    policy_name: z.string().optional(),
    verdict: z.enum(['ok', 'warning', 'failure']),
    code: z
      .string()
      .describe(
        'ok, no_policy, table_missing, column_missing, column_type, no_partitions, not_partitioned_by, repository_missing, no_node, no_data, nothing_due, into_taken, into_differs, unsupported, contradiction or database',
      ),
    message: z.string(),
  })
  .meta({ id: 'RetentionFinding' })
export type Finding = z.infer<typeof FindingWire>
export const FindingsWire = z.object({ findings: z.array(FindingWire) }).meta({ id: 'RetentionFindingList' })

export const PlannedWire = z
  .object({
    policy_id: z.string(),
    policy_name: z.string(),
    cutoff: ms('What is older goes'),
    steps: z
      .array(
        z.object({
          statement: z.string().describe('With its values in it, for reading'),
          partition: z.string().optional().describe('Values of its partition columns'),
          rows,
          bytes,
        }),
      )
      .describe('In their order, 1000 at most'),
    step_count: z.number().int(),
    rows: z.number().int(),
    bytes: z.number().int(),
    message: z.string().optional().describe('Why the policy cannot work; it then has no steps'),
  })
  .meta({ id: 'RetentionPlan' })
export type Planned = z.infer<typeof PlannedWire>
export const PreviewWire = z.object({ plans: z.array(PlannedWire) }).meta({ id: 'RetentionPreview' })

export const ExecutionWire = z
  .object({
    execution_id: z.string(),
    policy_id: z.string(),
    policy_name: z.string(),
    tags: z.array(z.string()),
    target: z.string(),
    strategy: z.string(),
    state: z.enum(STATES),
    cause: z.enum(['api', 'schedule']),
    user_id: z.string().optional().describe('What the header `user` of the request said'),
    cutoff: ms('What was older went'),
    started_at: ms('When it began'),
    ended_at: ms('When it ended').optional(),
    cancelling: z.boolean().describe('Somebody has asked for its end: it comes with the next step'),
    steps_planned: z.number().int().optional(),
    steps_done: z.number().int(),
    rows: z.number().int(),
    bytes: z.number().int(),
    message: z.string().optional().describe('Why it failed'),
  })
  .meta({ id: 'RetentionExecution' })
export type Execution = z.infer<typeof ExecutionWire>

export const ExecutionAnswerWire = z
  .object({
    execution: ExecutionWire,
    steps: z.array(
      z.object({
        number: z.number().int(),
        state: z.enum(STEP_STATES),
        statement: z.string(),
        partition: z.string().optional(),
        rows,
        bytes,
        started_at: ms('When it began'),
        duration_ms: z.number().int().optional(),
        message: z.string().optional(),
      }),
    ),
    next_page_token: z.string().optional(),
  })
  .meta({ id: 'RetentionExecutionAnswer' })
export type StepWire = z.infer<typeof ExecutionAnswerWire>['steps'][number]

export const CancelledWire = z.object({ execution: ExecutionWire }).meta({ id: 'RetentionCancelled' })
export const DeletedPolicyWire = z.object({}).meta({ id: 'RetentionPolicyDeleted' })

export const StartedWire = z
  .object({
    executions: z.array(ExecutionWire).describe('One for each policy; of one that runs already, that one'),
  })
  .meta({ id: 'RetentionStarted' })
export const ExecutionsWire = z
  .object({
    executions: z.array(ExecutionWire).describe('Newest first'),
    next_page_token: z.string().optional(),
  })
  .meta({ id: 'RetentionExecutionList' })

export const AUDIT_KINDS = [
  'policy_created',
  'policy_updated',
  'policy_deleted',
  'execution_finished',
  'execution_failed',
  'execution_cancelled',
  'view_created',
  'view_dropped',
] as const

export const AuditEntryWire = z
  .object({
    audit_id: z.string(),
    timestamp: ms('When it happened'),
    kind: z.enum(AUDIT_KINDS),
    policy_id: z.string(),
    policy_name: z.string().describe('Of a materialized view, its name'),
    user_id: z.string().optional().describe('What the header `user` of the request said'),
    before: Definition.optional(),
    after: Definition.optional(),
    execution: ExecutionWire.optional(),
  })
  .meta({ id: 'RetentionAuditEntry' })
export type AuditEntry = z.infer<typeof AuditEntryWire>
export const AuditWire = z
  .object({
    entries: z.array(AuditEntryWire).describe('Newest first'),
    next_page_token: z.string().optional(),
  })
  .meta({ id: 'RetentionAudit' })

export const OverviewWire = z
  .object({
    server_version: z.string(),
    engine: z.string().describe('cratedb, postgresql or pglite'),
    database_version: z.string(),
    health: z.enum(['GREEN', 'YELLOW', 'RED']).optional().describe('Absent where the database tells none'),
    tables: z
      .array(
        z.object({
          name: z.string().describe('As `schema.table`'),
          own: z.boolean().describe('It is one of the server'),
          rows,
          bytes,
          partitions: z.array(
            z.object({
              values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
              rows,
              bytes,
            }),
          ),
          months: z
            .array(z.object({ month: z.string().describe('Such as 2026-01'), rows: z.number().int(), bytes }))
            .describe(
              'Rows by month, oldest first; none where no partitions tell months, or where counting would take long',
            ),
        }),
      )
      .describe('Largest first'),
    last_hour: z
      .object({ runs: z.number().int().optional(), traces: z.number().int().optional() })
      .describe('What began within the last hour'),
    ingest: z
      .array(
        z.object({
          start: ms('When the hour began'),
          runs: z.number().int(),
          traces: z.number().int(),
          points: z
            .number()
            .int()
            .optional()
            .describe('Points of metrics, by their timestamps; absent where counting them would take long'),
        }),
      )
      .describe('What began within each of the last 24 hours, oldest first'),
    due_next: z
      .array(z.object({ policy_id: z.string(), policy_name: z.string(), due_at: ms('When it is due') }))
      .describe('Soonest first'),
    running: z.array(ExecutionWire),
    schedule_enabled: z.boolean().describe('Whether this server runs policies by itself'),
    may_change_tables: z
      .boolean()
      .describe('Whether whoever asks may make and change policies about tables (--retention-tables)'),
  })
  .meta({ id: 'RetentionOverview' })

const RunTagInput = message('RetentionRunTag', { key: text(), value: text() })

const changeable = {
  column: text().optional(),
  strategy: text().optional(),
  duration: text().optional(),
  attribute: text().optional(),
  attribute_value: text().optional(),
  repository: text().optional(),
  ladder: text().optional().describe(LADDER),
  by: repeated(text()).optional().describe(BY),
  aggregates: repeated(text()).optional().describe(KEPT),
  into: text().optional().describe(INTO),
  experiment_pattern: text().optional(),
  run_tags: repeated(RunTagInput).optional(),
  tags: repeated(text()).optional(),
  enabled: bool().optional(),
  cron: text().optional(),
  every: text().optional(),
}
export type PolicyChanges = z.infer<z.ZodObject<typeof changeable>>

export const CreatePolicy = message('CreateRetentionPolicy', {
  name: text(),
  target: text(),
  category: text().optional().describe('Absent: partition where the column is one, else timerange'),
  ...changeable,
  strategy: text(),
  duration: text().optional().describe('Every strategy needs it but downsample, whose ladder tells it'),
})
export type PolicyInput = z.infer<typeof CreatePolicy>

export const UpdatePolicy = message('UpdateRetentionPolicy', {
  policy_id: text().describe('Or the name'),
  ...changeable,
  clear: repeated(text()).describe('Fields to take away, such as cron or run_tags'),
})
export const GetPolicy = message('GetRetentionPolicy', { policy_id: text().describe('Or the name') })
export const DeletePolicy = message('DeleteRetentionPolicy', { policy_id: text().describe('Or the name') })

const paging = {
  max_results: int64().optional().describe('From 1 to 1000, 100 by default'),
  page_token: text().optional(),
}
const selection = {
  policy_ids: repeated(text()).describe('Ids or names; with any, only these'),
  tags: repeated(text()).describe('Only policies with all of these tags'),
  strategy: text().optional().describe('Only policies of this strategy'),
}
export interface SelectionInput {
  policy_ids: string[]
  tags: string[]
  strategy?: string | undefined
}
const cutoff = text()
  .optional()
  .describe('The time from which durations count back, in ISO 8601 or milliseconds; now by default')

export const ListPolicies = message('ListRetentionPolicies', {
  tags: selection.tags,
  strategy: selection.strategy,
  target: text().optional(),
  ...paging,
})
export const CheckPolicies = message('CheckRetentionPolicies', { ...selection })
export const PreviewPolicies = message('PreviewRetentionPolicies', {
  ...selection,
  policy: CreatePolicy.optional().describe('One that is not kept, instead of those that are'),
  cutoff,
})
export const RunPolicies = message('RunRetentionPolicies', { ...selection, cutoff })
export const GetExecution = message('GetRetentionExecution', { execution_id: text(), ...paging })
export const ListExecutions = message('ListRetentionExecutions', {
  policy_id: text().optional().describe('Or the name'),
  state: text().optional(),
  ...paging,
})
export const CancelExecution = message('CancelRetentionExecution', { execution_id: text() })
export const ListAudit = message('ListRetentionAudit', {
  policy_id: text().optional().describe('Or the name'),
  kind: text().optional(),
  ...paging,
})
export const GetOverview = message('GetRetentionOverview', {})
