// MLflow's rules for the assessments of traces.
import { alreadyExists, doesNotExist, invalidParameter, type MlflowError } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import type { Parsed } from '../../platform/wire/message.ts'
import {
  checkName,
  metadataColumns,
  metadataOf,
  oneToWire,
  readExpectation,
  readFeedback,
  toRow,
} from './rows.schema.ts'
import type { AssessmentInput, AssessmentOut, UpdateAssessment } from './schema.ts'
import * as store from './store.ts'
import type { AssessmentRow } from './tables.ts'

export interface AssessmentServiceDeps {
  engine: Engine
  clock: Clock
  /** @throws RESOURCE_DOES_NOT_EXIST with the text, when it is given */
  requireTrace: (traceId: string, text?: string) => Promise<{ traceId: string; experimentId: string }>
}

export type AssessmentService = ReturnType<typeof createAssessmentService>

export function createAssessmentService({ engine, clock, requireTrace }: AssessmentServiceDeps) {
  /** @see SqlAlchemyStore._get_sql_assessment */
  async function require(traceId: string, assessmentId: string): Promise<AssessmentRow> {
    const row = await store.findAssessment(engine, traceId, assessmentId)
    if (row) return row
    await requireTrace(traceId, `Trace with request_id '${traceId}' not found`)
    throw notFound(traceId, assessmentId)
  }

  const answer = async (row: AssessmentRow): Promise<AssessmentOut> =>
    oneToWire(row, !(await store.isOverridden(engine, row.traceId, row.assessmentId)))

  /**
   * Adds an assessment to a trace. The one that it overrides is not valid any more, which is done by this one row.
   * @throws INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST without the trace or what is overridden,
   * RESOURCE_ALREADY_EXISTS for an id that the client gives and the trace has
   * @see SqlAlchemyStore.create_assessment
   */
  async function create(traceId: string, input: AssessmentInput): Promise<AssessmentOut> {
    const nowMs = clock.now()
    const row = toRow(input, { traceId, experimentId: '0' }, { nowMs })
    const { experimentId } = await requireTrace(traceId)
    if (row.overrides !== null && !(await store.findAssessment(engine, traceId, row.overrides))) {
      throw notFound(traceId, row.overrides)
    }
    const isNew = await store.insertAssessment(engine, { ...row, experimentId })
    // CrateDB repeats an insert whose node dies: an id of ours is then there already.
    if (isNew || !input.assessment_id) return oneToWire(row, true)
    throw alreadyExists(`Assessment with ID '${row.assessmentId}' already exists for trace '${traceId}'`)
  }

  /** @throws RESOURCE_DOES_NOT_EXIST */
  async function get(traceId: string, assessmentId: string): Promise<AssessmentOut> {
    return answer(await require(traceId, assessmentId))
  }

  /**
   * Changes what the mask names, all at once; metadata is added to what is there. Of changes that begin at the same time each
   * is made to the one before.
   * @throws INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST
   * @see mlflow/server/handlers.py _update_assessment, SqlAlchemyStore.update_assessment
   */
  async function update(input: Parsed<typeof UpdateAssessment>): Promise<AssessmentOut> {
    const { trace_id: traceId, assessment_id: assessmentId, assessment } = input
    const mask = new Set(input.update_mask)
    if (mask.has('valid')) throw invalidParameter("'valid' follows from 'overrides' and cannot be updated.")
    const value = readValue(assessment, mask)
    for (;;) {
      const row = await require(traceId, assessmentId)
      checkKind(row, mask)
      const isMerged = mask.has('metadata') && assessment.metadata !== undefined
      const updated = await store.updateAssessment(engine, row, {
        ...value,
        ...(mask.has('assessment_name') && { name: checkName(assessment.assessment_name) }),
        ...(mask.has('rationale') && row.type === 'feedback' && { rationale: assessment.rationale ?? '' }),
        ...(isMerged && metadataColumns({ ...metadataOf(row), ...assessment.metadata })),
        lastUpdatedTimestampMs: clock.now(),
      })
      if (updated === 'missing') throw notFound(traceId, assessmentId)
      if (updated) return answer(updated)
    }
  }

  return {
    create,
    get,
    update,
    /** Deletes an assessment; one that is not there is no error. What it overrode is valid again. */
    delete: (traceId: string, assessmentId: string) => store.deleteAssessment(engine, traceId, assessmentId),
  }
}

const notFound = (traceId: string, assessmentId: string): MlflowError =>
  doesNotExist(`Assessment with ID '${assessmentId}' not found for trace '${traceId}'`)

/** The columns of a value that the mask names. */
function readValue(assessment: AssessmentInput, mask: ReadonlySet<string>): store.AssessmentChanges {
  return {
    ...(mask.has('expectation') && readExpectation(assessment)),
    ...(mask.has('feedback') && readFeedback(assessment)),
  }
}

function checkKind({ type }: AssessmentRow, mask: ReadonlySet<string>): void {
  if (mask.has('expectation') && mask.has('feedback')) {
    throw invalidParameter('Cannot specify both `expectation` and `feedback` parameters.')
  }
  if (mask.has('expectation') && type !== 'expectation') {
    throw invalidParameter('Cannot update expectation value on a Feedback assessment.')
  }
  if (mask.has('feedback') && type !== 'feedback') {
    throw invalidParameter('Cannot update feedback value on an Expectation assessment.')
  }
  // Stock fails: it takes every reference for a feedback.
  if (type === 'issue') throw invalidParameter('Cannot update a reference to an issue.')
}
