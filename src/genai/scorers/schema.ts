// Messages of scorers.
import { z } from 'zod'
import { double, int32, message, repeated, required, text } from '../../platform/wire/message.ts'

export const ScorerWire = z
  .object({
    experiment_id: z
      .number()
      .int()
      .optional()
      .describe('Absent when it is beyond 32 bits: MLflow has an int32 here, and its client fails on more'),
    scorer_name: z.string(),
    scorer_version: z.number().int(),
    serialized_scorer: z.string().describe('JSON'),
    creation_time: z.number().int().describe('Milliseconds since the epoch'),
    scorer_id: z.string(),
  })
  .meta({ id: 'Scorer' })
export type Scorer = z.infer<typeof ScorerWire>

export const RegisteredScorerWire = z
  .object({
    version: z.number().int(),
    scorer_id: z.string(),
    experiment_id: z.string(),
    name: z.string(),
    serialized_scorer: z.string().describe('JSON'),
    creation_time: z.number().int().describe('Milliseconds since the epoch'),
  })
  .meta({ id: 'RegisteredScorer' })
export type RegisteredScorer = z.infer<typeof RegisteredScorerWire>

export const OnlineScoringConfigWire = z
  .object({
    online_scoring_config_id: z.string(),
    scorer_id: z.string(),
    sample_rate: z.number().describe('The part of all traces that is scored, from 0 to 1'),
    experiment_id: z.string(),
    filter_string: z.string().optional(),
  })
  .meta({ id: 'OnlineScoringConfig' })
export type OnlineScoringConfig = z.infer<typeof OnlineScoringConfigWire>

export const RegisterScorer = message('RegisterScorer', {
  experiment_id: text(),
  name: text(),
  serialized_scorer: text(),
})
export const ListScorers = message('ListScorers', {
  experiment_id: text().optional(),
  experiment_ids: repeated(text()).optional(),
})
export const ListScorerVersions = message('ListScorerVersions', { experiment_id: text(), name: text() })
export const GetScorer = message('GetScorer', {
  experiment_id: text(),
  name: text(),
  version: int32().optional(),
})
export const DeleteScorer = message('DeleteScorer', {
  experiment_id: text(),
  name: text(),
  version: int32().optional(),
})
export const GetOnlineScoringConfigs = message('GetOnlineScoringConfigs', {
  scorer_ids: required(repeated(text())),
})
export const UpsertOnlineScoringConfig = message('UpsertOnlineScoringConfig', {
  experiment_id: text(),
  name: text(),
  sample_rate: double(),
  filter_string: text().optional(),
})
