// The conventions that MLflow understands, in the order in which it asks them.
import { pythonDumps } from '../../platform/wire/python.ts'
import {
  type Attributes,
  decode,
  decodeTwice,
  filled,
  firstFilled,
  integerOf,
  type SpanEvent,
} from './attributes.ts'
import { CLAUDE_CODE } from './claude-code.ts'
import { type Convention, typeByKind } from './convention.ts'
import { GEMINI_CLI } from './gemini-cli.ts'
import { GEN_AI } from './gen-ai.ts'
import { VERCEL_AI } from './vercel-ai.ts'

/** @see https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md */
const OPEN_INFERENCE: Convention = {
  kind: {
    key: 'openinference.span.kind',
    types: {
      TOOL: 'TOOL',
      CHAIN: 'CHAIN',
      LLM: 'LLM',
      RETRIEVER: 'RETRIEVER',
      EMBEDDING: 'EMBEDDING',
      AGENT: 'AGENT',
      RERANKER: 'RERANKER',
      UNKNOWN: 'UNKNOWN',
      GUARDRAIL: 'GUARDRAIL',
      EVALUATOR: 'EVALUATOR',
    },
  },
  inputs: ['input.value'],
  outputs: ['output.value'],
  models: ['llm.response.model_name', 'llm.model_name', 'llm.request.model_name', 'embedding.model_name'],
  provider: 'llm.provider',
  tokens: {
    input: 'llm.token_count.prompt',
    output: 'llm.token_count.completion',
    total: 'llm.token_count.total',
    cacheRead: 'llm.token_count.prompt_details.cache_read',
    cacheWrite: ['llm.token_count.prompt_details.cache_write'],
  },
}

/** Spring AI names things as OpenTelemetry does, but has prompts and answers in events. */
const SPRING_AI: Convention = {
  events: {
    inputs: (events) => textOfEvent(events, 'gen_ai.content.prompt', 'gen_ai.prompt'),
    outputs: (events) => textOfEvent(events, 'gen_ai.content.completion', 'gen_ai.completion'),
  },
}

/** The text of the first event that has one, as it is: a prompt, not its JSON. */
function textOfEvent(events: readonly SpanEvent[], name: string, key: string): string | undefined {
  for (const event of events) {
    if (event.name !== name) continue
    const text = filled(event.attributes, key)
    const value = decode(text)
    if (text !== undefined) return typeof value === 'string' ? value : text
  }
  return undefined
}

/** @see https://github.com/traceloop/openllmetry */
const TRACELOOP: Convention = {
  kind: {
    key: 'traceloop.span.kind',
    types: { workflow: 'WORKFLOW', task: 'TASK', agent: 'AGENT', tool: 'TOOL', unknown: 'UNKNOWN' },
  },
  inputs: [
    'traceloop.entity.input',
    /^gen_ai\.prompt\.\d+\.content/,
    /^gen_ai\.completion\.\d+\.tool_calls\.\d+\.arguments/,
  ],
  outputs: ['traceloop.entity.output', /^gen_ai\.completion\.\d+\.content/],
  provider: 'gen_ai.system',
  tokens: {
    input: 'gen_ai.usage.prompt_tokens',
    output: 'gen_ai.usage.completion_tokens',
    total: 'llm.usage.total_tokens',
  },
}

/** Google's ADK, for the rest, names things as OpenTelemetry does. */
const GOOGLE_ADK: Convention = {
  inputs: ['gcp.vertex.agent.llm_request', 'gcp.vertex.agent.tool_call_args'],
  outputs: ['gcp.vertex.agent.llm_response', 'gcp.vertex.agent.tool_response'],
}

const VOLT_AGENT_TYPES = { agent: 'AGENT', llm: 'LLM', tool: 'TOOL', memory: 'MEMORY' }
/** A count that any attribute tells hides the other spelling of its name. */
const eitherKey = (attributes: Attributes, name: string) =>
  attributes.has(`usage.${name}`) ? `usage.${name}` : `llm.usage.${name}`

const VOLT_AGENT: Convention = {
  inputs: ['agent.messages', 'llm.messages', 'input'],
  outputs: ['output'],
  read: {
    // Children carry the type of their agent, too.
    type: (attributes) =>
      typeByKind(attributes, { key: 'span.type', types: VOLT_AGENT_TYPES }) ??
      typeByKind(attributes, { key: 'entity.type', types: VOLT_AGENT_TYPES }),
    format: (attributes) =>
      attributes.has('voltagent.operation_id') || attributes.has('voltagent.conversation_id')
        ? 'voltagent'
        : undefined,
    tokens: (attributes) => ({
      input: integerOf(attributes.get(eitherKey(attributes, 'prompt_tokens'))),
      output: integerOf(attributes.get(eitherKey(attributes, 'completion_tokens'))),
      total: integerOf(attributes.get(eitherKey(attributes, 'total_tokens'))),
    }),
  },
}

