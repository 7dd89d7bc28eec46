// How much an OTLP export may hold. A few bytes, fewer still when compressed, stand for an object each: what exceeds memory is refused before it is read.
import type { DescMessage } from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { ExportTraceServiceRequestSchema } from './otlp-trace-service.pb.ts'

/** Spans of one export at most. SDKs send 512 at once, collectors some thousands. */
const MAX_SPANS = 50_000
/** Messages of one export at most: spans, events, links, attributes, their values, and what these hold. */
const MAX_MESSAGES = 1_000_000

/** Counts what an export holds. @throws TooMuch */
export class ExportSize {
  private spans = 0
  private messages = 0

  addSpans(count: number): void {
    this.spans += count
    if (this.spans > MAX_SPANS) throw new TooMuch(`An export may hold at most ${MAX_SPANS} spans`)
  }

  addMessage(): void {
    this.messages++
    if (this.messages > MAX_MESSAGES) {
      throw new TooMuch(
        `An export may hold at most ${MAX_MESSAGES} spans, events, links, attributes and values`,
      )
    }
  }
}

export class TooMuch extends Error {}

/**
 * Checks an export in protobuf without making objects of it.
 * @throws TooMuch; other errors for what is no protobuf
 */
export function checkSize(bytes: Uint8Array): void {
  count(bytes, ExportTraceServiceRequestSchema, new ExportSize())
}

function count(bytes: Uint8Array, of: DescMessage, size: ExportSize): void {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag()
    const inner = wireType === WireType.LengthDelimited ? messagesOf(of).get(number) : undefined
    if (!inner) {
      reader.skip(wireType, number)
      continue
    }
    size.addMessage()
    if (inner.name === 'Span') size.addSpans(1)
    count(reader.bytes(), inner, size)
  }
}

const known = new Map<DescMessage, ReadonlyMap<number, DescMessage>>()

/** The messages that fields of a message hold, by their numbers. */
function messagesOf(desc: DescMessage): ReadonlyMap<number, DescMessage> {
  const found = known.get(desc)
  if (found) return found
  const held = desc.fields.flatMap(({ number, message }): [number, DescMessage][] =>
    message ? [[number, message]] : [],
  )
  const fields = new Map(held)
  known.set(desc, fields)
  return fields
}
