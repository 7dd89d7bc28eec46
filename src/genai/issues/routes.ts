// REST of issues that were found in traces.
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import * as schema from './schema.ts'
import type { IssueService } from './service.ts'

const tag = 'issues'
const PATH = '/3.0/mlflow/issues'
const OneIssue = z.object({ issue: schema.IssueWire })

export const issueEndpoints = (issues: IssueService): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: PATH,
    tag,
    summary: 'Create an issue',
    request: schema.CreateIssue,
    response: OneIssue,
    handle: async (input) => ({ issue: await issues.create(input) }),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/:issue_id`,
    tag,
    summary: 'Get an issue',
    request: schema.GetIssue,
    response: OneIssue,
    handle: async ({ issue_id }) => ({ issue: await issues.get(issue_id) }),
  }),
  endpoint({
    method: 'PATCH',
    path: `${PATH}/:issue_id`,
    tag,
    summary: 'Change an issue; fields that are left out stay as they are',
    request: schema.UpdateIssue,
    response: OneIssue,
    handle: async (input) => ({ issue: await issues.update(input) }),
  }),
  endpoint({
    method: 'POST',
    path: `${PATH}/search`,
    tag,
    summary: 'Search issues, the most severe first',
    request: schema.SearchIssues,
    response: z.object({ issues: z.array(schema.IssueWire).optional(), next_page_token: z.string() }),
    handle: async (input) => {
      const { issues: found, nextPageToken } = await issues.search(input)
      return { ...(found.length > 0 && { issues: found }), next_page_token: nextPageToken }
    },
  }),
]
