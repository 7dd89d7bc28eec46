// Tells the statements of a request in its trace: what they do to which table, how long they take, never their values.
import { activeSpan, type OpenSpan, type SpanAttributes } from '../active-span.ts'

/** Texts whose descriptions are kept; most servers have some hundred. */
const MAX_KEPT = 1000
/** Longer texts, in characters, are cut. */
const MAX_TEXT = 2048
/** Statements of those that are sent together that are told. */
const MAX_TOLD = 5
/** Functions that stand where a table may. */
const TABLE =
  /\b(?:from|into|update|table|join)\s+(?!unnest\b|lateral\b|generate_series\b|select\b)(?:"?\w+"?\.)?"?(\w+)"?/i
const OPERATION = /^\s*(\w+)/
/** How statements begin that people may write. */
const OWN = new Set(['SELECT', 'WITH', 'SHOW', 'EXPLAIN', 'VALUES', 'TABLE'])
const LITERAL = /'(?:[^']|'')*'/g

/** A statement in words: the name of its span, and what conventions for databases ask for. */
export interface Described {
  name: string
  attributes: SpanAttributes
}

/** @param system the database's name, as conventions have it */
export function describeStatement(text: string, system: string): Described {
  const operation = (OPERATION.exec(text)?.[1] ?? '').toUpperCase().replace(/^WITH$/, 'SELECT')
  const table = TABLE.exec(text)?.[1]
  return {
    name: [operation, table].filter(Boolean).join(' ') || system,
    attributes: {
      'db.system.name': system,
      'db.operation.name': operation,
      ...(table && { 'db.collection.name': table }),
      // Values are bound; what could be one is left out all the same.
      'db.query.text': text.slice(0, MAX_TEXT).replace(LITERAL, '?').replace(/'.*/s, '?'),
    },
  }
}

/**
 * Begins spans of statements below the active one, if there is one.
 * @param dialect the name of the engine's dialect
 */
export function createStatementSpans(dialect: string) {
  const system = dialect === 'pglite' ? 'postgresql' : dialect
  const kept = new Map<string, Described>()

  function describe(text: string): Described {
    const known = kept.get(text) ?? describeStatement(text, system)
    if (kept.size >= MAX_KEPT) kept.clear()
    kept.set(text, known)
    return known
  }

  return {
    one(text: string): OpenSpan | undefined {
      const span = activeSpan()
      if (!span) return undefined
      const { name, attributes } = describe(text)
      return span.begin(name, 'client', attributes)
    },
    /** Statements that are sent together are one span, of all that they do. */
    together(statements: readonly { text: string }[]): OpenSpan | undefined {
      const span = statements.length > 0 ? activeSpan() : undefined
      if (!span) return undefined
      const texts = [...new Set(statements.map(({ text }) => text))]
      const all = texts.slice(0, MAX_TOLD).map(describe)
      return span.begin([...new Set(all.map(({ name }) => name))].join(', '), 'client', {
        'db.system.name': system,
        'db.operation.batch.size': statements.length,
        'db.query.text': all.map(({ attributes }) => attributes['db.query.text']).join('; '),
      })
    },
    /** Of a statement that somebody wrote, which may hold anything, only what it begins with is told. */
    own(text: string): OpenSpan | undefined {
      const operation = (OPERATION.exec(text)?.[1] ?? '').toUpperCase()
      const told = OWN.has(operation) ? operation : 'SQL'
      return activeSpan()?.begin(`${told} of a user`, 'client', {
        'db.system.name': system,
        'db.operation.name': told,
      })
    },
  }
}
