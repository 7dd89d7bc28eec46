// REST of label schemas.
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import * as schema from './schema.ts'
import type { LabelSchemaService } from './service.ts'

const tag = 'label-schemas'
const PATH = '/3.0/mlflow/label-schemas'
const OneSchema = z.object({ label_schema: schema.LabelSchemaWire })

export const labelSchemaEndpoints = (labelSchemas: LabelSchemaService): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: `${PATH}/create`,
    tag,
    summary: 'Create a label schema with a name that no other of the experiment has',
    request: schema.CreateLabelSchema,
    response: OneSchema,
    handle: async (input) => ({ label_schema: await labelSchemas.create(input) }),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/get`,
    tag,
    summary: 'Get a label schema',
    request: schema.GetLabelSchema,
    response: OneSchema,
    handle: async ({ schema_id }) => ({ label_schema: await labelSchemas.get(schema_id) }),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/get-by-name`,
    tag,
    summary: 'Get the label schema of a name',
    request: schema.GetLabelSchemaByName,
    response: OneSchema,
    handle: async ({ experiment_id, name }) => ({
      label_schema: await labelSchemas.getByName(experiment_id, name),
    }),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/list`,
    tag,
    summary: 'List the label schemas of an experiment, the newest first',
    request: schema.ListLabelSchemas,
    response: z.object({
      label_schemas: z.array(schema.LabelSchemaWire).optional(),
      next_page_token: z.string(),
    }),
    handle: async (input) => {
      const { labelSchemas: found, nextPageToken = '' } = await labelSchemas.list(input)
      return { ...(found.length > 0 && { label_schemas: found }), next_page_token: nextPageToken }
    },
  }),
  endpoint({
    method: 'PATCH',
    path: `${PATH}/update`,
    tag,
    summary: 'Change a label schema; fields that are left out stay as they are',
    request: schema.UpdateLabelSchema,
    response: OneSchema,
    handle: async ({ schema_id, ...changes }) => ({
      label_schema: await labelSchemas.update(schema_id, changes),
    }),
  }),
  endpoint({
    method: 'DELETE',
    path: `${PATH}/delete`,
    tag,
    summary: 'Delete a label schema if there is one',
    request: schema.DeleteLabelSchema,
    response: z.object({}),
    handle: ({ schema_id }) => labelSchemas.delete(schema_id),
  }),
]
