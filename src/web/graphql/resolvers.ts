// What the fields of a GraphQL query ask of the other rooms: the very messages and rules of REST.
import { filesToWire, ListArtifacts } from '../../artifacts/schema.ts'
import { type Message, type Parsed, readMessage } from '../../platform/wire/message.ts'
import { type ModelVersion, SearchModelVersions } from '../../registry/model-registry/schema.ts'
import { type DatasetSummary, SearchDatasets } from '../../tracking/datasets/schema.ts'
import { type Experiment, GetExperiment } from '../../tracking/experiments/schema.ts'
import { GetMetricHistoryBulkInterval, type MetricWithRunId } from '../../tracking/metrics/schema.ts'
import { GetRun, type Run, SearchRuns } from '../../tracking/runs/schema.ts'
import { type Budget, createBudget } from './budget.ts'
import { loadTogether } from './loaders.ts'

/** The rooms' services. All of them throw MLflow's errors. */
export interface Sources {
  getExperiment: (experimentId: string) => Promise<Experiment>
  /** The experiments of these ids, by id; what is not there is left out. */
  findExperiments: (experimentIds: string[]) => Promise<Map<string, Experiment>>
  getRun: (runId: string) => Promise<Run>
  searchRuns: (
    input: Parsed<typeof SearchRuns>,
  ) => Promise<{ runs: AsyncIterable<Run[]>; nextPageToken: string | undefined }>
  searchModelVersions: (
    input: Parsed<typeof SearchModelVersions>,
  ) => Promise<{ versions: AsyncIterable<ModelVersion[]>; nextPageToken: string | undefined }>
  searchDatasets: (experimentIds: string[]) => Promise<DatasetSummary[]>
  getHistories: (input: Parsed<typeof GetMetricHistoryBulkInterval>) => Promise<MetricWithRunId[]>
  listArtifacts: (
    runId: string,
    path: string | undefined,
  ) => Promise<{ rootUri: string; files: Parameters<typeof filesToWire>[0] }>
}

/** What the fields of one query share. */
export interface QueryContext {
  budget: Budget
  experimentOf: (experimentId: string) => Promise<Experiment | undefined>
  versionsOf: (runId: string) => Promise<ModelVersion[] | undefined>
}

/** Runs whose model versions are searched by one statement. */
const RUNS_AT_ONCE = 500

export function createQueryContext({ findExperiments, searchModelVersions }: Sources): QueryContext {
  const budget = createBudget()

  async function findVersions(runIds: string[]): Promise<Map<string, ModelVersion[]>> {
    const byRun = new Map<string, ModelVersion[]>(runIds.map((runId) => [runId, []]))
    for (let from = 0; from < runIds.length; from += RUNS_AT_ONCE) {
      const ids = runIds.slice(from, from + RUNS_AT_ONCE).map((runId) => `'${runId}'`)
      const { versions } = await searchModelVersions({ filter: `run_id IN (${ids.join(',')})`, order_by: [] })
      for await (const chunk of versions) {
        budget.spend(chunk.length)
        for (const version of chunk) byRun.get(version.run_id ?? '')?.push(version)
      }
    }
    return byRun
  }

  return { budget, experimentOf: loadTogether(findExperiments), versionsOf: loadTogether(findVersions) }
}

/** Fields that a run has beside its message. @see mlflow MlflowRunExtension */
export const RUN_FIELDS: Record<string, (run: Run, context: QueryContext) => Promise<unknown>> = {
  experiment: (run, { experimentOf }) => experimentOf(run.info.experiment_id),
  modelVersions: (run, { versionsOf }) => versionsOf(run.info.run_id),
}

type RootField = (args: Record<string, unknown>, context: QueryContext) => unknown

/** A root field whose argument `input` is a message of REST; without one it is an empty message. */
const asking =
  <M extends Message>(request: M, answer: (input: Parsed<M>, context: QueryContext) => unknown): RootField =>
  ({ input }, context) =>
    answer(readMessage(request, input ?? {}), context)

const echo: RootField = ({ inputString }) => ({ output: inputString ?? null })

/**
 * The fields of queries and mutations. Each answers its message of REST.
 * @see mlflow/server/graphql/graphql_schema_extensions.py Query, Mutation
 */
export function createRootFields(sources: Sources): Record<string, Record<string, RootField>> {
  const mlflowSearchRuns = asking(SearchRuns, async (input, { budget }) => {
    const { runs, nextPageToken } = await sources.searchRuns(input)
    const page: Run[] = []
    for await (const chunk of runs) {
      for (const run of chunk) budget.spend(sizeOf(run))
      page.push(...chunk)
    }
    return { runs: page, next_page_token: nextPageToken }
  })
  return {
    Query: {
      mlflowGetExperiment: asking(GetExperiment, async ({ experiment_id }) => ({
        experiment: await sources.getExperiment(experiment_id),
      })),
      mlflowGetMetricHistoryBulkInterval: asking(GetMetricHistoryBulkInterval, async (input) => ({
        metrics: await sources.getHistories(input),
      })),
      mlflowGetRun: asking(GetRun, async ({ run_id }) => ({ run: await sources.getRun(run_id) })),
      mlflowListArtifacts: asking(ListArtifacts, async ({ run_id, run_uuid, path }) => {
        const { rootUri, files } = await sources.listArtifacts(run_id || run_uuid || '', path)
        return { root_uri: rootUri, ...filesToWire(files) }
      }),
      mlflowSearchModelVersions: asking(SearchModelVersions, async (input, { budget }) => {
        const { versions, nextPageToken } = await sources.searchModelVersions(input)
        const page: ModelVersion[] = []
        for await (const chunk of versions) {
          budget.spend(chunk.length)
          page.push(...chunk)
        }
        return { model_versions: page, next_page_token: nextPageToken }
      }),
      mlflowSearchRuns,
      test: echo,
    },
    Mutation: {
      mlflowSearchDatasets: asking(SearchDatasets, async ({ experiment_ids }) => ({
        dataset_summaries: await sources.searchDatasets(experiment_ids),
      })),
      mlflowSearchRuns,
      // Stock declares it, and answers null.
      testMutation: () => null,
    },
  }
}

/** Values that a run brings into memory. */
const sizeOf = ({ data, inputs }: Run) =>
  1 +
  (data.metrics?.length ?? 0) +
  (data.params?.length ?? 0) +
  (data.tags?.length ?? 0) +
  (inputs.dataset_inputs?.length ?? 0)
