// How rows of reading are written: requests for the endpoints, and what of an answer is compared.
import { encodeGet, encodePost, encodeRequest } from './client.mjs'
import { assertEqual } from './measure.mjs'

/**
 * A row asks something in several variants, as people do, so that nobody answers from a cache of one request:
 * - `ask(store, variant, prepared)`: the bytes of the request
 * - `read(answer, store)`: what is compared, as a text; ids are told as numbers of the plan
 * - `expected(plan, variant)`: that text as the plan has it; without it, all answers must equal the first contender's
 * - `needs`: a feature that the contender must have; `prepare(store, plan)`: what is asked before the clock runs
 */
export const VARIANTS = 5

/** `path?a=1&b=2`; a list is repeated. */
export function withQuery(path, query = {}) {
  const pairs = Object.entries(query).flatMap(([key, value]) => [value].flat().map((one) => [key, one]))
  return pairs.length > 0 ? `${path}?${new URLSearchParams(pairs)}` : path
}

export const get = (path, query) => encodeGet(withQuery(path, query))
export const post = (path, body) => encodePost(path, JSON.stringify(body))
/** For endpoints that only the web UI uses. */
export const ajaxGet = (path, query) => encodeRequest('GET', `/ajax-api/2.0/mlflow/${withQuery(path, query)}`)

export const ajaxPost = (path, body) =>
  encodeRequest('POST', `/ajax-api/2.0/mlflow/${path}`, JSON.stringify(body))

/** A number of something of the plan, spread over all of it by the variant. */
export const pick = (all, variant) => Math.floor((all.length * (variant + 0.5)) / VARIANTS)

export const runNumber = (store, runId) => store.numbers.get(runId)
export const told = (list) => `${list.length}: ${list.join(' ')}`

export const readRuns = ({ runs = [] }, store) => told(runs.map(({ info }) => runNumber(store, info.run_id)))

/** Points in any order of runs: how many, and what their values add up to. */
export function readPoints({ metrics = [] }) {
  const sum = metrics.reduce((total, { value, step }) => total + Number(value) + Number(step ?? 0), 0)
  return `${metrics.length} points, ${sum.toPrecision(9)}`
}

/**
 * The token of the page behind `pages` pages, or of the last page when there are not so many.
 * @param key which list of the answer is paged
 */
export async function walk(ask, { pages, key }) {
  let token
  for (let page = 0; page < pages; page++) {
    const answer = await ask(token)
    if (!answer.next_page_token) break
    assertEqual('length of a page', answer[key].length > 0, true)
    token = answer.next_page_token
  }
  return token
}
