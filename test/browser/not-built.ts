// Requests of the web UI that this server answers unlike stock, each group with its reason.
// The test of recorded requests fails for any other, and when one of these is answered as stock.

export interface NotBuilt {
  reason: string
  /** As `nameOf` names them. */
  requests: readonly string[]
}

const AJAX = '/ajax-api/3.0/mlflow'

export const NOT_BUILT: readonly NotBuilt[] = [
  {
    reason: 'The registry of MCP servers is not built; its page says so.',
    requests: [`${AJAX}/mcp-servers GET`],
  },
  {
    reason: 'There is no AI gateway: server-info says so, and the UI hides its pages.',
    requests: [
      `${AJAX}/gateway/budgets/list GET`,
      `${AJAX}/gateway/budgets/windows GET`,
      `${AJAX}/gateway/endpoints/bindings/list GET`,
      `${AJAX}/gateway/endpoints/list GET`,
      `${AJAX}/gateway/model-definitions/list GET`,
      `${AJAX}/gateway/secrets/config GET`,
      `${AJAX}/gateway/secrets/list GET`,
    ],
  },
  {
    reason: "The assistant runs programs on the server's machine; it is not built.",
    requests: [`${AJAX}/assistant/config GET`, `${AJAX}/assistant/providers GET`],
  },
]

/** Asked for at times only: the page of reviews wants the users of a server that has some. Answered as by stock when it is asked. */
export const ASKED_AT_TIMES: readonly string[] = ['/ajax-api/2.0/mlflow/users/list GET']
