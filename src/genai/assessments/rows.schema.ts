// Messages of assessments as rows of the table, and rows as answers.

import { randomUUID } from 'node:crypto'
import { invalidParameter } from '../../errors.ts'
import { hashOf } from '../../platform/wire/ids.ts'
import { parseJsonAsSpelled, SpelledNumber } from '../../platform/wire/int64.ts'
import { checkNumberOfValues } from '../../platform/wire/json-size.ts'
import { wrongParameter } from '../../platform/wire/message.ts'
import { checkLength, truncate } from '../../platform/wire/names.ts'
import { pythonDumps } from '../../platform/wire/python.ts'
import { timestampJson } from '../../platform/wire/times.ts'
import type { AssessmentInput, AssessmentOut } from './schema.ts'
import type { AssessmentRow } from './tables.ts'

/** Widths of stock's columns, in characters. */
const MAX_NAME_LENGTH = 250
const MAX_ID_LENGTH = 50
const MAX_RUN_ID_LENGTH = 32
/** Characters of a value that is searched by an index; CrateDB's holds 32,766 bytes. */
const MAX_INDEXED_VALUE = 8000
/** Places within a millisecond. */
const PLACES = 1000
const MAX_STACK_TRACE = 10_000
const CUT_STACK_TRACE = '[Stack trace is truncated]\n...\n'
const JSON_FORMAT = 'JSON_FORMAT'
/** Key of the metadata that names the run which made the assessment, and of the one that makes it hold for a session. */
const SOURCE_RUN = 'mlflow.assessment.sourceRunId'
export const SESSION = 'mlflow.trace.session'

type Value = Pick<AssessmentRow, 'value' | 'longValue' | 'aggregateValue' | 'isNumeric'>
export type Type = 'feedback' | 'expectation' | 'issue'

/**
 * The row of a new assessment: valid, with the times that the client gives or the present one, and an id of its own unless the
 * client gives one. Fields that stock drops are dropped: the rationale of an expectation, what an expectation or a reference overrides.
 * @param place where it stands in the list that came with its trace; ids then follow from what was sent, so that a client that
 * sends the list once more adds nothing. Absent: it came alone.
 * @throws INVALID_PARAMETER_VALUE
 * @see mlflow/entities/assessment.py from_proto, mlflow/store/tracking/dbmodels/models.py SqlAssessments.from_mlflow_entity
 */
export function toRow(
  input: AssessmentInput,
  trace: Pick<AssessmentRow, 'traceId' | 'experimentId'>,
  { nowMs, place }: { nowMs: number; place?: number },
): AssessmentRow {
  const type = typeOf(input)
  const metadata = input.metadata ?? {}
  const runId = metadata[SOURCE_RUN]
  return {
    ...trace,
    assessmentId:
      checkLength('assessment_id', MAX_ID_LENGTH, input.assessment_id ?? '') ||
      newId(place === undefined ? undefined : [trace.traceId, place, input]),
    name: checkName(input.assessment_name),
    type,
    ...(type === 'issue'
      ? readIssue(input)
      : type === 'feedback'
        ? readFeedback(input)
        : readExpectation(input)),
    sourceType: input.source?.source_type ?? 'SOURCE_TYPE_UNSPECIFIED',
    sourceId: checkLength('source_id', MAX_NAME_LENGTH, input.source?.source_id ?? '') || null,
    runId: runId === undefined ? null : checkLength(SOURCE_RUN, MAX_RUN_ID_LENGTH, runId),
    spanId: checkLength('span_id', MAX_ID_LENGTH, input.span_id ?? '') || null,
    rationale: (type !== 'expectation' && input.rationale) || null,
    overrides:
      (type === 'feedback' && checkLength('overrides', MAX_ID_LENGTH, input.overrides ?? '')) || null,
    ...metadataColumns(metadata),
    createdTimestampMs: input.create_time || nowMs,
    lastUpdatedTimestampMs: input.last_update_time || nowMs,
    place: nowMs * PLACES + Math.min(place ?? 0, PLACES - 1),
    revision: 0,
  }
}

const newId = (of: unknown) =>
  `a-${of === undefined ? randomUUID().replaceAll('-', '') : hashOf(JSON.stringify(of))}`

/** @throws INVALID_PARAMETER_VALUE */
export const checkName = (name = ''): string => checkLength('assessment_name', MAX_NAME_LENGTH, name)

export const metadataColumns = (
  metadata: Record<string, string>,
): Pick<AssessmentRow, 'metadata' | 'ofSession'> => ({
  metadata: Object.keys(metadata).length > 0 ? pythonDumps(metadata) : null,
  ofSession: Object.hasOwn(metadata, SESSION),
})

/** The metadata of a row. */
export const metadataOf = ({ metadata }: Pick<AssessmentRow, 'metadata'>): Record<string, string> =>
  metadata === null ? {} : JSON.parse(metadata)

function typeOf(input: AssessmentInput): Type {
  const [type, ...others] = (['feedback', 'expectation', 'issue'] as const).filter((one) => input[one])
  if (others.length > 0) throw wrongParameter('assessment', input)
  if (type) return type
  throw invalidParameter('Unknown assessment type: None')
}

const readIssue = ({ issue }: AssessmentInput) => ({
  ...valueColumns(pythonDumps({ issue_name: issue?.issue_name ?? '' })),
  error: null,
})

