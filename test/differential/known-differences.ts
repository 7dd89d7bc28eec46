// The list of answers that differ from stock MLflow's, each with its reason.
import type { HttpAnswer } from '../support/http.ts'

interface Known {
  reason: string
  /** Whether a pair of answers is this difference and no other. */
  accepts: (stock: HttpAnswer, ours: HttpAnswer) => boolean
}

const errorOf = (answer: HttpAnswer) => (answer.body ?? {}) as { error_code?: string; message?: string }
const isRefusal = (answer: HttpAnswer) =>
  answer.status === 400 &&
  ['INVALID_PARAMETER_VALUE', 'BAD_REQUEST'].includes(errorOf(answer).error_code ?? '')

/** What may happen at any endpoint. */
export const EVERYWHERE: Known[] = [
  {
    reason: 'Stock crashes (500) on a request that is simply wrong; we refuse it and name what is wrong.',
    accepts: (stock, ours) =>
      stock.status === 500 && errorOf(stock).error_code === 'INTERNAL_ERROR' && isRefusal(ours),
  },
  {
    reason:
      'Paths and methods that do not exist are answered with an HTML page by stock, with MLflow JSON by us.',
    accepts: (stock, ours) =>
      [404, 405].includes(stock.status) &&
      String(stock.body).startsWith('<!doctype html>') &&
      errorOf(ours).error_code === 'ENDPOINT_NOT_FOUND',
  },
  {
    reason:
      'Stock lets the text of the database driver through, with SQL and parameters; ours ends before it.',
    accepts: (stock, ours) =>
      stock.status === ours.status &&
      errorOf(stock).error_code === errorOf(ours).error_code &&
      /\(sqlite3\.\w+\)/.test(errorOf(stock).message ?? '') &&
      (errorOf(stock).message ?? '').startsWith((errorOf(ours).message ?? '?').replace(/\.$/, '')),
  },
]

/** What single steps are marked with. */
export const KNOWN_DIFFERENCES = {} satisfies Record<string, Known>

export type KnownDifference = keyof typeof KNOWN_DIFFERENCES
