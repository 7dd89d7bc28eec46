// The table of label schemas.
import { boolean, pgTable, text } from 'drizzle-orm/pg-core'
import { idColumn, milliseconds } from '../../platform/database/columns.ts'

/** A row whose `name` is NULL is a creation that never finished; nothing shows it. */
export const labelSchemas = pgTable('label_schemas', {
  schemaId: text('schema_id').primaryKey(),
  experimentId: idColumn('experiment_id').notNull(),
  name: text('name'),
  /** Raised to stop a rename or creation in flight; see database/name-claims.ts. */
  nameFence: milliseconds('name_fence').notNull(),
  /** FEEDBACK or EXPECTATION. */
  type: text('type').notNull(),
  instruction: text('instruction'),
  enableComment: boolean('enable_comment').notNull(),
  /** pass_fail, categorical, numeric or text. */
  inputType: text('input_type').notNull(),
  /** JSON, as answers show it. */
  inputConfig: text('input_config').notNull(),
  createdTimeMs: milliseconds('created_time').notNull(),
  lastUpdateTimeMs: milliseconds('last_update_time').notNull(),
  isDefault: boolean('is_default').notNull(),
})

export type LabelSchemaRow = typeof labelSchemas.$inferSelect
