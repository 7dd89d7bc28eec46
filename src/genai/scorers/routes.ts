// REST of scorers and of their online configurations.
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import * as schema from './schema.ts'
import type { ScorerService } from './service.ts'

const tag = 'scorers'
const PATH = '/3.0/mlflow/scorers'
const Scorers = z.object({ scorers: z.array(schema.ScorerWire).optional() })
const listOf = (scorers: schema.Scorer[]) => (scorers.length > 0 ? { scorers } : {})

export const scorerEndpoints = (scorers: ScorerService): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: `${PATH}/register`,
    tag,
    summary: 'Register a scorer as the next version of its name in the experiment',
    request: schema.RegisterScorer,
    response: schema.RegisteredScorerWire,
    handle: scorers.register,
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/list`,
    tag,
    summary: 'List the latest versions of the scorers of one experiment, of several, or of all',
    request: schema.ListScorers,
    response: Scorers,
    handle: async (input) => listOf(await scorers.list(input)),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/versions`,
    tag,
    summary: 'List all versions of a scorer',
    request: schema.ListScorerVersions,
    response: Scorers,
    handle: async (input) => listOf(await scorers.listVersions(input)),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/get`,
    tag,
    summary: 'Get a version of a scorer, the latest without a number',
    request: schema.GetScorer,
    response: z.object({ scorer: schema.ScorerWire }),
    handle: async (input) => ({ scorer: await scorers.get(input) }),
  }),
  endpoint({
    method: 'DELETE',
    path: `${PATH}/delete`,
    tag,
    summary: 'Delete a version of a scorer, or all of them without a number',
    request: schema.DeleteScorer,
    response: z.object({}),
    handle: scorers.delete,
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/online-configs`,
    tag,
    summary: 'Get the online configurations of scorers',
    request: schema.GetOnlineScoringConfigs,
    response: z.object({ configs: z.array(schema.OnlineScoringConfigWire) }),
    handle: async ({ scorer_ids }) => ({ configs: await scorers.getOnlineConfigs(scorer_ids) }),
  }),
  endpoint({
    method: 'PUT',
    path: `${PATH}/online-config`,
    tag,
    summary: 'Set which part of the traces a scorer is to see by itself',
    request: schema.UpsertOnlineScoringConfig,
    response: z.object({ config: schema.OnlineScoringConfigWire }),
    handle: async (input) => ({ config: await scorers.setOnlineConfig(input) }),
  }),
]
