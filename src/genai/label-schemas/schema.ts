// Messages of label schemas.
import { z } from 'zod'
import {
  bool,
  double,
  enumeration,
  int32,
  int64,
  message,
  repeated,
  text,
} from '../../platform/wire/message.ts'

const TYPES = { LABEL_SCHEMA_TYPE_UNSPECIFIED: 0, FEEDBACK: 1, EXPECTATION: 2 } as const

export const LabelSchemaInput = message('LabelSchemaInput', {
  pass_fail: message('InputPassFail', {
    positive_label: text().optional(),
    negative_label: text().optional(),
  }).optional(),
  categorical: message('InputCategorical', {
    options: repeated(text()),
    multi_select: bool().optional(),
  }).optional(),
  numeric: message('InputNumeric', {
    min_value: double().optional(),
    max_value: double().optional(),
  }).optional(),
  text: message('InputText', { max_length: int64().optional() }).optional(),
})
export type LabelSchemaInputMessage = z.output<typeof LabelSchemaInput>

const bound = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])]).optional()

export const LabelSchemaInputWire = z
  .union([
    z.object({ pass_fail: z.object({ positive_label: z.string(), negative_label: z.string() }) }),
    z.object({ categorical: z.object({ options: z.array(z.string()), multi_select: z.boolean() }) }),
    z.object({ numeric: z.object({ min_value: bound, max_value: bound }) }),
    z.object({ text: z.object({ max_length: z.number().int().optional() }) }),
  ])
  .describe('How a reviewer answers')

export const LabelSchemaWire = z
  .object({
    schema_id: z.string(),
    experiment_id: z.string(),
    name: z.string(),
    type: z.enum(['FEEDBACK', 'EXPECTATION']),
    instruction: z.string().optional(),
    enable_comment: z.boolean(),
    input: LabelSchemaInputWire,
    created_at: z.number().int().describe('Milliseconds since the epoch'),
    last_updated_at: z.number().int().describe('Milliseconds since the epoch'),
    is_default: z.boolean().describe('Whether it is the question that every experiment has'),
  })
  .meta({ id: 'LabelSchema' })
export type LabelSchema = z.infer<typeof LabelSchemaWire>

export const CreateLabelSchema = message('CreateLabelSchema', {
  experiment_id: text(),
  name: text(),
  type: enumeration(TYPES).optional(),
  input: LabelSchemaInput.optional(),
  instruction: text().optional(),
  enable_comment: bool().optional(),
})
export const GetLabelSchema = message('GetLabelSchema', { schema_id: text() })
export const GetLabelSchemaByName = message('GetLabelSchemaByName', { experiment_id: text(), name: text() })
export const ListLabelSchemas = message('ListLabelSchemas', {
  experiment_id: text(),
  max_results: int32().optional(),
  page_token: text().optional(),
})
export const UpdateLabelSchema = message('UpdateLabelSchema', {
  schema_id: text(),
  name: text().optional(),
  instruction: text().optional(),
  enable_comment: bool().optional(),
  input: LabelSchemaInput.optional(),
})
export const DeleteLabelSchema = message('DeleteLabelSchema', { schema_id: text() })