/** LiveKit's voice agents name things as OpenTelemetry does, but for what is theirs alone. */
const LIVE_KIT: Convention = {
  inputs: ['lk.user_input', 'lk.user_transcript', 'lk.chat_ctx', 'lk.input_text'],
  outputs: ['lk.response.text', 'lk.response.function_calls'],
  read: {
    type: liveKitType,
    format: (attributes) =>
      [...attributes.keys()].some((key) => key.startsWith('lk.')) ? 'livekit' : undefined,
  },
  events: {
    inputs: (events) =>
      messagesOf(events, ({ name }) => /^gen_ai\.(system|user|assistant)\.message$/.exec(name)?.[1]),
    outputs: (events) =>
      messagesOf(events, ({ name, attributes }) =>
        name === 'gen_ai.choice' ? (decodeTwice(attributes.get('role')) ?? 'assistant') : undefined,
      ),
  },
}

function liveKitType(attributes: Attributes): string | undefined {
  if (attributes.has('gen_ai.request.model')) return 'LLM'
  const operation = String(decode(attributes.get(GEN_AI.kind.key))).toLowerCase()
  const { types } = GEN_AI.kind
  if (Object.hasOwn(types, operation)) return types[operation as keyof typeof types]
  for (const key of attributes.keys()) {
    if (key === 'lk.retry_count') return 'LLM'
    if (key.startsWith('lk.function_tool')) return 'TOOL'
    if (['lk.agent_name', 'lk.instructions', 'lk.generation_id'].includes(key)) return 'AGENT'
    if (key.startsWith('lk.tts') || LIVE_KIT_SPEECH.has(key)) return 'UNKNOWN'
  }
  return undefined
}

const LIVE_KIT_SPEECH = new Set([
  'lk.input_text',
  'lk.user_transcript',
  'lk.transcript_confidence',
  'lk.transcription_delay',
])

/** Messages that events tell, as JSON; `roleOf` answers undefined for other events. */
function messagesOf(events: readonly SpanEvent[], roleOf: (event: SpanEvent) => unknown): string | undefined {
  const messages = events.flatMap((event) => {
    const role = roleOf(event)
    const content = firstFilled(event.attributes, ['content'])
    return role === undefined || content === undefined ? [] : [{ role, content: decodeTwice(content) }]
  })
  return messages.length > 0 ? pythonDumps(messages) : undefined
}

/** @see https://docs.lmnr.ai */
const LAMINAR: Convention = {
  kind: {
    key: 'lmnr.span.type',
    types: {
      LLM: 'LLM',
      TOOL: 'TOOL',
      DEFAULT: 'CHAIN',
      PIPELINE: 'CHAIN',
      EXECUTOR: 'AGENT',
      EVALUATOR: 'EVALUATOR',
      HUMAN_EVALUATOR: 'EVALUATOR',
      EVALUATION: 'EVALUATOR',
      CACHED: 'LLM',
    },
  },
  inputs: ['lmnr.span.input'],
  outputs: ['lmnr.span.output'],
  read: { format: (attributes) => (attributes.has('lmnr.span.type') ? 'openai' : undefined) },
}

const LANGFUSE: Convention = {
  kind: {
    key: 'langfuse.observation.type',
    types: {
      generation: 'LLM',
      embedding: 'EMBEDDING',
      tool: 'TOOL',
      retriever: 'RETRIEVER',
      agent: 'AGENT',
      chain: 'CHAIN',
      evaluator: 'EVALUATOR',
      guardrail: 'GUARDRAIL',
      span: 'UNKNOWN',
    },
  },
  inputs: ['langfuse.observation.input'],
  outputs: ['langfuse.observation.output'],
}

export const CONVENTIONS: readonly Convention[] = [
  OPEN_INFERENCE,
  GEMINI_CLI,
  CLAUDE_CODE,
  GEN_AI,
  SPRING_AI,
  TRACELOOP,
  GOOGLE_ADK,
  VERCEL_AI,
  VOLT_AGENT,
  LIVE_KIT,
  LAMINAR,
  LANGFUSE,
]

/** Those that have inputs or outputs in events, in the order in which their events are asked. */
export const EVENT_CONVENTIONS: readonly Convention[] = [SPRING_AI, LIVE_KIT, CLAUDE_CODE]
