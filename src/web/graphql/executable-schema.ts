// Binds MLflow's GraphQL types to the messages of REST, whose fields have the same names in snake case.
import {
  buildSchema,
  GraphQLError,
  type GraphQLFieldResolver,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  GraphQLSchema,
  isEnumType,
  isListType,
  isObjectType,
  isScalarType,
  Kind,
} from 'graphql'
import { parseInt64 } from '../../platform/wire/int64.ts'
import type { Run } from '../../tracking/runs/schema.ts'
import { fieldsOf } from './documents.ts'
import { createRootFields, type QueryContext, RUN_FIELDS, type Sources } from './resolvers.ts'
import { TYPE_DEFINITIONS } from './type-definitions.ts'

/** @see mlflow/server/graphql/graphql_schema_extensions.py schema */
export function buildMlflowSchema(sources: Sources): GraphQLSchema {
  const built = buildSchema(TYPE_DEFINITIONS)
  const roots = createRootFields(sources)
  for (const type of Object.values(built.getTypeMap())) {
    if (type.name === 'LongString' && isScalarType(type)) Object.assign(type, longString)
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      const root = roots[type.name]?.[field.name]
      if (root) field.resolve = (_source, args, context) => root(args, context)
      else if (type.name.startsWith('Mlflow')) field.resolve = messageField(type.name, field.name, field.type)
    }
  }
  // The library adds @skip, @include and others by itself.
  const { directives, ...config } = built.toConfig()
  return new GraphQLSchema({ ...config, directives: directives.filter(({ name }) => name === 'component') })
}

type Fields = Record<string, unknown>
type Resolver<Source> = GraphQLFieldResolver<Source, QueryContext>

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** What a message leaves out has protobuf's default. */
function messageField(typeName: string, name: string, type: GraphQLOutputType): Resolver<Run & Fields> {
  const ofRun = typeName === 'MlflowRunExtension' ? RUN_FIELDS[name] : undefined
  if (ofRun) return counting((run, _args, context) => ofRun(run, context))
  const key = snakeCase(name)
  const absent = defaultOf(type)
  if (isListType(type)) return counting((message) => message[key] ?? absent)
  if (String(type) !== 'Float') return (message) => message[key] ?? absent
  // JSON has no NaN. Stock answers null too, for points of histories with an error beside it.
  return (message) => (message[key] === 'NaN' ? null : (message[key] ?? absent))
}

/** Messages know no error of their own, and stock cannot name the zeros of enums. */
function defaultOf(type: GraphQLOutputType): unknown {
  if (isListType(type)) return []
  if (isEnumType(type) || String(type) === 'ApiError') return null
  if (isObjectType(type)) return {}
  return { String: '', Boolean: false }[String(type)] ?? 0
}

/** Counts the fields of a list's items before they are gone through; lists behind the limit are null. */
function counting(resolve: Resolver<Run & Fields>): Resolver<Run & Fields> {
  return (source, args, context, info) => {
    if (context.budget.isSpent) return null
    const found = resolve(source, args, context, info)
    return found instanceof Promise
      ? found.then((items) => count(items, context, info))
      : count(found, context, info)
  }
}

function count(
  items: unknown,
  { budget }: QueryContext,
  { fieldNodes, fragments }: GraphQLResolveInfo,
): unknown {
  if (!Array.isArray(items) || items.length === 0) return items
  const fields = fieldNodes.map(({ selectionSet }) =>
    selectionSet ? fieldsOf(selectionSet, fragments).length : 1,
  )
  budget.spend(items.length * fields.reduce((sum, one) => sum + one, 0))
  return items
}

/** 64-bit integers as text, for JavaScript. @see mlflow/server/graphql/graphql_custom_scalars.py LongString */
const longString = {
  serialize: String,
  parseValue: readLongString,
  parseLiteral: (node: { kind: string; value?: unknown }) =>
    node.kind === Kind.INT || node.kind === Kind.STRING ? readLongString(node.value) : null,
}

/** A number, or the text of one that is not exact as a number; messages read both. */
function readLongString(value: unknown): number | string {
  const parsed = parseInt64(value)
  if (parsed === undefined) throw new GraphQLError(`LongString cannot represent value: ${String(value)}`)
  return typeof parsed === 'number' ? parsed : String(parsed)
}
