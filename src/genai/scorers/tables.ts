// Tables of scorers and their versions.
import { doublePrecision, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { idColumn, milliseconds } from '../../platform/database/columns.ts'

/**
 * A name of an experiment and the scorer that has it now: with the id in this row a scorer comes and goes, in one
 * atomic change. Its online configuration is in the same row, since there is one at most.
 */
export const scorers = pgTable(
  'scorers',
  {
    experimentId: idColumn('experiment_id').notNull(),
    name: text('scorer_name').notNull(),
    /** Empty when the scorer was deleted. */
    scorerId: text('scorer_id').notNull(),
    /** NULL without an online configuration. */
    onlineConfigId: text('online_scoring_config_id'),
    sampleRate: doublePrecision('sample_rate'),
    filterString: text('filter_string'),
  },
  (table) => [primaryKey({ columns: [table.experimentId, table.name] })],
)

/** Versions of an id that no scorer has are left over from a crash; nothing shows them. */
export const scorerVersions = pgTable(
  'scorer_versions',
  {
    scorerId: text('scorer_id').notNull(),
    version: milliseconds('scorer_version').notNull(),
    /** JSON, as the client sent it. */
    serialized: text('serialized_scorer').notNull(),
    creationTimeMs: milliseconds('creation_time').notNull(),
  },
  (table) => [primaryKey({ columns: [table.scorerId, table.version] })],
)

export type ScorerRow = typeof scorers.$inferSelect
export type ScorerVersionRow = typeof scorerVersions.$inferSelect
