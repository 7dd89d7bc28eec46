// What a policy is about: a table, named with its schema, or what the server keeps.
import { invalidParameter } from '../../errors.ts'
import type { TableName } from '../../platform/database/own-columns.ts'
import { OWN_TARGETS, type OwnTarget } from './schema.ts'

export type Target = { own: OwnTarget } | { table: TableName }

/** A part in quotes, in which `""` is one, or a bare one, up to the next dot. */
const PART = /^(?:"((?:[^"]|"")+)"|([^".]+))(?:\.|$)/

/** @throws INVALID_PARAMETER_VALUE */
export function parseTarget(text: string): Target {
  const own = OWN_TARGETS.find((name) => name === text)
  if (own) return { own }
  const parts: string[] = []
  let rest = text
  while (rest !== '') {
    const [whole = '', quoted, bare] = PART.exec(rest) ?? []
    if (whole === '') throw wrongTarget(text)
    parts.push(quoted?.replaceAll('""', '"') ?? bare ?? '')
    rest = rest.slice(whole.length)
    if (rest === '' && whole.endsWith('.')) throw wrongTarget(text)
  }
  const [schema, table, ...more] = parts
  if (schema === undefined || table === undefined || more.length > 0) throw wrongTarget(text)
  return { table: { schema, table } }
}

/** The one spelling of a target, so that policies about the same table are known for that: parts have quotes where they need some. */
export const spellTarget = (target: Target): string =>
  'own' in target ? target.own : `${spellPart(target.table.schema)}.${spellPart(target.table.table)}`

const spellPart = (part: string) => (/[."]/.test(part) ? `"${part.replaceAll('"', '""')}"` : part)

/** Where buckets of a table go: where the policy says, else beside the table. @throws INVALID_PARAMETER_VALUE */
export function intoOf({ target, into }: { target: string; into?: string | undefined }): TableName {
  const { table } = parseTable(target)
  if (into === undefined) return { schema: table.schema, table: `${table.table}_downsampled` }
  return parseTable(into, 'into').table
}

/** @throws INVALID_PARAMETER_VALUE for what is no table */
function parseTable(text: string, field = 'target'): { table: TableName } {
  try {
    const target = parseTarget(text)
    if ('table' in target) return target
  } catch {
    // Said below, of the field that it is about.
  }
  throw invalidParameter(
    `Invalid value '${text.slice(0, 200)}' for parameter '${field}': name a table with its schema, such as doc.readings_downsampled.`,
  )
}

const wrongTarget = (text: string) =>
  invalidParameter(
    `Invalid value '${text.slice(0, 200)}' for parameter 'target': name a table with its schema, such as doc.sensor_readings, or one of ${OWN_TARGETS.join(', ')}.`,
  )
