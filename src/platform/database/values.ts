// How values cross the PostgreSQL wire as text, in both directions, for every engine.
import pg from 'pg'
import { readInt64 } from '../wire/int64.ts'

const INT8 = 20

/** The reader of a type's text, by the type's OID. */
export const typeParser = (oid: number): ((text: string) => unknown) =>
  oid === INT8 ? readInt64 : pg.types.getTypeParser(oid, 'text')

/** A bound value as the wire takes it; arrays become PostgreSQL's array literals. */
export const toText = (value: unknown): string | null =>
  value === null || value === undefined ? null : Array.isArray(value) ? arrayText(value) : String(value)

/** `{1,2,"a\"b",NULL}`: texts are always quoted. */
function arrayText(values: readonly unknown[]): string {
  let text = '{'
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (i > 0) text += ','
    if (typeof value === 'string') text += quoted(value)
    else text += value === null || value === undefined ? 'NULL' : String(value)
  }
  return `${text}}`
}

const quoted = (value: string): string =>
  value.includes('"') || value.includes('\\') ? `"${value.replace(/["\\]/g, '\\$&')}"` : `"${value}"`
