// Spans of the Gemini CLI: OpenTelemetry's names, its own operations, messages in the form of Google's SDK.
import { isJsonObject } from '../../platform/wire/int64.ts'
import { pythonDumps } from '../../platform/wire/python.ts'
import { type Attributes, decode, firstFilled } from './attributes.ts'
import { type Convention, typeByKind } from './convention.ts'
import { GEN_AI } from './gen-ai.ts'

const TYPES = { llm_call: 'LLM', tool_call: 'TOOL', agent_call: 'AGENT' }
const isGeminiCli = (attributes: Attributes) => decode(attributes.get('gen_ai.agent.name')) === 'gemini-cli'

/** Reads spans of the Gemini CLI alone. */
const own =
  (read: (attributes: Attributes) => string | undefined) =>
  (attributes: Attributes): string | undefined =>
    isGeminiCli(attributes) ? read(attributes) : undefined

/** @see mlflow/tracing/otel/translation/gemini_cli.py */
export const GEMINI_CLI: Convention = {
  tokens: GEN_AI.tokens,
  read: {
    type: own((attributes) => typeByKind(attributes, { key: GEN_AI.kind.key, types: TYPES })),
    format: own(() => 'gemini'),
    inputs: own((attributes) => wrapInput(firstFilled(attributes, GEN_AI.inputs))),
    outputs: own((attributes) => wrapOutput(firstFilled(attributes, GEN_AI.outputs))),
  },
}

function wrapInput(text: string | undefined): string | undefined {
  const value = decode(text)
  return Array.isArray(value) || typeof value === 'string' ? pythonDumps({ contents: value }) : text
}

/** Answers that came in parts become one. */
function wrapOutput(text: string | undefined): string | undefined {
  const value = decode(text)
  if (!Array.isArray(value)) return text
  const parts = value.flatMap((item) => (isJsonObject(item) && Array.isArray(item.parts) ? item.parts : []))
  if (parts.length === 0) return text
  return pythonDumps({ candidates: [{ content: { role: 'model', parts } }] })
}
