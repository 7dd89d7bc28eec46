// Requests of the web UI that this server answers unlike stock, each group with its reason.
// The test of recorded requests fails for any other, and when one of these is answered as stock.

export interface NotBuilt {
  reason: string
  /** As `nameOf` names them. */
  requests: readonly string[]
}

export const NOT_BUILT: readonly NotBuilt[] = []

/** Asked for at times only: the page of reviews wants the users of a server that has some. Answered as by stock when it is asked. */
export const ASKED_AT_TIMES: readonly string[] = ['/ajax-api/2.0/mlflow/users/list GET']
