// Rules for records of evaluation datasets: what they are read from, how they are merged, how they are answered.

import { invalidParameter } from '../../errors.ts'
import { isJsonObject, type JsonObject, parseJsonAsSpelled } from '../../platform/wire/int64.ts'
import { checkNumberOfValues } from '../../platform/wire/json-size.ts'
import { isStorableText } from '../../platform/wire/message.ts'
import { MAX_OFFSET } from '../../platform/wire/page-token.ts'
import { isPythonTrue, pythonDumps, pythonList, pythonText } from '../../platform/wire/python.ts'
import { placeOf, recordIdOf } from './record.ids.ts'
import type { DatasetRecordRow } from './tables.ts'
import { readUser, USER_TAG } from './tags.ts'

const SOURCE_TYPES = ['UNSPECIFIED', 'TRACE', 'HUMAN', 'DOCUMENT', 'CODE']

/** A record that is to be merged into a dataset. Parts are JSON as Python writes it; null for an absent one. */
export interface RecordInput {
  recordId: string
  inputs: string
  /** Undefined where the record does not name them, which keeps those of a stored one. */
  outputs: string | null | undefined
  expectations: string | null
  tags: string | null
  source: string | null
  /** Undefined where no tag names one. */
  user: string | null | undefined
}

/** A record's text, read; numbers as they are spelled, since Python tells 1.0 from 1. */
export type ReadRecord = JsonObject

/** @throws INVALID_PARAMETER_VALUE for what is no JSON object */
export function parseRecord(json: string): ReadRecord {
  checkNumberOfValues(json, 'A record')
  let record: unknown
  try {
    record = parseJsonAsSpelled(json)
  } catch {
    throw invalidParameter("Parameter 'records' is not valid JSON.")
  }
  if (isJsonObject(record)) return record
  throw invalidParameter('Each record must be a dictionary')
}

/**
 * What a record says. Where stock fails on a part of another type than it expects, the part is refused.
 * @throws INVALID_PARAMETER_VALUE
 * @see mlflow/store/tracking/sqlalchemy_store.py upsert_dataset_records
 */
export function readRecord(datasetId: string, record: ReadRecord): RecordInput {
  const inputs = record.inputs === undefined ? {} : record.inputs
  if (!isJsonObject(inputs)) throw notAnObject('inputs')
  const tags = readObject(record, 'tags')
  const expectations = readObject(record, 'expectations')
  return {
    recordId: recordIdOf(datasetId, inputs),
    inputs: pythonDumps(inputs),
    outputs:
      record.outputs === undefined || record.outputs === null ? record.outputs : pythonDumps(record.outputs),
    expectations: expectations && pythonDumps(expectations),
    tags: tags && pythonDumps(tags),
    source: readSource(record.source),
    user: tags && Object.hasOwn(tags, USER_TAG) ? readUser(tags[USER_TAG]) : undefined,
  }
}

const notAnObject = (part: string) => invalidParameter(`The '${part}' of a record must be a dictionary`)

function readObject(record: ReadRecord, part: 'tags' | 'expectations'): JsonObject | null {
  const value = record[part] ?? null
  if (value === null || isJsonObject(value)) return value
  throw notAnObject(part)
}

/** @see mlflow/entities/dataset_record_source.py DatasetRecordSource */
function readSource(source: unknown): string | null {
  if (!isPythonTrue(source)) return null
  if (!isJsonObject(source)) throw notAnObject('source')
  const { source_type: type, source_data: data = null, ...rest } = source
  if (typeof type !== 'string' || Object.keys(rest).length > 0) {
    throw invalidParameter("The 'source' of a record has a source_type, which is text, and source_data alone")
  }
  const sourceType = type.toUpperCase()
  if (!SOURCE_TYPES.includes(sourceType)) {
    throw invalidParameter(
      `Invalid dataset record source type: ${sourceType}. Valid source types: ${pythonList(SOURCE_TYPES)}`,
    )
  }
  if (data !== null && !isJsonObject(data)) throw notAnObject('source_data')
  return pythonDumps({ source_type: sourceType, source_data: data ?? {} })
}

