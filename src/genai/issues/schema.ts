// Messages of issues that were found in traces.
import { z } from 'zod'
import { bool, int32, message, repeated, text } from '../../platform/wire/message.ts'

export const IssueWire = z
  .object({
    issue_id: z.string(),
    experiment_id: z.string(),
    name: z.string(),
    description: z.string(),
    status: z.string(),
    severity: z.string().optional(),
    root_causes: z.array(z.string()).optional(),
    source_run_id: z.string().optional(),
    created_timestamp: z.number(),
    last_updated_timestamp: z.number(),
    created_by: z.string().optional(),
    categories: z.array(z.string()).optional(),
    trace_count: z.number().optional(),
  })
  .meta({ id: 'Issue' })
export type Issue = z.infer<typeof IssueWire>

export const CreateIssue = message('CreateIssue', {
  name: text(),
  description: text(),
  experiment_id: text(),
  status: text().optional(),
  severity: text().optional(),
  root_causes: repeated(text()),
  source_run_id: text().optional(),
  created_by: text().optional(),
  categories: repeated(text()),
})
export const GetIssue = message('GetIssue', { issue_id: text() })
export const UpdateIssue = message('UpdateIssue', {
  issue_id: text(),
  name: text().optional(),
  description: text().optional(),
  status: text().optional(),
  severity: text().optional(),
})
export const SearchIssues = message('SearchIssues', {
  experiment_id: text().optional(),
  filter_string: text().optional(),
  max_results: int32().optional(),
  page_token: text().optional(),
  include_trace_count: bool().optional(),
})
