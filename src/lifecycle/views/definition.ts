// What a materialized view may be called and say: the rules that hold whatever the database has in it at the moment.
import { invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { TableName } from '../../platform/database/own-columns.ts'
import { isClosed, isQuery, notARead, requireOneQuery } from '../../platform/database/sql-text.ts'
import type { ViewDefinition, ViewInput } from './schema.ts'

/** A name that needs no quotes; PostgreSQL cuts longer ones. */
const PART = /^[a-z_][a-z0-9_]{0,62}$/
/** Characters of a statement. */
const LONGEST = 100_000
const MOST_KEYS = 32

const wrong = (field: string, text: string) =>
  invalidParameter(`Invalid value for parameter '${field}': ${text}`)

/** The schema of views that are named without one. */
export const schemaOfViews = (engine: Engine): string => `${engine.schema}_views`

/** @throws INVALID_PARAMETER_VALUE for what no view can be called, and for schemas that are not people's own */
export function readName(given: string, engine: Engine): TableName {
  const parts = given.split('.')
  if (parts.length > 2 || !parts.every((part) => PART.test(part)))
    throw wrong(
      'name',
      `use schema.table, or table alone, of small letters, digits and underscores, 63 at most each, not '${given.slice(0, 200)}'.`,
    )
  const [table = '', schema = schemaOfViews(engine)] = parts.reverse()
  if (schema === engine.schema) throw wrong('name', `schema ${schema} is the server's own.`)
  const foreign = engine.dialect.ownTables?.foreignSchemas ?? ['information_schema']
  if (foreign.includes(schema) || schema.startsWith('pg_'))
    throw wrong('name', `schema ${schema} belongs to the database itself.`)
  return { schema, table }
}

export const spelled = ({ schema, table }: TableName): string => `${schema}.${table}`

/** @throws INVALID_PARAMETER_VALUE */
export function readDefinition(input: ViewInput): ViewDefinition {
  const { key, incremental, cron, every } = input
  const statement = requireOneQuery(input.statement)
  if (!isQuery(statement)) throw notARead(statement)
  if (statement.text.length > LONGEST) throw wrong('statement', `use ${LONGEST} characters at most.`)
  if (!isClosed(statement)) throw wrong('statement', 'its parentheses do not match.')
  if (key.length > MOST_KEYS) throw wrong('key', `${MOST_KEYS} columns at most.`)
  if (new Set(key).size < key.length) throw wrong('key', 'a column is named twice.')
  if (incremental && key.length === 0)
    throw wrong(
      'incremental',
      'name the columns that tell rows apart as key: rows that changed take the place of those before.',
    )
  return {
    statement: statement.text,
    key,
    ...(incremental && { incremental }),
    ...(cron && { cron }),
    ...(every && { every }),
  }
}

/** @throws INVALID_PARAMETER_VALUE for columns that no table can have, and where the key or the incremental column is none of them */
export function checkColumns({ key, incremental }: ViewDefinition, columns: readonly string[]): void {
  const listed = columns.join(', ').slice(0, 500)
  for (const [field, names] of Object.entries({ key, incremental: incremental ? [incremental] : [] })) {
    const missing = names.find((name) => !columns.includes(name))
    if (missing !== undefined)
      throw wrong(field, `there is no column '${missing.slice(0, 200)}' in the answer, which has ${listed}.`)
  }
  if (columns.length === 0) throw wrong('statement', 'its answer has no columns.')
  for (const [index, name] of columns.entries()) {
    // PostgreSQL calls what has no name ?column?.
    if (name === '' || name === '?column?' || /\p{Cc}/u.test(name))
      throw wrong('statement', `give column ${index + 1} of its answer a name, by AS.`)
    if (columns.indexOf(name) < index)
      throw wrong('statement', `two columns of its answer are called '${name.slice(0, 200)}'.`)
  }
}
