// Messages of the deletion for good, which are this server's own: MLflow has its command alone.
import { z } from 'zod'
import { bool, int64, message, repeated, text } from '../../platform/wire/message.ts'

export const DELETION_KINDS = ['experiment', 'run', 'logged_model', 'metric', 'param'] as const
export type DeletionKind = (typeof DELETION_KINDS)[number]

/** Who began: `crateflow gc` or whoever calls its endpoint, a request to delete this thing, the server by its schedule, a retention policy. */
export const DELETION_CAUSES = ['gc', 'api', 'schedule', 'retention'] as const
export type DeletionCause = (typeof DELETION_CAUSES)[number]

const thing = {
  kind: z.enum(DELETION_KINDS),
  id: z.string().describe('Of a metric or a param, the id of its run'),
  name: z.string().optional().describe('Of a metric or a param, its key'),
  experiment_id: z.string(),
}

export const DoomedWire = z
  .object({
    ...thing,
    deleted_at: z.number().int().describe('When it was marked as deleted, in milliseconds since the epoch'),
    artifact_uri: z.string().optional(),
  })
  .meta({ id: 'Garbage' })
export type DoomedThing = z.infer<typeof DoomedWire>

export const GarbageWire = z
  .object({
    garbage: z.array(DoomedWire).describe('Experiments first, then runs, then logged models'),
    next_page_token: z.string().optional(),
  })
  .meta({ id: 'GarbageList' })
export type GarbageList = z.infer<typeof GarbageWire>

export const DeletedWire = z
  .object({
    ...thing,
    rows: z.number().int().describe('Rows that went with it; those of runs and logged models count there'),
    files: z.number().int().describe('Files that went with it'),
  })
  .meta({ id: 'DeletedThing' })
export type DeletedThing = z.infer<typeof DeletedWire>

export const LeftWire = z
  .object({
    ...thing,
    message: z.string().describe('Why it is still there; the next collection tries again'),
  })
  .meta({ id: 'LeftThing' })
export type LeftThing = z.infer<typeof LeftWire>

export const CollectedWire = z
  .object({
    deleted: z.array(DeletedWire),
    left: z.array(LeftWire).describe('What could not be deleted'),
    next_page_token: z
      .string()
      .optional()
      .describe('There is more to do: send the same request again with this token'),
  })
  .meta({ id: 'CollectedGarbage' })
export type Collected = z.infer<typeof CollectedWire>

export const DeletionWire = z
  .object({
    deletion_id: z.string(),
    ...thing,
    timestamp: z.number().int().describe('When the deletion began, in milliseconds since the epoch'),
    rows: z.number().int(),
    files: z.number().int(),
    user_id: z.string().optional().describe('What the header `user` of the request said'),
    cause: z.enum(DELETION_CAUSES),
  })
  .meta({ id: 'Deletion' })
export type Deletion = z.infer<typeof DeletionWire>

export const DeletionsWire = z
  .object({ deletions: z.array(DeletionWire), next_page_token: z.string().optional() })
  .meta({ id: 'DeletionList' })

const keepArtifacts = bool().optional().describe('Leave the files where they are')

const selection = {
  older_than: text()
    .optional()
    .describe('Only what was marked as deleted so long ago, such as 30d or 1d2h3m4s'),
  experiment_ids: repeated(text()).describe('With any id, only what is named is deleted'),
  run_ids: repeated(text()),
  logged_model_ids: repeated(text()),
}

export const ListGarbage = message('ListGarbage', {
  ...selection,
  max_results: int64().optional().describe('From 1 to 1000, 100 by default'),
  page_token: text().optional(),
})

export const CollectGarbage = message('CollectGarbage', {
  ...selection,
  keep_artifacts: keepArtifacts,
  only_check: bool()
    .optional()
    .describe('Delete nothing yet: check what is named, and answer the token to begin with'),
  page_token: text()
    .optional()
    .describe('Of the answer before. A request that brings one may be repeated: nothing goes twice'),
})

export const HardDeleteExperiment = message('HardDeleteExperiment', {
  experiment_id: text(),
  keep_artifacts: keepArtifacts,
  page_token: text().optional().describe('Of the answer before, until one has none'),
})
export const HardDeleteRun = message('HardDeleteRun', { run_id: text(), keep_artifacts: keepArtifacts })
export const HardDeleteLoggedModel = message('HardDeleteLoggedModel', {
  model_id: text(),
  keep_artifacts: keepArtifacts,
})
export const HardDeleteMetric = message('HardDeleteMetric', { run_id: text(), metric_key: text() })
export const HardDeleteParam = message('HardDeleteParam', { run_id: text(), param_key: text() })

export const SearchDeletions = message('SearchDeletions', {
  kind: text().optional().describe('experiment, run, logged_model, metric or param'),
  id: text().optional(),
  experiment_id: text().optional(),
  max_results: int64().optional().describe('From 1 to 1000, 100 by default'),
  page_token: text().optional(),
})
