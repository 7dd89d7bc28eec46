// Tokens and cost of a trace: the sums over its spans.
import { type Int64, isJsonObject, type JsonObject, narrow, tryParseJson } from '../../platform/wire/int64.ts'
import { pythonFloat } from '../../platform/wire/python.ts'
import type { TraceRow } from './tables.ts'

/** Columns of traces by the keys of the JSON object that tells tokens. The first three are always told. */
export const TOKEN_COLUMNS = {
  input_tokens: 'inputTokens',
  output_tokens: 'outputTokens',
  total_tokens: 'totalTokens',
  cache_read_input_tokens: 'cacheReadInputTokens',
  cache_creation_input_tokens: 'cacheCreationInputTokens',
  cache_creation_input_tokens_above_1hr: 'cacheCreationInputTokensAbove1hr',
} as const
/** The same of cost, in US dollars. */
export const COST_COLUMNS = {
  input_cost: 'inputCost',
  output_cost: 'outputCost',
  total_cost: 'totalCost',
} as const

type TokenColumn = (typeof TOKEN_COLUMNS)[keyof typeof TOKEN_COLUMNS]
type CostColumn = (typeof COST_COLUMNS)[keyof typeof COST_COLUMNS]
export type Tokens = Pick<TraceRow, TokenColumn>
export type Costs = Pick<TraceRow, CostColumn>

export const NO_TOKENS: Tokens = {
  inputTokens: null,
  outputTokens: null,
  totalTokens: null,
  cacheReadInputTokens: null,
  cacheCreationInputTokens: null,
  cacheCreationInputTokensAbove1hr: null,
}
export const NO_COSTS: Costs = { inputCost: null, outputCost: null, totalCost: null }

/** What a span tells of tokens and cost, as JSON objects. */
export interface UsageNode {
  spanId: string
  parentSpanId: string | null
  usage: string | null
  cost: string | null
}

/** The JSON object in a text; undefined for anything else. */
export function readObject(json: string | null | undefined): JsonObject | undefined {
  const value = json ? tryParseJson(json) : undefined
  return isJsonObject(value) ? value : undefined
}

/**
 * The sums over spans: of one that tells, its descendants are not counted again, since frameworks sum up in parents.
 * Values that are no numbers count as 0.
 * @see mlflow/tracing/utils/__init__.py _aggregate_from_nodes
 */
function sumUp(
  nodes: readonly UsageNode[],
  field: 'usage' | 'cost',
  keys: readonly string[],
): Record<string, number> | undefined {
  const ids = new Set(nodes.map(({ spanId }) => spanId))
  const children = new Map<string, UsageNode[]>()
  const roots: UsageNode[] = []
  for (const node of nodes) {
    const parent = node.parentSpanId
    if (parent === null || !ids.has(parent)) roots.push(node)
    else {
      const siblings = children.get(parent)
      if (siblings) siblings.push(node)
      else children.set(parent, [node])
    }
  }
  let sums: Record<string, number> | undefined
  // Children of what tells are passed over; an explicit stack takes any depth.
  for (const stack = [...roots]; stack.length > 0; ) {
    const node = stack.pop() as UsageNode
    const data = readObject(node[field])
    if (!data) {
      // Not spread: a span may have more children than a call takes arguments.
      for (const child of children.get(node.spanId) ?? []) stack.push(child)
      continue
    }
    sums ??= {}
    for (const key of keys) if (key in data) sums[key] = (sums[key] ?? 0) + (Number(data[key]) || 0)
  }
  return sums
}

/** The tokens of a trace with these spans, undefined when none tells any. */
export function sumTokens(nodes: readonly UsageNode[]): Tokens | undefined {
  const sums = sumUp(nodes, 'usage', Object.keys(TOKEN_COLUMNS))
  return sums && tokensOf({ input_tokens: 0, output_tokens: 0, total_tokens: 0, ...sums })
}

/** The cost of a trace with these spans, undefined when none tells any. */
export function sumCosts(nodes: readonly UsageNode[]): Costs | undefined {
  const sums = sumUp(nodes, 'cost', Object.keys(COST_COLUMNS))
  return sums && costsOf({ input_cost: 0, output_cost: 0, total_cost: 0, ...sums })
}

/** @see mlflow/store/tracking/utils/trace_analytics.py token_count_or_none */
function tokenCount(value: unknown): Int64 | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number === 'bigint') return number < 2n ** 63n && number >= -(2n ** 63n) ? narrow(number) : null
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : null
}

/** @see mlflow/store/tracking/utils/trace_analytics.py finite_float_or_none */
function finiteFloat(value: unknown): number | null {
  if (!['number', 'bigint', 'string'].includes(typeof value) || value === '') return null
  const number = Number(value)
  return Number.isFinite(number) ? number : null
}

export function tokensOf(object: JsonObject): Tokens {
  const tokens = { ...NO_TOKENS }
  for (const [key, column] of Object.entries(TOKEN_COLUMNS)) tokens[column] = tokenCount(object[key])
  return tokens
}

export function costsOf(object: JsonObject): Costs {
  const costs = { ...NO_COSTS }
  for (const [key, column] of Object.entries(COST_COLUMNS)) costs[column] = finiteFloat(object[key])
  return costs
}

/** `json.dumps` of an object of numbers, undefined when there is none. */
function numbersJson<Column extends string, Value>(
  columns: Record<string, Column>,
  values: Record<Column, Value | null>,
  spell: (value: Value) => string,
): string | undefined {
  const told = Object.entries(columns).flatMap(([key, column]) => {
    const value = values[column]
    return value === null ? [] : [`"${key}": ${spell(value)}`]
  })
  return told.length === 0 ? undefined : `{${told.join(', ')}}`
}

/** What clients are told of tokens, as JSON; undefined when nothing is. @see compatibility_metadata_from_columns */
export const tokensJson = (tokens: Tokens) => numbersJson(TOKEN_COLUMNS, tokens, String)

/** The same of cost. */
export const costsJson = (costs: Costs) => numbersJson(COST_COLUMNS, costs, pythonFloat)

export const isTold = (values: Tokens | Costs): boolean =>
  Object.values(values).some((value) => value !== null)