/** Value and error of a feedback, of an absent one too. */
export function readFeedback({ feedback }: AssessmentInput): Value & Pick<AssessmentRow, 'error'> {
  const error = feedback?.error
  return {
    ...valueColumns(feedback?.value ?? 'null'),
    error: error
      ? pythonDumps({
          error_code: error.error_code ?? '',
          error_message: error.error_message || null,
          stack_trace: error.stack_trace || null,
        })
      : null,
  }
}

/** @throws INVALID_PARAMETER_VALUE without a value, or with one that is no JSON */
export function readExpectation({ expectation }: AssessmentInput): Value & Pick<AssessmentRow, 'error'> {
  const serialized = expectation?.serialized_value
  if (serialized && serialized.serialization_format !== JSON_FORMAT) {
    throw invalidParameter(
      `Unknown serialization format: ${serialized.serialization_format ?? ''}. Only JSON_FORMAT is supported.`,
    )
  }
  const value = serialized ? readSerialized(serialized.value ?? '') : (expectation?.value ?? 'null')
  if (value === 'null') throw invalidParameter('The `value` field must be specified.')
  return { ...valueColumns(value), error: null }
}

/** The JSON as Python writes it. Stock fails on what is no JSON, and on a number that is no finite float. */
function readSerialized(json: string): string {
  checkNumberOfValues(json, 'The serialized value')
  try {
    const value = parseJsonAsSpelled(json)
    if (!(value instanceof SpelledNumber) || Number.isFinite(Number(value.text))) return pythonDumps(value)
  } catch {
    // It is no JSON, or nested deeper than can be read.
  }
  throw invalidParameter('The serialized value of an expectation must be JSON.')
}

/** Whether the column `value` holds the JSON; otherwise `longValue` does. */
export const isIndexed = (json: string): boolean => json.length <= MAX_INDEXED_VALUE

export const valueColumns = (json: string): Value => ({
  value: isIndexed(json) ? json : null,
  longValue: isIndexed(json) ? null : json,
  ...aggregateOf(json),
})

/** @see mlflow/store/tracking/utils/trace_analytics.py assessment_aggregate */
function aggregateOf(json: string): Pick<Value, 'aggregateValue' | 'isNumeric'> {
  const plain = (aggregateValue: number | null) => ({ aggregateValue, isNumeric: false })
  if (/^[-\d]/.test(json)) return { aggregateValue: Number(json), isNumeric: true }
  const word = json.startsWith('"') ? (JSON.parse(json) as string).trim().toLowerCase() : json
  if (json === 'true' || (json !== word && word === 'yes')) return plain(1)
  if (json === 'false' || (json !== word && word === 'no')) return plain(0)
  return plain(null)
}

/** The assessments of one trace as answers: the oldest first. One that another of them overrides is not valid. */
export function toWire(rows: readonly AssessmentRow[]): AssessmentOut[] {
  const overridden = new Set(rows.map(({ overrides }) => overrides))
  return [...rows].sort(byAge).map((row) => oneToWire(row, !overridden.has(row.assessmentId)))
}

const byAge = (a: AssessmentRow, b: AssessmentRow) =>
  a.createdTimestampMs - b.createdTimestampMs ||
  a.place - b.place ||
  (a.assessmentId < b.assessmentId ? -1 : 1)

/** @see mlflow/entities/assessment.py to_proto */
export function oneToWire(row: AssessmentRow, valid: boolean): AssessmentOut {
  return {
    assessment_id: row.assessmentId,
    assessment_name: row.name,
    trace_id: row.traceId,
    ...(row.spanId !== null && { span_id: row.spanId }),
    source: {
      source_type: row.sourceType as AssessmentOut['source']['source_type'],
      ...(row.sourceId !== null && { source_id: row.sourceId }),
    },
    create_time: timestampJson(row.createdTimestampMs),
    last_update_time: timestampJson(row.lastUpdatedTimestampMs),
    ...valueToWire(row),
    ...(row.rationale !== null && { rationale: row.rationale }),
    ...(row.metadata !== null && { metadata: metadataOf(row) }),
    ...(row.overrides !== null && { overrides: row.overrides }),
    valid,
  }
}

function valueToWire(row: AssessmentRow): Pick<AssessmentOut, Type> {
  const json = row.value ?? row.longValue ?? 'null'
  if (row.type === 'feedback') {
    return {
      feedback: { value: JSON.parse(json), ...(row.error !== null && { error: errorToWire(row.error) }) },
    }
  }
  if (row.type === 'issue') return { issue: JSON.parse(json) }
  if (!/^[[{]/.test(json)) return { expectation: { value: JSON.parse(json) } }
  return { expectation: { serialized_value: { serialization_format: JSON_FORMAT, value: json } } }
}

/** @see mlflow/entities/assessment_error.py to_proto */
function errorToWire(json: string) {
  const { error_code, error_message, stack_trace } = JSON.parse(json) as Record<string, string | null>
  return {
    error_code: error_code ?? '',
    ...(error_message !== null && { error_message }),
    ...(stack_trace !== null && { stack_trace: cutStackTrace(stack_trace ?? '') }),
  }
}

function cutStackTrace(text: string): string {
  if (truncate(text, MAX_STACK_TRACE) === text) return text
  const rest = MAX_STACK_TRACE - CUT_STACK_TRACE.length
  return CUT_STACK_TRACE + [...text.slice(-2 * rest)].slice(-rest).join('')
}
