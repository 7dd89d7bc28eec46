// Answers to SQL as lines of JSON: the columns, a list for each row, and what came of it at the end.
import pg from 'pg'
import type { SqlAnswer, SqlColumn } from './sql-reader.ts'

/** Names of types by their OIDs, as both databases show them; a type without a name comes as text. */
const TYPES: Record<number, string> = {
  16: 'boolean',
  20: 'bigint',
  21: 'smallint',
  23: 'integer',
  700: 'real',
  701: 'double precision',
  1700: 'numeric',
  114: 'json',
  3802: 'json',
  1082: 'date',
  1114: 'timestamp',
  1184: 'timestamp with time zone',
  1000: 'boolean[]',
  1005: 'smallint[]',
  1007: 'integer[]',
  1016: 'bigint[]',
  1021: 'real[]',
  1022: 'double precision[]',
  1009: 'text[]',
  1015: 'text[]',
}

export const typeNameOf = (oid: number): string => TYPES[oid] ?? 'text'

/** The JSON of a value of the type, from its text. */
function jsonWriter(oid: number): (text: string) => string {
  const type = typeNameOf(oid)
  if (type.endsWith('[]')) {
    const parse = pg.types.getTypeParser(oid, 'text')
    return (text) => JSON.stringify(parse(text))
  }
  if (type === 'boolean') return (text) => String(text === 't')
  // JSON of PostgreSQL keeps the line breaks of its text; between values they mean nothing.
  if (type === 'json') return (text) => text.replace(/[\r\n]/g, ' ')
  if (['bigint', 'smallint', 'integer'].includes(type)) return wholeNumber
  if (['real', 'double precision', 'numeric'].includes(type)) return number
  return JSON.stringify
}

/** What JavaScript's numbers cannot hold is a text. */
const wholeNumber = (text: string) => (Number.isSafeInteger(Number(text)) ? text : JSON.stringify(text))

/** NaN and infinities are texts. */
const number = (text: string) => (Number.isFinite(Number(text)) ? String(Number(text)) : JSON.stringify(text))

export interface LineColumn {
  name: string
  type: string
}

const lineColumn = ({ name, oid }: SqlColumn): LineColumn => ({ name, type: typeNameOf(oid) })

/**
 * The answer, several lines at once: `{"columns":[{"name","type"}]}`, a list of values for each row, and at the end
 * `{"rows":<count>}`; whoever does not find that line has read only a part.
 */
export async function* linesOf({ columns, pieces }: SqlAnswer): AsyncGenerator<string> {
  const writers = columns.map(({ oid }) => jsonWriter(oid))
  yield `${JSON.stringify({ columns: columns.map(lineColumn) })}\n`
  let count = 0
  for await (const rows of pieces) {
    count += rows.length
    const lines = rows.map(
      (row) => `[${row.map((field, i) => (field === null ? 'null' : writers[i]?.(field))).join(',')}]\n`,
    )
    if (lines.length > 0) yield lines.join('')
  }
  yield `${JSON.stringify({ rows: count })}\n`
}
