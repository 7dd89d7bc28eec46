// Tables of registered models and their versions. Children refer to a model's uid, so that a rename is one row.
import { boolean, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { milliseconds } from '../../platform/database/columns.ts'

/** A row whose `name` is NULL is a creation that never finished, or a deleted model; nothing shows it. */
export const registeredModels = pgTable('registered_models', {
  modelUid: text('model_uid').primaryKey(),
  name: text('name'),
  /** Raised to stop a rename or creation in flight; see database/name-claims.ts. */
  nameFence: milliseconds('name_fence').notNull(),
  creationTimeMs: milliseconds('creation_time').notNull(),
  lastUpdatedTimeMs: milliseconds('last_updated_time').notNull(),
  /** A rename counts as an update of every version of the model. 0 for a model that kept its name. */
  renamedTimeMs: milliseconds('renamed_time').notNull(),
  description: text('description'),
  /** Repeats the tag mlflow.prompt.is_prompt: whether searches leave the model out. */
  isPrompt: boolean('is_prompt').notNull(),
  /** A version that exists, or 0; the search for the next free number starts behind it. */
  lastVersion: milliseconds('last_version').notNull(),
})

/** Columns of tags; see tag-values.store.ts. */
const tagColumns = {
  key: text('key').notNull(),
  value: text('value').notNull(),
  isLong: boolean('is_long').notNull(),
  longValue: text('long_value'),
}

export const registeredModelTags = pgTable(
  'registered_model_tags',
  { modelUid: text('model_uid').notNull(), ...tagColumns },
  (table) => [primaryKey({ columns: [table.modelUid, table.key] })],
)

/** A row without a version is a deleted alias, kept as the end of its history. */
export const registeredModelAliases = pgTable(
  'registered_model_aliases',
  {
    modelUid: text('model_uid').notNull(),
    alias: text('alias').notNull(),
    version: milliseconds('version'),
    /** The change that made the row what it is; see audit.store.ts. */
    eventId: text('event_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.modelUid, table.alias] })],
)

export const modelVersions = pgTable(
  'model_versions',
  {
    modelUid: text('model_uid').notNull(),
    version: milliseconds('version').notNull(),
    /** Tags refer to it: they are written before the number is known. */
    versionUid: text('version_uid').notNull(),
    creationTimeMs: milliseconds('creation_time').notNull(),
    lastUpdatedTimeMs: milliseconds('last_updated_time').notNull(),
    description: text('description'),
    userId: text('user_id'),
    currentStage: text('current_stage').notNull(),
    /** The last change of the stage, empty for none; see audit.store.ts. */
    eventId: text('event_id').notNull(),
    source: text('source').notNull(),
    storageLocation: text('storage_location').notNull(),
    runId: text('run_id'),
    runLink: text('run_link'),
    modelId: text('model_id'),
    status: text('status').notNull(),
    statusMessage: text('status_message'),
    /** Repeats the tag mlflow.prompt.is_prompt: whether searches leave out all versions of the model. */
    isPrompt: boolean('is_prompt').notNull(),
  },
  (table) => [primaryKey({ columns: [table.modelUid, table.version] })],
)

export const modelVersionTags = pgTable(
  'model_version_tags',
  { versionUid: text('version_uid').notNull(), ...tagColumns, modelUid: text('model_uid').notNull() },
  (table) => [primaryKey({ columns: [table.versionUid, table.key] })],
)

/** What happened to aliases and stages; rows are only ever added. */
export const registryAudit = pgTable('registry_audit', {
  eventId: text('event_id').primaryKey(),
  /** The change that this one took the place of, empty for none. */
  previousEventId: text('previous_event_id').notNull(),
  modelUid: text('model_uid').notNull(),
  /** The model's name at that time. */
  modelName: text('model_name').notNull(),
  atMs: milliseconds('at_ms').notNull(),
  /** REGISTRY_EVENT_KINDS in audit.store.ts. */
  kind: text('kind').notNull(),
  userId: text('user_id'),
  alias: text('alias'),
  oldVersion: milliseconds('old_version'),
  newVersion: milliseconds('new_version'),
  oldStage: text('old_stage'),
  newStage: text('new_stage'),
})

export type RegisteredModelRow = typeof registeredModels.$inferSelect
export type RegisteredModelAliasRow = typeof registeredModelAliases.$inferSelect
export type ModelVersionRow = typeof modelVersions.$inferSelect
export type RegistryEvent = typeof registryAudit.$inferSelect
