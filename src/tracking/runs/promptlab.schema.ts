// The message with which the UI's prompt engineering page saves a trial as a run.
import { z } from 'zod'
import { int64, message, repeated, text } from '../../platform/wire/message.ts'
import { RunTagSchema } from './schema.ts'

const PromptlabParam = message('PromptlabParam', {
  key: text().optional(),
  value: z.unknown().optional().describe('Text, or any JSON, which is written as text'),
})

/** Fields that the service demands with texts of its own. */
export const CreatePromptlabRun = message('CreatePromptlabRun', {
  experiment_id: text().optional(),
  run_name: text().optional(),
  tags: repeated(RunTagSchema),
  prompt_template: text().optional(),
  prompt_parameters: repeated(PromptlabParam),
  model_route: text().optional(),
  model_parameters: repeated(PromptlabParam),
  model_input: text().optional().describe('The prompt with its parameters filled in'),
  model_output: text().optional(),
  model_output_parameters: repeated(PromptlabParam),
  mlflow_version: text().optional(),
  user_id: text().optional(),
  start_time: int64().optional(),
})
