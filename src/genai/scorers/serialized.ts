// What the server reads in a serialized scorer: which ones it refuses, and the model that a scorer asks.
import { doesNotExist, invalidParameter } from '../../errors.ts'
import {
  isJsonObject,
  type JsonObject,
  jsonParts,
  parseJson,
  SpelledNumber,
} from '../../platform/wire/int64.ts'
import { isPythonTrue, pythonDumps, pythonRepr, pythonTypeName } from '../../platform/wire/python.ts'

/** The text is MLflow's, word by word, since its client shows it. */
const CUSTOM_CODE =
  'Custom scorer registration (using @scorer decorator) is disabled by default outside of Databricks tracking environments due to security concerns. Custom scorers require arbitrary code execution during deserialization.\n\n' +
  'To use custom scorers:\n' +
  '1. Configure MLflow to use a Databricks tracking URI, or\n' +
  '2. Manage your custom scorer code in a source code repository (e.g., GitHub) and import it directly, or\n' +
  "3. On a self-managed MLflow server (or local environment) that you trust to run the scorer's code, set the MLFLOW_SERVER_ENABLE_CUSTOM_SCORERS environment variable to true, or\n" +
  '4. Use built-in scorers or make_judge() scorers instead.'

/** Options by which a scorer of another library would choose where its requests go. */
const DESTINATIONS = ['api_base', 'base_url', 'custom_llm_provider', 'fallbacks', 'model_list']

/** All objects and lists in a value, itself among them, outer ones first. A client may nest them as deep as it likes. */
function* containersIn(value: unknown): Generator<JsonObject | unknown[]> {
  const waiting = [value]
  while (waiting.length > 0) {
    const next = waiting.pop()
    if (next === null || typeof next !== 'object') continue
    yield next as JsonObject | unknown[]
    const inner = Array.isArray(next) ? next : Object.values(next)
    for (let index = inner.length - 1; index >= 0; index--) waiting.push(inner[index])
  }
}

/**
 * Reads a serialized scorer that a client wants to register.
 * @throws INVALID_PARAMETER_VALUE for what is no JSON, for scorers that are Python code, and for those of other
 * libraries that choose where requests go
 * @see mlflow/server/handlers.py _validate_serialized_scorer_payload
 */
export function readSerialized(serialized: string): unknown {
  let scorer: unknown
  try {
    scorer = parseJson(serialized)
  } catch {
    throw invalidParameter('serialized_scorer must be valid JSON')
  }
  for (const part of containersIn(scorer)) {
    if (isJsonObject(part) && (part.call_source ?? null) !== null) throw invalidParameter(CUSTOM_CODE)
  }
  for (const part of containersIn(scorer)) {
    if (isJsonObject(part) && isJsonObject(part.third_party_scorer_data)) {
      checkOptions(part.third_party_scorer_data.kwargs ?? null)
    }
  }
  return scorer
}

/** @see mlflow/utils/validation.py _validate_third_party_scorer_data */
function checkOptions(options: unknown): void {
  if (options === null) return
  if (!isJsonObject(options)) {
    throw invalidParameter(
      `third_party_scorer_data.kwargs must be a JSON object, got ${pythonTypeName(options)}.`,
    )
  }
  const named = new Set([...containersIn(options)].flatMap(namesIn))
  const found = DESTINATIONS.filter((name) => named.has(name))
  if (found.length === 0) return
  throw invalidParameter(
    `third_party_scorer_data.kwargs must not contain ${found.map(pythonRepr).join(', ')}: these options choose where the scorer's LLM client sends requests. Configure the judge endpoint on the server instead, for example through a gateway endpoint ('gateway:/<name>') or the provider's environment variables.`,
  )
}

/** Names of an object's fields; a list of pairs is another way to write an object. */
const namesIn = (part: JsonObject | unknown[]): unknown[] =>
  Array.isArray(part)
    ? part.flatMap((item) => (Array.isArray(item) && item.length === 2 ? [item[0]] : []))
    : Object.keys(part)

/**
 * The model that the scorer asks, if it names one.
 * @throws INVALID_PARAMETER_VALUE for what cannot be a scorer or a model
 * @see mlflow/genai/scorers/scorer_utils.py extract_model_from_serialized_scorer, validate_scorer_model
 */
export function modelOf(scorer: unknown): string | undefined {
  for (let data = objectOf(scorer, 'serialized_scorer'); ; ) {
    const own = ['instructions_judge_pydantic_data', 'builtin_scorer_pydantic_data'].find((key) =>
      isPythonTrue(data[key]),
    )
    if (own) return checkModel(objectOf(data[own], own).model)
    const wrapping = data.memory_augmented_judge_data
    if (isPythonTrue(wrapping)) {
      const { base_judge = {} } = objectOf(wrapping, 'memory_augmented_judge_data')
      data = objectOf(base_judge, 'base_judge')
      continue
    }
    const foreign = data.third_party_scorer_data
    return isPythonTrue(foreign) ? checkModel(objectOf(foreign, 'third_party_scorer_data').model) : undefined
  }
}

function objectOf(value: unknown, name: string): JsonObject {
  if (isJsonObject(value)) return value
  throw invalidParameter(`${name} must be a JSON object, got ${pythonTypeName(value)}.`)
}

function checkModel(model: unknown): string | undefined {
  if (model === null || model === undefined) return undefined
  if (typeof model !== 'string') {
    throw invalidParameter(`Scorer model must be a string, got ${pythonTypeName(model)}.`)
  }
  if (model.trim() !== '') return model
  throw invalidParameter('Scorer model cannot be empty or contain only whitespace.')
}

/**
 * The gateway's endpoint that the model is, undefined when it is none.
 * @see mlflow/genai/scorers/scorer_utils.py is_gateway_model, extract_endpoint_ref
 */
export const gatewayEndpointOf = (model: string | undefined): string | undefined =>
  /^gateway:\/+([^/][\s\S]*)$/.exec(model ?? '')?.[1]

/** What stock answers for an endpoint that its gateway does not have. This server has no gateway. */
export const endpointNotFound = (name: string) => doesNotExist(`GatewayEndpoint not found (name='${name}')`)

/** `json.dumps(json.loads(json))`: the same JSON as Python spells it, which is how lists show scorers. */
export function asPythonDumps(json: string): string {
  let text = ''
  for (const [outside, string] of jsonParts(json)) {
    text += outside
      .replace(/\s+/g, '')
      .replace(/[:,]/g, '$& ')
      .replace(/-?\d[\d.eE+-]*/g, (number) => pythonDumps(new SpelledNumber(number)))
    if (string) text += pythonDumps(JSON.parse(string))
  }
  return text
}
