// Exports of OpenTelemetry spans as bytes, made from templates: ids and times are put in, nothing else is made while the clock runs.
import { randomBytes } from 'node:crypto'

const varint = (number) => {
  const bytes = []
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) | 128)
  return Buffer.from([...bytes, number])
}
const bytes = (field, value) => Buffer.concat([varint(field * 8 + 2), varint(value.length), value])
const text = (field, value) => bytes(field, Buffer.from(value))
const message = (field, ...parts) => bytes(field, Buffer.concat(parts))
const fixed64 = (field, value) => Buffer.concat([varint(field * 8 + 1), value])
const enumeration = (field, value) => Buffer.concat([varint(field * 8), varint(value)])
const attribute = (key, value) => message(9, text(1, key), message(2, text(1, value)))

/** Stands where the id of the trace goes, and marks the place of each time. */
const TRACE_ID = Buffer.from('0123456789abcdef0123456789abcdef', 'hex')
const timeMark = (position) => Buffer.from(`feedfeed${position.toString(16).padStart(8, '0')}`, 'hex')

/** Names, words and models that traces are told apart by. */
export const NAMES = ['chat', 'search', 'summarize', 'translate']
const TEAMS = ['red', 'green', 'blue']
const MODELS = ['small', 'medium', 'large']
/** One of a hundred traces has this word in its inputs. */
export const RARE_WORD = 'aardvark'

/** A kilobyte or so, as agents send them: every second span is a call of a model with tokens and cost. */
function spanOf(position, variant) {
  const isCall = position % 2 === 1
  const word = variant === 0 && position === 0 ? RARE_WORD : 'question'
  const id = Buffer.alloc(8)
  id.writeUInt32BE(position + 1, 4)
  const parent = Buffer.alloc(8)
  parent.writeUInt32BE(1, 4)
  const inputs = {
    messages: [{ role: 'user', content: `A ${word} about things. ${'Some words more. '.repeat(10)}` }],
  }
  const outputs = { answer: `An answer. ${'Some words more. '.repeat(10)}` }
  const model = MODELS[variant % MODELS.length]
  return message(
    2,
    bytes(1, TRACE_ID),
    bytes(2, id),
    ...(position > 0 ? [bytes(4, parent)] : []),
    text(5, isCall ? `call ${model}` : `${NAMES[variant % NAMES.length]} ${position}`),
    fixed64(7, timeMark(position * 2)),
    fixed64(8, timeMark(position * 2 + 1)),
    attribute('mlflow.spanType', JSON.stringify(isCall ? 'LLM' : 'CHAIN')),
    attribute('mlflow.spanInputs', JSON.stringify(inputs)),
    attribute('mlflow.spanOutputs', JSON.stringify(outputs)),
    ...(isCall
      ? [
          attribute('mlflow.llm.model', JSON.stringify(model)),
          attribute('mlflow.llm.provider', '"someone"'),
          attribute(
            'mlflow.chat.tokenUsage',
            JSON.stringify({ input_tokens: 20 + variant, output_tokens: 40, total_tokens: 60 + variant }),
          ),
          attribute(
            'mlflow.llm.cost',
            JSON.stringify({ input_cost: 0.25, output_cost: 0.5, total_cost: 0.75 }),
          ),
        ]
      : []),
    ...(position === 0
      ? [
          attribute('session.id', JSON.stringify(`session ${variant}`)),
          attribute('mlflow.traceTag.team', JSON.stringify(TEAMS[variant % TEAMS.length])),
          attribute('mlflow.traceTag.mlflow.traceName', JSON.stringify(NAMES[variant % NAMES.length])),
        ]
      : []),
    message(15, enumeration(3, variant % 10 === 9 && position === 0 ? 2 : 1)),
  )
}

const VARIANTS = 100

/**
 * Returns `make(i, startMs)`: the spans of a trace that nobody else has, as bytes of protobuf. Traces differ in a hundred ways,
 * and last as many milliseconds more.
 */
export function traceTemplates(spansPerTrace) {
  const templates = Array.from({ length: VARIANTS }, (_, variant) => {
    const spans = Array.from({ length: spansPerTrace }, (_, position) => spanOf(position, variant))
    const whole = message(1, message(2, ...spans))
    return {
      whole,
      ids: placesOf(whole, TRACE_ID),
      times: Array.from({ length: spansPerTrace * 2 }, (_, i) => whole.indexOf(timeMark(i))),
    }
  })
  return (i, startMs) => {
    const variant = i % VARIANTS
    const { whole, ids, times } = templates[variant]
    const made = Buffer.from(whole)
    const id = randomBytes(16)
    for (const at of ids) id.copy(made, at)
    const startNs = BigInt(startMs) * 1_000_000n
    times.forEach((at, time) => {
      const position = time >> 1
      const isEnd = time % 2 === 1
      const lasts = position === 0 ? 200 + variant * 7 + (i % 1000) : 10 + ((variant + position) % 90)
      made.writeBigUInt64LE(startNs + BigInt((position + (isEnd ? lasts : 0)) * 1_000_000 + (i % 1000)), at)
    })
    return made
  }
}

function placesOf(whole, mark) {
  const places = []
  for (let at = whole.indexOf(mark); at >= 0; at = whole.indexOf(mark, at + 1)) places.push(at)
  return places
}

/** The bytes of a request that exports what `parts` hold. */
export function encodeExport(experimentId, parts) {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const head = `POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\nx-mlflow-experiment-id: ${experimentId}\r\nContent-Length: ${length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), ...parts])
}
