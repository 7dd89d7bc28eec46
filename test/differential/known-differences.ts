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
    accepts: (stock, ours) => stock.status === 500 && (isRefusal(ours) || ours.status === 404),
  },
  {
    reason:
      'Paths and methods that do not exist, or only in Databricks, are answered with an HTML page or nothing by stock, with MLflow JSON by us.',
    accepts: (stock, ours) =>
      [404, 405].includes(stock.status) &&
      (stock.body === '' || String(stock.body).startsWith('<!doctype html>')) &&
      errorOf(ours).error_code === 'ENDPOINT_NOT_FOUND',
  },
  {
    reason:
      'Where a key is taken, stock lets the text of its database driver through, with SQL and parameters.',
    accepts: (stock, ours) =>
      stock.status === ours.status &&
      /\(sqlite3\.IntegrityError\)/.test(errorOf(stock).message ?? '') &&
      [errorOf(stock).error_code, 'RESOURCE_ALREADY_EXISTS'].includes(errorOf(ours).error_code) &&
      !/INSERT|UPDATE/.test(errorOf(ours).message ?? ''),
  },
]

const refusesWith = (pattern: RegExp) => (_stock: HttpAnswer, ours: HttpAnswer) =>
  isRefusal(ours) && pattern.test(errorOf(ours).message ?? '')

interface GraphqlBody {
  data?: unknown
  errors?: string[] | null
}

const dataOf = (answer: HttpAnswer) => (answer.body as GraphqlBody).data
const sizeOf = (answer: HttpAnswer) => JSON.stringify(dataOf(answer)).length
const graphqlErrorOf = (answer: HttpAnswer) => (answer.body as GraphqlBody).errors?.[0] ?? ''

