// Requests of the web UI that this server answers unlike stock, each group with its reason.
// The test of recorded requests fails for any other, and when one of these is answered as stock.

export interface NotBuilt {
  reason: string
  /** As `nameOf` names them. */
  requests: readonly string[]
}

const GATEWAY = '/ajax-api/3.0/mlflow/gateway'

export const NOT_BUILT: readonly NotBuilt[] = [
  {
    reason: 'There is no AI gateway: server-info says so, and the UI hides the pages that would ask.',
    requests: [
      `${GATEWAY}/budgets/list GET`,
      `${GATEWAY}/budgets/windows GET`,
      `${GATEWAY}/endpoints/bindings/list GET`,
      `${GATEWAY}/model-definitions/list GET`,
      `${GATEWAY}/secrets/config GET`,
    ],
  },
]

/** Asked for at times only: the page of reviews wants the users of a server that has some. Answered as by stock when it is asked. */
export const ASKED_AT_TIMES: readonly string[] = ['/ajax-api/2.0/mlflow/users/list GET']
