// What calls of known models cost, by the price list in data/model-prices.tsv.
import { readFileSync } from 'node:fs'
import { PACKAGE } from '../../package.ts'
import { pythonFloat } from '../../platform/wire/python.ts'
import { readObject } from '../traces/usage.schema.ts'

/** US dollars of a token; absent as in the list. */
interface Price {
  input?: number | undefined
  output?: number | undefined
  cacheRead?: number | undefined
  cacheWrite?: number | undefined
  cacheWriteAbove1hr?: number | undefined
}

interface PriceList {
  /** By provider, then by model. */
  byProvider: Map<string, Map<string, Price>>
  /** By model alone: the first provider that asks for money. */
  byModel: Map<string, Price>
}

let loaded: PriceList | undefined

/** Read when the first model is named: most servers see none. */
function priceList(): PriceList {
  loaded ??= parsePrices(readFileSync(new URL('data/model-prices.tsv', PACKAGE), 'utf8'))
  return loaded
}

/** Lines of provider, model and prices of a million tokens, sorted by provider. */
function parsePrices(text: string): PriceList {
  const list: PriceList = { byProvider: new Map(), byModel: new Map() }
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [provider = '', model = '', ...millions] = line.split('\t')
    const [input, output, cacheRead, cacheWrite, cacheWriteAbove1hr] = millions.map((value) =>
      value === '' ? undefined : Number(value) / 1_000_000,
    )
    const price: Price = { input, output, cacheRead, cacheWrite, cacheWriteAbove1hr }
    const models = list.byProvider.get(provider) ?? new Map<string, Price>()
    list.byProvider.set(provider, models.set(model, price))
    const known = list.byModel.get(model)
    if (!known || (!known.input && price.input)) list.byModel.set(model, price)
  }
  return list
}

/** Names of ways to a model, not of models. */
const NO_MODEL = /^(?:gateway|endpoints):\//

function findPrice(model: string, provider: unknown): Price | undefined {
  const { byProvider, byModel } = priceList()
  const bare = model.slice(model.indexOf('/') + 1)
  const named = provider || (/^databricks[-/]/.test(model) ? 'databricks' : undefined)
  const own = typeof named === 'string' ? byProvider.get(named.toLowerCase())?.get(bare) : undefined
  return own ?? byModel.get(bare)
}

/** NaN for what is no number. */
function countOf(value: unknown): number {
  if (value === undefined) return 0
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : Number.NaN
}

/**
 * What a call cost, as MLflow's JSON in US dollars; undefined for an unknown model, or without tokens.
 * @see mlflow/tracing/utils/__init__.py calculate_cost_by_model_and_token_usage, mlflow/utils/providers.py cost_per_token
 */
export function costOf({
  model,
  usage,
  provider,
}: {
  model: unknown
  usage: string | undefined
  provider: unknown
}): string | undefined {
  if (typeof model !== 'string' || model === '' || usage === undefined || NO_MODEL.test(model))
    return undefined
  const told = readObject(usage)
  if (!told) return undefined
  const count = (key: string) => countOf(told[key])
  const [input, output] = [count('input_tokens'), count('output_tokens')]
  if (input === 0 && output === 0) return undefined
  const price = findPrice(model, provider)
  if (!price) return undefined
  const inputCost = costOfInput(price, {
    all: input,
    read: count('cache_read_input_tokens'),
    written: count('cache_creation_input_tokens'),
    writtenAbove1hr: count('cache_creation_input_tokens_above_1hr'),
  })
  const outputCost = output * (price.output ?? 0)
  const costs = { input_cost: inputCost, output_cost: outputCost, total_cost: inputCost + outputCost }
  if (!Object.values(costs).every(Number.isFinite)) return undefined
  return `{${Object.entries(costs)
    .map(([key, cost]) => `"${key}": ${pythonFloat(cost)}`)
    .join(', ')}}`
}

/** Tokens that were read from a cache, or written to one, for five minutes or an hour, have prices of their own. */
function costOfInput(
  price: Price,
  tokens: { all: number; read: number; written: number; writtenAbove1hr: number },
): number {
  const { all, read, written } = tokens
  const base = price.input ?? 0
  const above = Math.min(tokens.writtenAbove1hr, written)
  const below = written - above
  const rate = price.cacheWrite ?? base
  // In this order: sums of floats depend on it.
  let cost = Math.max(all - read - written, 0) * base
  if (read > 0) cost += read * (price.cacheRead ?? base)
  if (below > 0) cost += below * rate
  if (above > 0) cost += above * (price.cacheWriteAbove1hr ?? rate)
  return cost
}