/** Without quotes, and without the spaces and quotes of names that only one language prints. */
const unquoted = (body: unknown) => JSON.stringify(body).replace(/\\?["'{} ]/g, '')

/** Whether the answers are the same but for some parts of their text. */
function isSameBut(stock: HttpAnswer, ours: HttpAnswer, part: RegExp): boolean {
  const characters = (answer: HttpAnswer) =>
    [...JSON.stringify(answer.body).replace(part, '')].sort().join('')
  return stock.status === ours.status && characters(stock) === characters(ours)
}

/** What single steps are marked with, by a name that says what differs. */
export const KNOWN_DIFFERENCES: Record<string, Known> = {
  'times of a described trace hold': {
    reason:
      'Stock lets spans without tokens, cost or session move the times that the client gave its trace, though those with them may not; with us none may.',
    accepts: (stock, ours) => isSameBut(stock, ours, /"(request_time|execution_duration)":"[^"]*"/g),
  },
  'tags that a description adds answered': {
    reason:
      'Stock answers a description of a trace with the tags of before; they are there when it is read again.',
    accepts: (stock, ours) => isSameBut(stock, ours, /"tags":\{[^}]*\}/g),
  },
  'id of an assessment taken': {
    reason: 'Stock answers 500, which its client sends again for minutes.',
    accepts: (stock, ours) =>
      stock.status === 500 && ours.status === 400 && errorOf(ours).error_code === 'RESOURCE_ALREADY_EXISTS',
  },
  'overridden while one overrides': {
    reason:
      'Where two assessments override a third one, stock has it valid again when one of them goes; with us, when both have gone.',
    accepts: (stock, ours) =>
      isSameBut(stock, ours, /"(valid|create_time|last_update_time)":(true|false|"[^"]*")/g),
  },
  'regular expression refused where stock finds nothing': {
    reason: 'To stock, what cannot be read as a regular expression is one that nothing matches.',
    accepts: (stock, ours) =>
      stock.status === 200 &&
      !(stock.body as { traces?: unknown }).traces &&
      refusesWith(/^The regular expression '.*' cannot be read at character \d+/s)(stock, ours),
  },
  'part of regular expressions refused': {
    reason:
      'Stock searches with the whole language of Python, in which a pattern may take for ever; ours are those that take a time in proportion to the text.',
    accepts: (stock, ours) =>
      stock.status === 200 &&
      refusesWith(/^The regular expression '.*' cannot be read at character \d+/s)(stock, ours),
  },
  'list for an attribute of a span refused': {
    reason: 'Stock lets the text of SQLAlchemy through.',
    accepts: (stock, ours) =>
      stock.status === 400 &&
      /^IN expression list, SELECT construct/.test(errorOf(stock).message ?? '') &&
      refusesWith(/ cannot be compared with a list\.$/)(stock, ours),
  },
  'links given twice taken once': {
    reason: 'Stock runs into its unique constraint when a request links a trace twice.',
    accepts: (stock, ours) => stock.status >= 400 && ours.status === 200,
  },
  'tag of no trace refused': {
    reason: 'Stock lets the text of its database driver through where a trace is not there; we say so.',
    accepts: (stock, ours) =>
      /FOREIGN KEY constraint/.test(errorOf(stock).message ?? '') &&
      ours.status === 404 &&
      /^Trace with ID '.*' not found\.$/.test(errorOf(ours).message ?? ''),
  },
  'export that is no object refused': {
    reason:
      'Stock crashes on JSON that is no export of spans; we refuse it as other exports that it cannot read.',
    accepts: (stock, ours) =>
      stock.status === 500 &&
      ours.status === 400 &&
      JSON.stringify(ours.body) === '{"detail":"Invalid OpenTelemetry format"}',
  },
  'no duration without an end': {
    reason:
      'Stock takes the end of a span that goes on for 1970, so that its trace lasts minus 50 years; we answer no duration.',
    accepts: (stock, ours) =>
      /"execution_duration":"-/.test(JSON.stringify(stock.body)) &&
      !/execution_duration/.test(JSON.stringify(ours.body)),
  },
  'sorting by nothing refused': {
    reason:
      'Stock takes a tag in order_by for an attribute, or sorts by a key without a name; we refuse both.',
    accepts: refusesWith(/Invalid order[ _]by/),
  },
  'status the client does not repeat': {
    reason: 'Stock answers INVALID_STATE with 500, which its client sends again for minutes; we answer 409.',
    accepts: (stock, ours) =>
      stock.status === 500 &&
      ours.status === 409 &&
      errorOf(stock).error_code === errorOf(ours).error_code &&
      errorOf(stock).message === errorOf(ours).message,
  },
  'name of a deleted experiment told': {
    reason: 'Stock does not say that the experiment that has the name is deleted, nor how to bring it back.',
    accepts: (stock, ours) =>
      stock.status === ours.status &&
      errorOf(stock).error_code === errorOf(ours).error_code &&
      /^Experiment\(name=.*\) already exists\. It is deleted, and has the id \S+: `mlflow experiments restore/.test(
        errorOf(ours).message ?? '',
      ),
  },
  'unreadable field refused': {
    reason:
      'Where protobuf fails on one field, stock goes on with the message half read unless its own checks of ' +
      'types find the field; then values are lost in silence. We refuse every field that cannot be read.',
    accepts: refusesWith(/^Invalid value .* for parameter '[\w.[\]]+' supplied/s),
  },
  'broken JSON named': {
    reason: 'Stock reads broken JSON as an empty message and reports its first missing field.',
    accepts: refusesWith(/not valid JSON/),
  },
  'bare NaN kept': {
    reason:
      'Stock loses the value of a JSON number NaN or Infinity (0 is stored); we read it as Python writes it.',
    accepts: (stock, ours) => stock.status === 200 && ours.status === 200,
  },
  'camelCase name of a required field taken': {
    reason: 'Stock takes the camelCase names of protobuf only for fields that are not required; we take all.',
    accepts: (stock, ours) => stock.status === 400 && ours.status === 200,
  },
  'missing path named': {
    reason: 'Stock answers a missing query parameter of a download with an HTML page.',
    accepts: refusesWith(/^Missing value for required parameter 'path'/),
  },
  'null is absent': {
    reason:
      'Stock crashes on null in its own checks of limits; null is absent everywhere else, so it is for us.',
    accepts: (stock, ours) => stock.status === 500 && ours.status === 200,
  },
  'column width kept': {
    reason:
      'SQLite knows no column widths, so stock on SQLite takes texts that its own columns cannot hold and crashes ' +
      'with them on PostgreSQL; we keep the widths on every engine.',
    accepts: refusesWith(/exceeds the maximum length of/),
  },
  'tag of a new run cut': {
    reason: 'Stock cuts long values of tags, but not of those that come with a new run; we cut all alike.',
    accepts: (stock, ours) => stock.status === 200 && ours.status === 200,
  },
  'last value of a repeated tag wins': {
    reason:
      'Stock runs into its unique constraint when a new run brings one tag twice; log-batch takes the last.',
    accepts: (stock, ours) =>
      /UNIQUE constraint failed: tags/.test(errorOf(stock).message ?? '') && ours.status === 200,
  },
  'page token named as sent': {
    reason: 'Stock names the bytes that it decoded from a broken page token as Python prints them.',
    accepts: refusesWith(/^Invalid page token/),
  },
  'id in the path is enough': {
    reason:
      'Stock wants the id of a logged model or an issue in the body once more, where the path has it already.',
    accepts: (stock, ours) =>
      /Missing value for required parameter '(model|issue)_id'/.test(errorOf(stock).message ?? '') &&
      ours.status === 200,
  },
  'equal param of a model logged again': {
    reason:
      'Stock refuses a param of a logged model that has the very same value, so a retry of a lost answer fails.',
    accepts: (stock, ours) =>
      /UNIQUE constraint failed: logged_model_params/.test(errorOf(stock).message ?? '') &&
      ours.status === 200,
  },
  'every point of a model kept': {
    reason:
      "Stock's key of a logged model's points lacks value and dataset, so it crashes on a second one of the same " +
      'time and step; we keep both, as stock does for the points of runs.',
    accepts: (stock, ours) =>
      /UNIQUE constraint failed: logged_model_metrics/.test(errorOf(stock).message ?? '') &&
      ours.status === 200,
  },
  'status of a model found by its name': {
    reason: "Stock compares its number of a status with the filter's text; we understand the names as well.",
    accepts: (stock, ours) => stock.status === 200 && ours.status === 200,
  },
  'dataset named without its digest': {
    reason:
      "Stock's REST layer turns an absent digest into a search for points without digest, which finds nothing; " +
      'the digest is documented as optional.',
    accepts: (stock, ours) => JSON.stringify(stock.body) === '{}' && ours.status === 200,
  },
  'repeated event taken once': {
    reason: 'Stock runs into its primary key when a webhook names an event twice; we take it once.',
    accepts: (stock, ours) =>
      /UNIQUE constraint failed: webhook_events/.test(errorOf(stock).message ?? '') && ours.status === 200,
  },
  'webhook event refused': {
    reason: 'Stock fails with status 500 on a webhook event that lacks its entity or its action.',
    accepts: refusesWith(/^A webhook event must name its entity and its action/),
  },
  'negative page size refused': {
    reason: 'Stock hands a negative page size to SQLite, which takes it for no limit, and answers nonsense.',
    accepts: refusesWith(/^Invalid value -\d+ for parameter 'max_results'/),
  },
  'list of values needs IN': {
    reason:
      "Stock hands a list that is compared by = or LIKE to its database's driver, whose text it answers.",
    accepts: refusesWith(/^A list of values needs IN or NOT IN/),
  },
  'texts of the GraphQL library': {
    reason: 'The libraries of the two languages quote names and print values in their own ways.',
    accepts: (stock, ours) =>
      stock.status === 200 && ours.status === 200 && unquoted(stock.body) === unquoted(ours.body),
  },
  'message checked as in REST': {
    reason:
      'Stock checks the messages of GraphQL less than those of REST: it takes absent names for empty ones, ignores limits ' +
      'or has texts of its own. We check one message one way.',
    accepts: (stock, ours) =>
      stock.status === 200 &&
      ours.status === 200 &&
      /^(Missing|Invalid) value .*for parameter|^Missing value for required|start step|end_step|must be between|at most 100 run_ids/.test(
        graphqlErrorOf(ours),
      ),
  },
  'bounds of a history kept': {
    reason:
      "Stock's GraphQL looks for steps and number of points in the URL, where they are not, and answers 2500 points of all steps.",
    accepts: (stock, ours) =>
      graphqlErrorOf(stock) === '' && graphqlErrorOf(ours) === '' && sizeOf(ours) < sizeOf(stock),
  },
  'NaN of a history is null': {
    reason:
      'GraphQL has no NaN. Stock answers null and an error, at which the web UI throws the whole chart away.',
    accepts: (stock, ours) =>
      /^Float cannot represent/.test(graphqlErrorOf(stock)) &&
      graphqlErrorOf(ours) === '' &&
      JSON.stringify(dataOf(stock)).includes('"value":null') &&
      JSON.stringify(dataOf(ours)).includes('"value":null'),
  },
  'no error about deployment jobs': {
    reason: 'The state of deployment jobs is null in stock too, but with an error for each version.',
    accepts: (stock, ours) =>
      /^Enum .* cannot represent value: 0$/.test(graphqlErrorOf(stock)) && graphqlErrorOf(ours) === '',
  },
  'models that a found run reads': {
    reason:
      'Stock names the models that a run reads where it is got by its id, but not where it is searched.',
    accepts: (stock, ours) =>
      graphqlErrorOf(ours) === '' &&
      JSON.stringify(dataOf(stock)).includes('"modelInputs":[]') &&
      JSON.stringify(dataOf(ours)).includes('"modelId":"m-1"'),
  },
  'view type by its name': {
    reason: 'Stock fails on the view type of its own schema.',
    accepts: (stock, ours) =>
      /^Failed to parse run_view_type field/.test(graphqlErrorOf(stock)) && graphqlErrorOf(ours) === '',
  },
  'repeated experiment taken once': {
    reason: 'Stock runs into its unique constraint when a new dataset names an experiment twice.',
    accepts: (stock, ours) => stock.status !== 200 && ours.status === 200,
  },
  'records of a missing dataset refused': {
    reason:
      'Stock runs into its foreign key when records come to a dataset that is not there, and takes none of no records.',
    accepts: (_stock, ours) => ours.status === 404 && errorOf(ours).error_code === 'RESOURCE_DOES_NOT_EXIST',
  },
  'regular expression refused': {
    reason:
      'Stock hands RLIKE over attributes of evaluation datasets on to its database; no filter of ours takes one.',
    accepts: refusesWith(/^Invalid comparator for string attribute: RLIKE$/),
  },
}
