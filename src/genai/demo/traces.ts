// The traces of the demo, as exports of OpenTelemetry and as the descriptions that MLflow's clients send beside them.

import { createHash } from 'node:crypto'
import { hashOf } from '../../platform/wire/ids.ts'
import { CONVERSATIONS, type DemoConversation, type DemoTurn } from './content.ts'

const VERSIONS = ['v1', 'v2'] as const
const MODELS = [
  { name: 'gpt-4o', provider: 'openai' },
  { name: 'claude-sonnet-4-20250514', provider: 'anthropic' },
  { name: 'gemini-2.5-pro', provider: 'gemini' },
] as const
/** Traces lie this far back at most. */
const DAYS = 6
const DAY_MS = 24 * 60 * 60 * 1000

export interface DemoTrace {
  traceId: string
  version: (typeof VERSIONS)[number]
  question: string
  /** What the improved assistant answers. */
  expected: string
  kind: DemoConversation['kind']
  session: string | undefined
  user: string | undefined
  startMs: number
  endMs: number
  answer: string
  /** In OTLP's JSON. */
  spans: object[]
}

/** Some number of at most 32 bits for a text, always the same. */
const numberOf = (text: string) => createHash('sha256').update(text).digest().readUInt32BE()

/** All traces of an experiment: of the same ids whenever they are made, of the last days. */
export function demoTraces(experimentId: string, nowMs: number): DemoTrace[] {
  const all = VERSIONS.flatMap((version, half) =>
    CONVERSATIONS.flatMap((conversation, place) =>
      conversation.turns.map((turn, number) => ({ version, half, conversation, place, turn, number })),
    ),
  )
  return all.map(({ version, half, conversation, place, turn, number }, index) => {
    const name = `${experimentId}:${version}:${place}:${number}`
    const startMs = Math.floor(nowMs - DAYS * DAY_MS * (1 - index / all.length))
    const answer = turn.answers[half] ?? ''
    const model = MODELS[numberOf(`${version}:${place}`) % MODELS.length] ?? MODELS[0]
    const before = conversation.turns.slice(0, number).flatMap((earlier) => [
      { role: 'user', content: earlier.question },
      { role: 'assistant', content: earlier.answers[half] },
    ])
    const isSession = conversation.kind === 'session'
    const trace = { traceId: hashOf(name), startMs, name, kind: conversation.kind }
    const { spans, endMs } = spansOf(trace, { turn, answer, before, model })
    return {
      traceId: `tr-${trace.traceId}`,
      version,
      question: turn.question,
      expected: turn.answers[1],
      kind: conversation.kind,
      session: isSession ? `demo-${conversation.user}-${version}` : undefined,
      user: conversation.user,
      startMs,
      endMs,
      answer,
      spans,
    }
  })
}

interface Call {
  turn: DemoTurn
  answer: string
  /** Messages of earlier turns. */
  before: object[]
  model: (typeof MODELS)[number]
}

/** Tokens of a text, roughly. */
const tokensOf = (value: unknown) => Math.ceil(JSON.stringify(value).length / 4)

function spansOf(
  trace: { traceId: string; startMs: number; name: string; kind: DemoConversation['kind'] },
  { turn, answer, before, model }: Call,
) {
  let atMs = trace.startMs
  const rootId = hashOf(`${trace.name}:root`, 16)
  const span = (name: string, attributes: Record<string, unknown>, durationMs: number) => {
    const startMs = atMs
    atMs += durationMs
    return {
      traceId: trace.traceId,
      spanId: hashOf(`${trace.name}:${name}:${startMs - trace.startMs}`, 16),
      parentSpanId: rootId,
      name,
      ...timesOf(startMs, atMs),
      attributes: attributesOf(attributes),
      status: { code: 1 },
    }
  }
  const takes = (what: string) => 60 + (numberOf(`${trace.name}:${what}`) % 900)
  const children = (turn.documents ?? []).length
    ? [
        span(
          'search_documents',
          {
            'mlflow.spanType': 'RETRIEVER',
            'mlflow.spanInputs': { query: turn.question },
            'mlflow.spanOutputs': turn.documents?.map(({ source, text }) => ({
              page_content: text,
              metadata: { doc_uri: source },
            })),
          },
          takes('documents'),
        ),
      ]
    : []
  for (const { name, input, output } of turn.tools ?? []) {
    const attributes = { 'mlflow.spanType': 'TOOL', 'mlflow.spanInputs': input, 'mlflow.spanOutputs': output }
    children.push(span(name, attributes, takes(name)))
  }
  const messages = [
    { role: 'system', content: 'You help customers of a bicycle shop.' },
    ...before,
    { role: 'user', content: turn.question },
  ]
  const [input, output] = [tokensOf([messages, turn.documents, turn.tools]) * 8, tokensOf(answer) * 4]
  children.push(
    span(
      'chat',
      {
        'mlflow.spanType': 'CHAT_MODEL',
        'mlflow.spanInputs': { model: model.name, messages },
        'mlflow.spanOutputs': { choices: [{ message: { role: 'assistant', content: answer } }] },
        'mlflow.chat.tokenUsage': {
          input_tokens: input,
          output_tokens: output,
          total_tokens: input + output,
        },
        'mlflow.llm.model': model.name,
        'mlflow.llm.provider': model.provider,
      },
      takes('chat'),
    ),
  )
  const root = {
    traceId: trace.traceId,
    spanId: rootId,
    name: ROOT_NAMES[trace.kind],
    ...timesOf(trace.startMs, atMs),
    attributes: attributesOf({
      'mlflow.spanType': trace.kind === 'agent' ? 'AGENT' : 'CHAIN',
      'mlflow.spanInputs': { question: turn.question },
      'mlflow.spanOutputs': answer,
    }),
    status: { code: 1 },
  }
  return { spans: [root, ...children], endMs: atMs }
}

const ROOT_NAMES = {
  rag: 'answer_from_documents',
  agent: 'shop_agent',
  prompt: 'answer',
  session: 'conversation',
}

const timesOf = (startMs: number, endMs: number) => ({
  startTimeUnixNano: `${startMs}000000`,
  endTimeUnixNano: `${endMs}000000`,
})

const attributesOf = (values: Record<string, unknown>) =>
  Object.entries(values).map(([key, value]) => ({ key, value: { stringValue: JSON.stringify(value) } }))
