// Reads GraphQL documents: limits, parses and validates them, and keeps those that come again.
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  Lexer,
  parse,
  type SelectionSetNode,
  Source,
  TokenKind,
  validate,
  visit,
} from 'graphql'
import { invalidParameter } from '../../errors.ts'

export interface DocumentLimits {
  /** @see MLFLOW_SERVER_GRAPHQL_MAX_ROOT_FIELDS */
  maxRootFields: number
  /** Aliases side by side. @see MLFLOW_SERVER_GRAPHQL_MAX_ALIASES */
  maxAliases: number
}

/** What a document is in the library's eyes, or why it cannot be answered. */
export type ReadDocument = { document: DocumentNode } | { errors: readonly string[] }

/** MLflow's limits. @see mlflow/server/graphql/graphql_no_batching.py */
const MAX_DEPTH = 10
const MAX_SELECTIONS = 1000

/** Limits of our own, many times what those of MLflow leave room for; they keep parsing cheap. */
const MAX_LENGTH = 100_000
const MAX_TOKENS = 10_000
const MAX_BRACKETS = 100

/** Valid documents that are kept, and characters of one of them at most. The web UI has four. */
const KEPT = 100
const KEPT_LENGTH = 10_000

/** Returns the reader of documents for a schema. @throws INVALID_PARAMETER_VALUE for what is no GraphQL */
export function createDocumentReader(
  schema: GraphQLSchema,
  limits: DocumentLimits,
): (query: string) => ReadDocument {
  const kept = new Map<string, ReadDocument>()
  return (query) => {
    const known = kept.get(query)
    if (known) {
      // Puts it last: the first is the one that was not asked for the longest.
      kept.delete(query)
      kept.set(query, known)
      return known
    }
    const read = readDocument(schema, limits, query)
    if ('errors' in read || query.length > KEPT_LENGTH) return read
    kept.set(query, read)
    for (const oldest of kept.keys()) if (kept.size > KEPT) kept.delete(oldest)
    return read
  }
}

function readDocument(schema: GraphQLSchema, limits: DocumentLimits, query: string): ReadDocument {
  const document = parseWithin(query)
  const excess = excessOf(document, limits)
  if (excess) return { errors: [excess] }
  const errors = validate(schema, document).map(({ message }) => message)
  return errors.length > 0 ? { errors } : { document }
}

function parseWithin(query: string): DocumentNode {
  if (query.length > MAX_LENGTH) {
    throw invalidParameter(`The query is longer than ${MAX_LENGTH} characters.`)
  }
  try {
    const source = new Source(query)
    checkTokens(new Lexer(source))
    return parse(source, { noLocation: true })
  } catch (error) {
    throw error instanceof GraphQLError ? invalidParameter(error.message) : error
  }
}

/** The parser calls itself for each bracket in brackets, so their depth is checked before. */
function checkTokens(lexer: Lexer): void {
  let depth = 0
  for (let count = 0; lexer.advance().kind !== TokenKind.EOF; count++) {
    const { kind } = lexer.token
    if (kind === TokenKind.BRACE_L || kind === TokenKind.BRACKET_L || kind === TokenKind.PAREN_L) depth++
    if (kind === TokenKind.BRACE_R || kind === TokenKind.BRACKET_R || kind === TokenKind.PAREN_R) depth--
    if (count > MAX_TOKENS) throw invalidParameter(`The query has more than ${MAX_TOKENS} words and signs.`)
    if (depth > MAX_BRACKETS)
      throw invalidParameter(`The query has more than ${MAX_BRACKETS} nested brackets.`)
  }
}

type Fragments = Readonly<Record<string, FragmentDefinitionNode | undefined>>

/** Which limit the document exceeds, in MLflow's words; undefined for none. */
function excessOf(document: DocumentNode, limits: DocumentLimits): string | undefined {
  // Fragments that no operation uses are validated too, so they count as well.
  if (countSelections(document) > MAX_SELECTIONS) return tooManySelections
  const scanned = scan(document)
  if (typeof scanned === 'string') return scanned
  const tooMany = (count: number, limit: number, what: string, variable: string) =>
    count > limit
      ? `GraphQL queries should have at most ${limit} ${what}, got ${count} ${what}. To increase the limit, set the ${variable} environment variable.`
      : undefined
  return (
    tooMany(
      scanned.rootFields,
      limits.maxRootFields,
      'root fields',
      'MLFLOW_SERVER_GRAPHQL_MAX_ROOT_FIELDS',
    ) ?? tooMany(scanned.aliases, limits.maxAliases, 'aliases', 'MLFLOW_SERVER_GRAPHQL_MAX_ALIASES')
  )
}

const tooManySelections = `Query exceeds maximum total selections of ${MAX_SELECTIONS}`

function countSelections(document: DocumentNode): number {
  let count = 0
  const one = () => {
    count++
  }
  visit(document, { Field: one, FragmentSpread: one, InlineFragment: one })
  return count
}

/** Counts what the operations ask for, fragments spread out; or answers which limit that exceeds. */
function scan(document: DocumentNode): { rootFields: number; aliases: number } | string {
  const fragments: Record<string, FragmentDefinitionNode> = Object.create(null)
  const open: [SelectionSetNode, number][] = []
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition
    if (definition.kind === Kind.OPERATION_DEFINITION) open.push([definition.selectionSet, 1])
  }
  let [rootFields, aliases, selections] = [0, 0, 0]
  for (let next = open.pop(); next; next = open.pop()) {
    const [set, depth] = next
    if (depth > MAX_DEPTH) return `Query exceeds maximum depth of ${MAX_DEPTH}`
    const fields = fieldsOf(set, fragments)
    selections += fields.length
    if (selections > MAX_SELECTIONS) return tooManySelections
    if (depth === 1) rootFields += fields.length
    aliases = Math.max(aliases, fields.filter(({ alias }) => alias).length)
    for (const { selectionSet } of fields) if (selectionSet) open.push([selectionSet, depth + 1])
  }
  return { rootFields, aliases }
}

/** The fields side by side in a selection, with those of its fragments, each fragment once. */
export function fieldsOf(set: SelectionSetNode, fragments: Fragments): FieldNode[] {
  const fields: FieldNode[] = []
  const spread = new Set<string>()
  const sets: (SelectionSetNode | undefined)[] = [set]
  for (const current of sets) {
    for (const selection of current?.selections ?? []) {
      if (selection.kind === Kind.FIELD) fields.push(selection)
      else if (selection.kind === Kind.INLINE_FRAGMENT) sets.push(selection.selectionSet)
      else if (!spread.has(selection.name.value)) {
        spread.add(selection.name.value)
        sets.push(fragments[selection.name.value]?.selectionSet)
      }
    }
  }
  return fields
}
