// Short texts of what went into a trace and what came out of it.
import { isJsonObject, type JsonObject, tryParseJson } from '../../platform/wire/int64.ts'
import { lengthOf, truncate } from '../../platform/wire/names.ts'

/** Characters. @see mlflow/tracing/constant.py TRACE_REQUEST_RESPONSE_PREVIEW_MAX_LENGTH_OSS */
const MAX_LENGTH = 1000

const isMessage = (item: unknown): item is JsonObject =>
  isJsonObject(item) && 'role' in item && 'content' in item

/**
 * The text of the last message of a role in a JSON text, or the JSON text itself, cut to 1000 characters.
 * @see mlflow/tracing/utils/truncation.py _get_truncated_preview
 */
export function previewOf(json: string, role: 'user' | 'assistant'): string {
  const messages = findMessages(tryParseJson(json))
  const message = messages?.findLast((item) => item.role === role) ?? messages?.at(-1)
  const text = (message && contentOf(message)) || json
  return lengthOf(text) <= MAX_LENGTH ? text : `${truncate(text, MAX_LENGTH - 3)}...`
}

/** Messages in the forms of OpenAI's APIs: chat requests and answers, requests and answers of "responses". */
function findMessages(value: unknown): JsonObject[] | undefined {
  if (!isJsonObject(value)) return undefined
  const { messages, choices, input, output, request } = value
  if (isFilled(messages)) return messages.filter(isMessage)
  if (isFilled(choices) && isJsonObject(choices[0]) && isMessage(choices[0].message))
    return [choices[0].message]
  if (isFilled(input)) return input.filter(isMessage)
  if (isFilled(output)) return output.filter(isMessage)
  return 'request' in value ? findMessages(request) : undefined
}

const isFilled = (value: unknown): value is unknown[] => Array.isArray(value) && value.length > 0

function contentOf({ content }: JsonObject): string | undefined {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return undefined
  for (const part of content) {
    if (typeof part === 'string') return part
    if (isJsonObject(part) && (part.type === 'text' || part.type === 'output_text')) {
      return typeof part.text === 'string' ? part.text : undefined
    }
  }
  return undefined
}
