// The mapping of a table: a YAML file that says which columns become what of experiments, runs and model versions.
import { type Document, isMap, isNode, isScalar, LineCounter, type Node, parseDocument } from 'yaml'
import { z } from 'zod'

const columnName = z.string().min(1)

/** A text that is the same for all rows, or a column. */
const Text = z.union([z.string().min(1), z.strictObject({ column: columnName })], {
  error: 'expected a text, or "column:" with the name of a column',
})

/** A column of times: timestamps of the database (or ISO 8601), milliseconds or seconds since 1970. */
const Time = z.strictObject({
  column: columnName,
  unit: z.enum(['timestamp', 'ms', 's']).default('timestamp'),
})

const OneColumn = z.strictObject({ column: columnName, as: z.string().min(1).optional() })
/** A column of JSON, or of CrateDB's type OBJECT, whose members are one each. */
const Members = z.strictObject({ object: columnName })
const FixedText = z.strictObject({ text: z.string(), as: z.string().min(1) })

const Values = z.array(
  z.union([OneColumn, Members], {
    error: 'expected "column:" (and "as:" for another name), or "object:" with the name of a column',
  }),
)
const Tags = z.array(
  z.union([OneColumn, Members, FixedText], {
    error: 'expected "column:" (and "as:"), "object:" with the name of a column, or "text:" and "as:"',
  }),
)

const MappingSchema = z.strictObject({
  table: z.string().min(1),
  /** What tells this table from others in the store; the table itself unless it is given. */
  name: z.string().min(1).max(200).optional(),
  key: z.array(columnName).min(1),
  high_water: columnName.optional(),
  experiment: Text,
  run: z
    .strictObject({
      name: Text.optional(),
      start: Time.optional(),
      end: Time.optional(),
      user: Text.optional(),
      artifacts: z.strictObject({ column: columnName }).optional(),
    })
    .default({}),
  params: Values.default([]),
  metrics: Values.default([]),
  tags: Tags.default([]),
  model: z
    .strictObject({
      name: Text,
      version: z.strictObject({ column: columnName, as: z.enum(['tag', 'alias']).default('tag') }).optional(),
      source: z.strictObject({ column: columnName }).optional(),
      created: Time.optional(),
    })
    .optional(),
})

export type TextFrom = z.output<typeof Text>
export type TimeFrom = z.output<typeof Time>
export type ValuesFrom = z.output<typeof Tags>[number]

export interface Mapping extends Omit<z.output<typeof MappingSchema>, 'table'> {
  table: { schema: string | undefined; table: string }
  /** A mistake of the mapping, with the file and the line and column of what is at the path. */
  mistake(path: Path, what: string): MappingError
  /** All columns that it names, and where. */
  columns(): { column: string; path: Path; use: ColumnUse }[]
}

type Path = readonly (string | number)[]
export type ColumnUse = 'key' | 'value' | TimeFrom['unit']

/** The mapping is not understood, or does not fit the table. */
export class MappingError extends Error {}

/**
 * Reads a mapping.
 * @param file as it is called in errors
 * @throws MappingError that begins with `file:line:column:`, a line for each mistake
 */
export function readMapping(text: string, file: string): Mapping {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  if (document.errors.length > 0)
    throw new MappingError(document.errors.map(({ pos, message }) => `${at(pos[0])}: ${message}`).join('\n'))
  const placeOf = (path: Path) => at(offsetOf(document.contents, path))
  const mistake = (path: Path, what: string) =>
    new MappingError(`${placeOf(path)}: ${path.length > 0 ? `${told(path)}: ` : ''}${what}`)
  const value = resolved(document, file)
  const read = MappingSchema.safeParse(value)
  if (!read.success) {
    const found = read.error.issues.flatMap((issue) => {
      if (issue.code !== 'unrecognized_keys')
        return [mistake(issue.path as Path, toldIssue(issue, value)).message]
      const known = knownKeys(issue.path as Path)
      return issue.keys.map(
        (key) =>
          mistake([...(issue.path as Path), key], `there is no such field${known && `; there are ${known}`}`)
            .message,
      )
    })
    throw new MappingError(found.join('\n'))
  }
  const mapping = read.data
  const table = readTable(mapping.table)
  if (!table)
    throw mistake(
      ['table'],
      'expected table or schema.table; names with points or quotes in them in double quotes',
    )
  return { ...mapping, table, mistake, columns: () => columnsOf(mapping) }
}

