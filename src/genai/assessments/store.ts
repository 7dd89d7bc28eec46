// Statements over assessments.
import { and, eq, sql } from 'drizzle-orm'
import { changesIf } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { type AssessmentRow, assessments as table } from './tables.ts'

const isOne = (traceId: string, assessmentId: string) =>
  and(eq(table.traceId, traceId), eq(table.assessmentId, assessmentId))

/** An assessment by primary key: sees every acknowledged write. */
export async function findAssessment(
  engine: Engine,
  traceId: string,
  assessmentId: string,
): Promise<AssessmentRow | undefined> {
  const [row] = await engine.db.select().from(table).where(isOne(traceId, assessmentId))
  return row
}

/** Whether another assessment of the trace overrides it. Passes the refresh gate. */
export async function isOverridden(engine: Engine, traceId: string, assessmentId: string): Promise<boolean> {
  await engine.refresh(table)
  const found = await engine.db
    .select({ assessmentId: table.assessmentId })
    .from(table)
    .where(and(eq(table.traceId, traceId), eq(table.overrides, assessmentId)))
    .limit(1)
  return found.length > 0
}

/** @returns whether the row was inserted: false when the trace has one of this id */
export async function insertAssessment(engine: Engine, row: AssessmentRow): Promise<boolean> {
  const inserted = await engine.db
    .insert(table)
    .values(row)
    .onConflictDoNothing()
    .returning({ assessmentId: table.assessmentId })
  return inserted.length === 1
}

export type AssessmentChanges = Partial<
  Pick<
    AssessmentRow,
    | 'name'
    | 'value'
    | 'longValue'
    | 'aggregateValue'
    | 'isNumeric'
    | 'error'
    | 'rationale'
    | 'metadata'
    | 'ofSession'
    | 'lastUpdatedTimestampMs'
  >
>

/**
 * Changes the row while its revision is still that of the given one, and raises it.
 * @returns the row afterwards; 'missing' when there is none, undefined when another change was faster
 */
export async function updateAssessment(
  engine: Engine,
  { traceId, assessmentId, revision }: AssessmentRow,
  changes: AssessmentChanges,
): Promise<AssessmentRow | 'missing' | undefined> {
  const wanted = { ...changes, revision: revision + 1 }
  const [row] = await engine.db
    .update(table)
    .set(changesIf(table, sql`revision = ${revision}`, wanted))
    .where(isOne(traceId, assessmentId))
    .returning()
  if (!row) return 'missing'
  // Two equal changes at once leave the same row, so all that was to change counts.
  const isDone = Object.entries(wanted).every(([key, value]) => row[key as keyof AssessmentRow] === value)
  return isDone ? row : undefined
}

/** Deletes an assessment if there is one; what it overrode is valid again. */
export async function deleteAssessment(engine: Engine, traceId: string, assessmentId: string): Promise<void> {
  await engine.execute(sql`DELETE FROM ${table} WHERE ${isOne(traceId, assessmentId)}`)
}
