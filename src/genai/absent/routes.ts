// What this server keeps none of, answered as by a stock server that has none either, so that clients and pages of the web UI find nothing
// instead of an error. What would make some is refused: see platform/http/not-built.ts.
import { z } from 'zod'
import { doesNotExist } from '../../errors.ts'
import { type Endpoint, endpoint, type Prefix } from '../../platform/http/route.ts'
import { message, text } from '../../platform/wire/message.ts'

interface Empty {
  path: string
  summary: string
  answer: object
  method?: 'POST'
  prefixes?: readonly Prefix[]
}

const AJAX = ['/ajax-api'] as const
const GATEWAY = '/3.0/mlflow/gateway'
const MCP = '/3.0/mlflow/mcp-servers'
const ASSISTANT = '/3.0/mlflow/assistant'

/** Lists of a gateway are absent from its messages when they are empty; FastAPI's are there. */
const EMPTY: readonly Empty[] = [
  { path: `${GATEWAY}/budgets/list`, summary: 'No budgets', answer: {} },
  { path: `${GATEWAY}/budgets/windows`, summary: 'No windows of budgets', answer: {} },
  { path: `${GATEWAY}/endpoints/bindings/list`, summary: 'No bindings of endpoints', answer: {} },
  { path: `${GATEWAY}/endpoints/list`, summary: 'No endpoints', answer: {} },
  { path: `${GATEWAY}/guardrails/list`, summary: 'No guardrails', answer: {} },
  { path: `${GATEWAY}/model-definitions/list`, summary: 'No models', answer: {} },
  { path: `${GATEWAY}/secrets/list`, summary: 'No secrets', answer: {} },
  {
    path: `${GATEWAY}/secrets/config`,
    summary: 'Secrets are not kept',
    answer: { secrets_available: false, using_default_passphrase: false },
    prefixes: AJAX,
  },
  {
    path: `${GATEWAY}/supported-providers`,
    summary: 'No providers',
    answer: { providers: [] },
    prefixes: AJAX,
  },
  { path: `${GATEWAY}/supported-models`, summary: 'No models', answer: { models: [] }, prefixes: AJAX },
  { path: MCP, summary: 'No MCP servers', answer: { mcp_servers: [], next_page_token: null } },
  {
    path: `${MCP}/endpoints`,
    summary: 'No endpoints of MCP servers',
    answer: { mcp_access_endpoints: [], next_page_token: null },
  },
  {
    path: `${ASSISTANT}/config`,
    summary: 'No settings of an assistant',
    answer: { providers: {}, projects: {}, remote_access_allowed: false },
    prefixes: AJAX,
  },
  {
    path: `${ASSISTANT}/providers`,
    summary: 'No providers of an assistant',
    answer: { providers: [], resolved: null, gateway_vendor_options: {} },
    prefixes: AJAX,
  },
  { path: '/3.0/jobs/search', summary: 'No jobs', answer: { jobs: [] }, method: 'POST', prefixes: AJAX },
  { path: '/3.0/mlflow/prompt-optimization/jobs/search', summary: 'No jobs', answer: {} },
  { path: '/3.0/mlflow/prompt-optimization/jobs/search', summary: 'No jobs', answer: {}, method: 'POST' },
]

const McpServerName = message('McpServerName', { name: text() })

export const absentEndpoints = (): Endpoint[] => [
  ...EMPTY.map(({ path, summary, answer, method, prefixes }) =>
    endpoint({
      method: method ?? 'GET',
      path,
      ...(prefixes && { prefixes }),
      tag: 'not built',
      summary,
      response: z.looseObject({}),
      handle: async () => answer,
    }),
  ),
  endpoint({
    method: 'GET',
    path: `${MCP}/:name`,
    tag: 'not built',
    summary: 'No such MCP server',
    request: McpServerName,
    response: z.looseObject({}),
    handle: async ({ name }) => {
      throw doesNotExist(`MCP server '${name}' not found`)
    },
  }),
]
