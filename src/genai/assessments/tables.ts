// The table of assessments: feedback, expectations and references to issues, each of one trace.
import { boolean, doublePrecision, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { idColumn, milliseconds } from '../../platform/database/columns.ts'

/**
 * Whether an assessment is valid is no column: it is not while another one of its trace overrides it. So one row, made or
 * deleted, overrides and restores.
 */
export const assessments = pgTable(
  'assessments',
  {
    traceId: text('trace_id').notNull(),
    assessmentId: text('assessment_id').notNull(),
    /** Of the trace. */
    experimentId: idColumn('experiment_id').notNull(),
    /** The id of the issue for a reference to one. */
    name: text('name').notNull(),
    /** feedback, expectation or issue. */
    type: text('assessment_type').notNull(),
    /** JSON as Python writes it, of up to 8000 characters; NULL for a longer one. */
    value: text('value'),
    longValue: text('long_value'),
    /** The value as a number, also that of true, false, yes and no. */
    aggregateValue: doublePrecision('aggregate_value'),
    isNumeric: boolean('is_numeric_value').notNull(),
    /** JSON, of feedback alone. */
    error: text('error'),
    /** SOURCE_TYPE_UNSPECIFIED, HUMAN, LLM_JUDGE or CODE. */
    sourceType: text('source_type').notNull(),
    sourceId: text('source_id'),
    /** The run that the metadata names. */
    runId: text('run_id'),
    spanId: text('span_id'),
    rationale: text('rationale'),
    /** The id of the assessment that this one replaces. */
    overrides: text('overrides'),
    /** JSON object of texts. */
    metadata: text('assessment_metadata'),
    /** It holds for all traces of its trace's session. */
    ofSession: boolean('of_session').notNull(),
    createdTimestampMs: milliseconds('created_timestamp').notNull(),
    lastUpdatedTimestampMs: milliseconds('last_updated_timestamp').notNull(),
    /** Orders those of one creation time: when they came, by the server's clock, and where in their list. */
    place: milliseconds('place').notNull(),
    /** Counts changes: one that was not made to the latest of them does not hold. */
    revision: milliseconds('revision').notNull(),
  },
  (table) => [primaryKey({ columns: [table.traceId, table.assessmentId] })],
)

export type AssessmentRow = typeof assessments.$inferSelect