/** @throws MappingError for aliases that lead nowhere, or to more than fits into memory */
function resolved(document: Document, file: string): unknown {
  try {
    return document.toJS()
  } catch (error) {
    throw new MappingError(`${file}: ${(error as Error).message}`)
  }
}

/** `run.start.column`, `params[2].column` */
const told = (path: Path) =>
  path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i > 0 ? `.${part}` : part)).join('')

/** Without what zod begins all of its texts with. */
const toldIssue = ({ message, path }: z.core.$ZodIssue, mapping: unknown): string =>
  isThere(mapping, path as Path) ? message.replace(/^Invalid (input|option): /, '') : 'it is missing'

function isThere(mapping: unknown, path: Path): boolean {
  let value = mapping
  for (const part of path) value = (value as Record<string | number, unknown> | null | undefined)?.[part]
  return value !== undefined
}

/** The fields that there are at a place of the mapping. */
function knownKeys(path: Path): string {
  let schema: z.ZodType | undefined = MappingSchema
  for (const part of path) {
    if (schema instanceof z.ZodObject) schema = (schema.shape as Record<string, z.ZodType>)[String(part)]
    while (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
      schema = schema.unwrap() as z.ZodType
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape).join(', ') : ''
}

/** Where the node at a path begins; of what is missing, where the node around it does. */
function offsetOf(root: unknown, path: Path): number {
  let node: unknown = root
  let offset = isNode(root) ? startOf(root) : 0
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => (isScalar(key) ? key.value : key) === part)
      if (!pair) return offset
      offset = isNode(pair.value) && isScalar(pair.value) ? startOf(pair.value) : startOf(pair.key as Node)
      node = pair.value
      continue
    }
    const next = (node as { items?: unknown[] } | undefined)?.items?.[part as number]
    if (!isNode(next)) return offset
    offset = startOf(next)
    node = next
  }
  return offset
}

const startOf = (node: Node): number => node.range?.[0] ?? 0

/** A name, or a schema and a name: each as it is, or in double quotes with what it likes. */
function readTable(text: string): { schema: string | undefined; table: string } | undefined {
  const part = '(?:"((?:[^"]|"")+)"|([^".]+))'
  const match = new RegExp(`^${part}(?:\\.${part})?$`).exec(text)
  if (!match) return undefined
  const [, quoted, bare, quotedTable, bareTable] = match
  const first = quoted?.replaceAll('""', '"') ?? bare ?? ''
  const second = quotedTable?.replaceAll('""', '"') ?? bareTable
  return second === undefined ? { schema: undefined, table: first } : { schema: first, table: second }
}

function columnsOf(
  mapping: z.output<typeof MappingSchema>,
): { column: string; path: Path; use: ColumnUse }[] {
  const found: { column: string; path: Path; use: ColumnUse }[] = []
  const add = (column: string, path: Path, use: ColumnUse = 'value') => found.push({ column, path, use })
  for (const [i, column] of mapping.key.entries()) add(column, ['key', i], 'key')
  if (mapping.high_water !== undefined) add(mapping.high_water, ['high_water'], 'key')
  const text = (from: TextFrom | undefined, path: Path) => {
    if (typeof from === 'object') add(from.column, [...path, 'column'])
  }
  const time = (from: TimeFrom | undefined, path: Path) => {
    if (from) add(from.column, [...path, 'column'], from.unit)
  }
  text(mapping.experiment, ['experiment'])
  const { run, model } = mapping
  text(run.name, ['run', 'name'])
  time(run.start, ['run', 'start'])
  time(run.end, ['run', 'end'])
  text(run.user, ['run', 'user'])
  text(run.artifacts, ['run', 'artifacts'])
  for (const list of ['params', 'metrics', 'tags'] as const) {
    for (const [i, from] of mapping[list].entries()) {
      if ('column' in from) add(from.column, [list, i, 'column'])
      else if ('object' in from) add(from.object, [list, i, 'object'])
    }
  }
  text(model?.name, ['model', 'name'])
  text(model?.version, ['model', 'version'])
  text(model?.source, ['model', 'source'])
  time(model?.created, ['model', 'created'])
  return found
}
