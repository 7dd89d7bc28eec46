// Names of tables and columns that are made from names of files and headers, which can be anything.
import type { OwnTables, TableName } from '../../platform/database/own-columns.ts'
import { UsageError } from '../errors.ts'

/** Characters of a table's name that is made of a file's. */
const MADE_LENGTH = 48
/** Characters of a part of a table's name: PostgreSQL cuts longer ones. */
const LONGEST_PART = 63

/** `My Data (2).csv` → `my_data_2`; of a URL, what stands behind its last slash. */
export function tableNameOf(source: string): string {
  const last = lastPart(source)
  const bare = last.replace(/(\.(csv|tsv|txt|json|jsonl|ndjson|parquet|gz))+$/i, '')
  const name = bare
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+/, '')
    .slice(0, MADE_LENGTH)
    .replace(/_+$/, '')
  if (name === '') return 'loaded'
  return /^\d/.test(name) ? `t_${name}` : name
}

function lastPart(source: string): string {
  const path = /^https?:\/\//i.test(source) ? new URL(source).pathname : source
  const last = path.split(/[/\\]/).findLast((part) => part !== '') ?? ''
  try {
    return /^https?:/i.test(source) ? decodeURIComponent(last) : last
  } catch {
    return last
  }
}

/**
 * The table that `--table` names, as `table` or `schema.table`, spelled as it is written.
 * @throws UsageError for what no table can be called, and for schemas that are not people's own
 */
export function readTableName(
  given: string,
  { ownTables, serverSchema }: { ownTables: OwnTables; serverSchema: string },
): TableName {
  const parts = given.split('.')
  const isName = (part: string) => part.length <= LONGEST_PART && /^[\p{L}\p{N}][\p{L}\p{N}_$-]*$/u.test(part)
  if (parts.length > 2 || !parts.every(isName))
    throw new UsageError(
      `--table must read like readings or ${ownTables.schema}.readings, of letters, digits and underscores, ${LONGEST_PART} at most: ${given}`,
    )
  const [table = '', schema = ownTables.schema] = parts.reverse()
  if (schema === serverSchema)
    throw new UsageError(
      `The schema ${schema} is the server's own: name another one, as ${ownTables.schema}.${table}.`,
    )
  if (ownTables.foreignSchemas.includes(schema) || schema.startsWith('pg_'))
    throw new UsageError(
      `The schema ${schema} is the database's own: name another one, as ${ownTables.schema}.${table}.`,
    )
  return { schema, table }
}

/**
 * Names of columns for those of a file, in their order: as they are where the database takes them, each one once.
 * Empty ones become `column_3` by their place.
 */
export function columnNames(names: readonly string[], rules: OwnTables): string[] {
  const taken = new Set<string>()
  return names.map((name, index) => {
    const base = columnNameOf(name, rules) || `column_${index + 1}`
    let unique = base
    for (let n = 2; taken.has(unique); n++) {
      const suffix = `_${n}`
      unique = fitting(base, rules.longestName - suffix.length) + suffix
    }
    taken.add(unique)
    return unique
  })
}

function columnNameOf(name: string, { refusedInNames, longestName }: OwnTables): string {
  const plain = name.trim().replace(/[\p{Cc}\p{Cs}]/gu, '_')
  const taken = refusedInNames ? plain.replace(refusedInNames, (sign) => (sign === '_' ? 'c_' : '_')) : plain
  // What is replaced at the beginning leaves an underscore there.
  const begun = refusedInNames && taken.startsWith('_') ? `c${taken}` : taken
  return fitting(begun, longestName)
}

/** The beginning of the text that has so many bytes of UTF-8 at most. */
function fitting(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text
  let kept = ''
  let left = bytes
  for (const sign of text) {
    left -= Buffer.byteLength(sign)
    if (left < 0) break
    kept += sign
  }
  return kept
}
