// Spans of Claude Code, which has names of its own and hides what its user has not agreed to show.
// @see https://code.claude.com/docs/en/monitoring-usage
import { SpelledNumber } from '../../platform/wire/int64.ts'
import { pythonDumps } from '../../platform/wire/python.ts'
import { type Attributes, decode, decodeTwice, filled, integerOf, type SpanEvent } from './attributes.ts'
import type { Convention, Tokens } from './convention.ts'

const TYPES = { interaction: 'AGENT', llm_request: 'LLM', tool: 'TOOL' } as const
type Kind = keyof typeof TYPES

const HIDDEN = '<REDACTED>'
const TOOL_DETAILS = ['full_command', 'file_path', 'skill_name', 'subagent_type']
const TOOL_OUTPUTS = ['output', 'content', 'diff']

/** Some versions name kinds without the prefix. */
function kindOf(attributes: Attributes): Kind | undefined {
  const type = decode(attributes.get('span.type'))
  const kind = typeof type === 'string' ? type.replace(/^claude_code\./, '') : ''
  return Object.hasOwn(TYPES, kind) ? (kind as Kind) : undefined
}

function shown(attributes: Attributes, key: string): string | undefined {
  const text = filled(attributes, key)
  return decode(text) === HIDDEN ? undefined : text
}

/** Python's `int`, which cuts fractions off. */
function count(attributes: Attributes, key: string): bigint | undefined {
  const text = attributes.get(key)
  const value = decode(text)
  const number = value instanceof SpelledNumber ? Math.trunc(Number(value.text)) : Number.NaN
  return integerOf(text) ?? (Number.isFinite(number) ? BigInt(number) : undefined)
}

/** Claude counts cached tokens apart, MLflow among those that went in. */
function tokensOf(attributes: Attributes): Tokens {
  if (kindOf(attributes) !== 'llm_request') return {}
  const input = count(attributes, 'input_tokens')
  const cacheRead = count(attributes, 'cache_read_tokens')
  const cacheWrite = count(attributes, 'cache_creation_tokens')
  return {
    input: input === undefined ? undefined : input + (cacheRead ?? 0n) + (cacheWrite ?? 0n),
    output: count(attributes, 'output_tokens'),
    cacheRead,
    cacheWrite,
  }
}

function inputsOf(attributes: Attributes): string | undefined {
  const kind = kindOf(attributes)
  if (kind === 'interaction') return shown(attributes, 'user_prompt') ?? shown(attributes, 'new_context')
  if (kind === 'llm_request') return shown(attributes, 'new_context')
  if (kind !== 'tool') return undefined
  const details = TOOL_DETAILS.flatMap((key) => {
    const text = shown(attributes, key)
    return text === undefined ? [] : [[key, decode(text)] as const]
  })
  return (
    shown(attributes, 'tool_input') ??
    (details.length > 0 ? pythonDumps(Object.fromEntries(details)) : undefined)
  )
}

function outputsOf(attributes: Attributes): string | undefined {
  const kind = kindOf(attributes)
  if (kind === 'llm_request') return shown(attributes, 'response.model_output')
  return kind === 'tool' ? shown(attributes, 'new_context') : undefined
}

function toolOutput(events: readonly SpanEvent[], attributes: Attributes): string | undefined {
  if (kindOf(attributes) !== 'tool') return undefined
  for (const { name, attributes: own } of events) {
    if (name !== 'tool.output') continue
    for (const key of TOOL_OUTPUTS) {
      const value = decodeTwice(shown(own, key))
      if (value && value !== HIDDEN) return pythonDumps(value, (json) => json)
    }
  }
  return undefined
}

/** @see mlflow/tracing/otel/translation/claude_code.py */
export const CLAUDE_CODE: Convention = {
  read: {
    type: (attributes) => {
      const kind = kindOf(attributes)
      return kind && TYPES[kind]
    },
    tokens: tokensOf,
    inputs: inputsOf,
    outputs: outputsOf,
  },
  events: { outputs: toolOutput },
}
