// REST of evaluation datasets and their records.
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import type { DatasetRecordService } from './records.service.ts'
import * as schema from './schema.ts'
import type { EvaluationDatasetService } from './service.ts'

const tag = 'evaluation datasets'
const DATASETS = '/3.0/mlflow/datasets'
const ONE = `${DATASETS}/:dataset_id`
const Nothing = z.object({})
const OneDataset = z.object({ dataset: schema.EvaluationDatasetWire })

export const evaluationDatasetEndpoints = (
  datasets: EvaluationDatasetService,
  records: DatasetRecordService,
): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: `${DATASETS}/create`,
    tag,
    summary: 'Create an evaluation dataset; names need not be unique',
    request: schema.CreateDataset,
    response: OneDataset,
    handle: async (input) => ({ dataset: await datasets.create(input) }),
  }),
  ...(['GET', 'POST'] as const).map((method) =>
    endpoint({
      method,
      path: `${DATASETS}/search`,
      tag,
      summary: 'Search evaluation datasets, page by page',
      request: schema.SearchEvaluationDatasets,
      response: z.object({
        datasets: z.array(schema.EvaluationDatasetWire).optional(),
        next_page_token: z.string().optional(),
      }),
      handle: async (input) => {
        const { datasets: found, nextPageToken } = await datasets.search(input)
        return { ...(found.length > 0 && { datasets: found }), next_page_token: nextPageToken }
      },
    }),
  ),
  endpoint({
    method: 'GET',
    path: ONE,
    tag,
    summary: 'Get an evaluation dataset without its records',
    request: schema.GetDataset,
    response: OneDataset,
    handle: async ({ dataset_id }) => ({ dataset: await datasets.get(dataset_id) }),
  }),
  endpoint({
    method: 'DELETE',
    path: ONE,
    tag,
    summary: 'Delete an evaluation dataset with its records',
    request: schema.DeleteDataset,
    response: Nothing,
    handle: ({ dataset_id }) => datasets.delete(dataset_id),
  }),
  endpoint({
    method: 'PATCH',
    path: `${ONE}/tags`,
    tag,
    summary: 'Set tags of an evaluation dataset; others stay as they are',
    request: schema.SetDatasetTags,
    response: Nothing,
    handle: ({ dataset_id, tags }) => datasets.setTags(dataset_id, tags),
  }),
  endpoint({
    method: 'DELETE',
    path: `${ONE}/tags/:key`,
    tag,
    summary: 'Delete a tag of an evaluation dataset',
    request: schema.DeleteDatasetTag,
    response: Nothing,
    handle: ({ dataset_id, key }) => datasets.deleteTag(dataset_id, key),
  }),
  endpoint({
    method: 'GET',
    path: `${ONE}/experiment-ids`,
    tag,
    summary: 'List the experiments of an evaluation dataset',
    request: schema.GetDatasetExperimentIds,
    response: z.object({ experiment_ids: z.array(z.string()).optional() }),
    handle: async ({ dataset_id }) => {
      const ids = await datasets.experimentIds(dataset_id)
      return ids.length > 0 ? { experiment_ids: ids } : {}
    },
  }),
  endpoint({
    method: 'POST',
    path: `${ONE}/add-experiments`,
    tag,
    summary: 'Add an evaluation dataset to experiments',
    request: schema.AddDatasetToExperiments,
    response: OneDataset,
    handle: async (input) => ({
      dataset: await datasets.addExperiments(input.dataset_id, input.experiment_ids),
    }),
  }),
  endpoint({
    method: 'POST',
    path: `${ONE}/remove-experiments`,
    tag,
    summary: 'Remove an evaluation dataset from experiments',
    request: schema.RemoveDatasetFromExperiments,
    response: OneDataset,
    handle: async (input) => ({
      dataset: await datasets.removeExperiments(input.dataset_id, input.experiment_ids),
    }),
  }),
  endpoint({
    method: 'POST',
    path: `${ONE}/records`,
    tag,
    summary: 'Merge records into an evaluation dataset by their inputs',
    request: schema.UpsertDatasetRecords,
    response: z.object({ inserted_count: z.number().int(), updated_count: z.number().int() }),
    handle: async (input) => {
      const { inserted, updated } = await records.upsert(input.dataset_id, input.records)
      return { inserted_count: inserted, updated_count: updated }
    },
  }),
  endpoint({
    method: 'GET',
    path: `${ONE}/records`,
    tag,
    summary: 'List the records of an evaluation dataset, page by page',
    request: schema.GetDatasetRecords,
    response: z.object({
      records: z.string().describe('JSON list of records'),
      next_page_token: z.string().optional(),
    }),
    handle: async (input) => {
      const { records: found, nextPageToken } = await records.list(input.dataset_id, input)
      return { records: found, next_page_token: nextPageToken }
    },
  }),
  endpoint({
    method: 'DELETE',
    path: `${ONE}/records`,
    tag,
    summary: 'Delete records of an evaluation dataset',
    request: schema.DeleteDatasetRecords,
    response: z.object({ deleted_count: z.number().int() }),
    handle: async (input) => ({
      deleted_count: await records.delete(input.dataset_id, input.dataset_record_ids),
    }),
  }),
]
