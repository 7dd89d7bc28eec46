// What a convention of naming attributes is to MLflow: where it has the type, inputs, outputs, tokens and model of a span.
import { type Attributes, decode, firstFilled, integerOf, type SpanEvent } from './attributes.ts'

export interface Convention {
  /** The attribute that tells the kind of a span, and MLflow's types by kind. */
  kind?: { key: string; types: Readonly<Record<string, string>> }
  /** Attributes that may tell it, the first one that does counts. Patterns are of keys. */
  inputs?: readonly (string | RegExp)[]
  outputs?: readonly (string | RegExp)[]
  models?: readonly string[]
  provider?: string
  tools?: readonly string[]
  tokens?: TokenKeys
  /** How it is read where more than a key is to be known. */
  read?: Partial<Reader>
  /** What of a span is in its events. */
  events?: { inputs?: FromEvents; outputs?: FromEvents }
}

export interface TokenKeys {
  input: string
  output: string
  total?: string
  cacheRead?: string
  cacheWrite?: readonly string[]
}

export interface Tokens {
  input?: bigint | undefined
  output?: bigint | undefined
  total?: bigint | undefined
  cacheRead?: bigint | undefined
  cacheWrite?: bigint | undefined
}

type FromEvents = (events: readonly SpanEvent[], attributes: Attributes) => string | undefined

/** Each answers a text to keep as an attribute, undefined where the convention tells nothing. */
export interface Reader {
  type: (attributes: Attributes) => string | undefined
  /** May note the format of its messages. */
  inputs: (attributes: Attributes) => string | undefined
  outputs: (attributes: Attributes) => string | undefined
  tokens: (attributes: Attributes) => Tokens
  /** The format of messages, for the chat view of the UI. */
  format: (attributes: Attributes) => string | undefined
}

/** MLflow's type by the kind that an attribute tells. */
export function typeByKind(attributes: Attributes, { key, types }: NonNullable<Convention['kind']>) {
  const kind = decode(attributes.get(key))
  return typeof kind === 'string' && Object.hasOwn(types, kind) ? types[kind] : undefined
}

function tokensByKeys(attributes: Attributes, keys: TokenKeys): Tokens {
  const count = (key: string | undefined) => (key === undefined ? undefined : integerOf(attributes.get(key)))
  return {
    input: count(keys.input),
    output: count(keys.output),
    total: count(keys.total),
    cacheRead: count(keys.cacheRead),
    cacheWrite: count(keys.cacheWrite?.find((key) => attributes.has(key))),
  }
}

/** How a convention is read. @see mlflow/tracing/otel/translation/base.py OtelSchemaTranslator */
export const readerOf = ({ kind, inputs, outputs, tokens, read }: Convention): Reader => ({
  type: (attributes) => kind && typeByKind(attributes, kind),
  inputs: (attributes) => firstFilled(attributes, inputs),
  outputs: (attributes) => firstFilled(attributes, outputs),
  tokens: (attributes) => (tokens ? tokensByKeys(attributes, tokens) : {}),
  format: () => undefined,
  ...read,
})
