// Spans of Vercel's AI SDK. @see https://ai-sdk.dev/docs/ai-sdk-core/telemetry#collected-data
import { pythonDumps } from '../../platform/wire/python.ts'
import { ATTRIBUTE } from '../traces/ids.ts'
import { type Attributes, decode, decodeTwice, firstFilled } from './attributes.ts'
import type { Convention } from './convention.ts'

const KIND = 'ai.operationId'
const CHATS = ['ai.generateText.doGenerate', 'ai.streamText.doStream']
const INPUTS = ['ai.prompt', 'ai.toolCall.args', 'ai.value', 'ai.values']
const OUTPUTS = [
  'ai.response.text',
  'ai.toolCall.result',
  'ai.response.object',
  'ai.embedding',
  'ai.embeddings',
]

const isChat = (attributes: Attributes) => CHATS.includes(String(decodeTwice(attributes.get(KIND))))

/** A value that may be JSON in JSON in JSON. */
function unpack(text: string): unknown {
  const value = decodeTwice(text)
  return typeof value === 'string' ? decode(value) : value
}

/** What stands under names of a prefix, by the rest of the names. */
function unpackAll(attributes: Attributes, prefix: string): Record<string, unknown> | undefined {
  const found = [...attributes].filter(([key]) => key.startsWith(prefix))
  if (found.length === 0) return undefined
  return Object.fromEntries(found.map(([key, text]) => [key.slice(prefix.length), unpack(text)]))
}

/** @see mlflow/tracing/otel/translation/vercel_ai.py */
export const VERCEL_AI: Convention = {
  kind: {
    key: KIND,
    types: {
      'ai.generateText': 'LLM',
      'ai.generateText.doGenerate': 'LLM',
      'ai.toolCall': 'TOOL',
      'ai.streamText': 'LLM',
      'ai.streamText.doStream': 'LLM',
      'ai.generateObject': 'LLM',
      'ai.generateObject.doGenerate': 'LLM',
      'ai.streamObject': 'LLM',
      'ai.streamObject.doStream': 'LLM',
      'ai.embed': 'EMBEDDING',
      'ai.embed.doEmbed': 'EMBEDDING',
      'ai.embedMany': 'EMBEDDING',
    },
  },
  read: {
    inputs: (attributes) => {
      if (!isChat(attributes)) return firstFilled(attributes, INPUTS)
      const inputs = unpackAll(attributes, 'ai.prompt.')
      attributes.set(ATTRIBUTE.messageFormat, 'vercel_ai')
      if (!inputs) return undefined
      const { tools } = inputs
      const read = (tool: unknown) => (typeof tool === 'string' ? unpack(tool) : tool)
      return pythonDumps(Array.isArray(tools) ? { ...inputs, tools: tools.map(read) } : inputs)
    },
    outputs: (attributes) => {
      if (!isChat(attributes)) return firstFilled(attributes, OUTPUTS)
      const outputs = unpackAll(attributes, 'ai.response.')
      return outputs && pythonDumps(outputs)
    },
  },
}