/** The row that the inputs make one after the other, all of the same id, of the stored one or of none. */
export function mergeRecord(
  stored: DatasetRecordRow | undefined,
  inputs: readonly RecordInput[],
  change: { datasetId: string; nowMs: number; writeId: string },
): DatasetRecordRow {
  const [first] = inputs as [RecordInput]
  const row = stored ?? newRecord(first, change)
  const merged = stored ? inputs : inputs.slice(1)
  const last = <Key extends 'outputs' | 'user'>(key: Key) =>
    merged.findLast((input) => input[key] !== undefined)?.[key]
  const [outputs, user] = [last('outputs'), last('user')]
  return {
    ...row,
    outputs: outputs === undefined ? row.outputs : outputs,
    expectations: mergeJson([row.expectations, ...merged.map(({ expectations }) => expectations)]),
    tags: mergeJson([row.tags, ...merged.map(({ tags }) => tags)]) ?? '{}',
    lastUpdateTimeMs: change.nowMs,
    lastUpdatedBy: user === undefined ? row.lastUpdatedBy : user,
    revision: row.revision + 1,
    writeId: change.writeId,
  }
}

const newRecord = (
  input: RecordInput,
  { datasetId, nowMs }: { datasetId: string; nowMs: number },
): DatasetRecordRow => ({
  datasetId,
  datasetRecordId: input.recordId,
  place: placeOf(nowMs, input.recordId),
  inputs: input.inputs,
  outputs: input.outputs === undefined ? '{}' : input.outputs,
  expectations: input.expectations,
  tags: input.tags ?? '{}',
  source: input.source,
  createdTimeMs: nowMs,
  lastUpdateTimeMs: nowMs,
  createdBy: input.user ?? null,
  lastUpdatedBy: input.user ?? null,
  revision: 0,
  writeId: '',
})

/** The fields of all objects, those of later ones where several have them. */
function mergeJson([first = null, ...others]: readonly (string | null)[]): string | null {
  const changes = others.filter((json) => json !== null && json !== '{}')
  if (changes.length === 0) return first
  const fields = new Map(Object.entries(readStored(first ?? '{}')))
  for (const json of changes) {
    for (const [key, value] of Object.entries(readStored(json ?? '{}'))) fields.set(key, value)
  }
  return pythonDumps(Object.fromEntries(fields))
}

const readStored = (json: string) => parseJsonAsSpelled(json) as JsonObject

/**
 * A record as JSON text, in the way Python writes it.
 * @see mlflow/entities/dataset_record.py DatasetRecord.to_dict
 */
export function recordToJson(row: DatasetRecordRow): string {
  const fields: [name: string, json: string | null][] = [
    ['dataset_record_id', pythonDumps(row.datasetRecordId)],
    ['dataset_id', pythonDumps(row.datasetId)],
    ['inputs', row.inputs],
    ['expectations', row.expectations],
    ['tags', row.tags],
    ['source', row.source],
    ...sourceFields(row.source),
    ['created_time', String(row.createdTimeMs)],
    ['last_update_time', String(row.lastUpdateTimeMs)],
    ['created_by', row.createdBy === null ? null : pythonDumps(row.createdBy)],
    ['last_updated_by', row.lastUpdatedBy === null ? null : pythonDumps(row.lastUpdatedBy)],
    ['outputs', row.outputs],
  ]
  const present = fields.filter(([, json]) => json !== null)
  return `{${present.map(([name, json]) => `"${name}": ${json}`).join(', ')}}`
}

function sourceFields(source: string | null): [name: string, json: string | null][] {
  if (source === null) return []
  const { source_type: type, source_data: data } = readStored(source) as {
    source_type: string
    source_data: JsonObject
  }
  const id = data[type === 'TRACE' ? 'trace_id' : 'source_id'] ?? null
  return [
    ['source_id', id === null ? null : pythonDumps(pythonText(id))],
    ['source_type', pythonDumps(type)],
  ]
}

/** Where a page of records starts: behind a place, or after so many records. */
export interface RecordsStart {
  after: string | undefined
  offset: number
}

export const encodePlace = (place: string): string => Buffer.from(place).toString('base64')

/**
 * A page token is a place; a plain number, as old clients of stock send it, counts records.
 * @throws INVALID_PARAMETER_VALUE
 * @see mlflow/store/tracking/sqlalchemy_store.py _load_dataset_records
 */
export function readPlace(token: string | undefined): RecordsStart {
  if (!token) return { after: undefined, offset: 0 }
  const [, time, recordId] = /^(\d{1,15}):(.*)$/s.exec(Buffer.from(token, 'base64').toString()) ?? []
  if (time && recordId !== undefined && isStorableText(recordId)) {
    return { after: placeOf(time, recordId), offset: 0 }
  }
  if (/^\d{1,15}$/.test(token)) return { after: undefined, offset: Math.min(Number(token), MAX_OFFSET) }
  throw invalidParameter(`Invalid page token: ${token}`)
}
