// The GenAI wing: what MLflow keeps about applications of language models and their evaluation.
import type { Engine } from '../platform/database/engine.ts'
import type { Endpoint } from '../platform/http/route.ts'
import type { Clock } from '../platform/wire/ids.ts'
import { labelSchemaEndpoints } from './label-schemas/routes.ts'
import { createLabelSchemaService, type LabelSchemaServiceDeps } from './label-schemas/service.ts'
import { scorerEndpoints } from './scorers/routes.ts'
import { createScorerService, type ScorerServiceDeps } from './scorers/service.ts'

export interface GenaiDeps {
  engine: Engine
  clock: Clock
  /** What the wing asks of experiments. */
  experiments: {
    requireActive: ScorerServiceDeps['requireActiveExperiment']
    requireVisible: LabelSchemaServiceDeps['requireExperiment']
    filterActive: ScorerServiceDeps['filterActiveExperiments']
  }
}

export function createGenai({ engine, clock, experiments }: GenaiDeps) {
  const scorers = createScorerService({
    engine,
    clock,
    requireActiveExperiment: experiments.requireActive,
    filterActiveExperiments: experiments.filterActive,
  })
  const labelSchemas = createLabelSchemaService({
    engine,
    clock,
    requireExperiment: experiments.requireVisible,
  })

  const endpoints: Endpoint[] = [...scorerEndpoints(scorers), ...labelSchemaEndpoints(labelSchemas)]
  return { endpoints }
}
