// Statements over executions of policies and their steps.
import { and, eq, inArray, ne, type SQL, sql } from 'drizzle-orm'
import { keepStored, takeAll, upsertRows } from '../../platform/database/bulk.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { SortKey } from '../../platform/search/keyset.ts'
import { findPage, type PageBounds } from '../../platform/search/page.store.ts'
import {
  type ExecutionRow,
  retentionExecutions as executions,
  retentionAudit,
  type StepRow,
  retentionSteps as steps,
} from './tables.ts'

/** Records an execution that begins. */
export async function insertExecution(engine: Engine, row: ExecutionRow): Promise<void> {
  await upsertRows(engine, executions, [row], { onConflict: keepStored(executions.state) })
}

/** The execution by primary key. */
export async function findExecution(engine: Engine, executionId: string): Promise<ExecutionRow | undefined> {
  const [row] = await engine.db.select().from(executions).where(eq(executions.executionId, executionId))
  return row
}

/** Changes columns of an execution. @returns its row afterwards */
export async function updateExecution(
  engine: Engine,
  executionId: string,
  changes: Partial<Omit<ExecutionRow, 'executionId'>>,
): Promise<ExecutionRow | undefined> {
  const [row] = await engine.db
    .update(executions)
    .set(changes)
    .where(eq(executions.executionId, executionId))
    .returning()
  return row
}

const EXECUTION_ORDER: SortKey[] = [
  { kind: 'int64', value: executions.startedAtMs, ascending: false, required: true },
  { kind: 'text', value: executions.executionId, ascending: false, required: true },
]

/** A page of executions, newest first. Passes the refresh gate. */
export const findExecutionPage = (
  engine: Engine,
  { policyId, state, ...page }: PageBounds & { policyId?: string | undefined; state?: string | undefined },
) =>
  findPage(engine, executions, {
    order: EXECUTION_ORDER,
    page,
    where: and(
      policyId === undefined ? undefined : eq(executions.policyId, policyId),
      state === undefined ? undefined : eq(executions.state, state),
    ),
  })

/** Writes a step, or what has become of it. */
export async function putStep(engine: Engine, row: StepRow): Promise<void> {
  await upsertRows(engine, steps, [row], { onConflict: takeAll(steps) })
}

const STEP_ORDER: SortKey[] = [{ kind: 'int64', value: steps.number, ascending: true, required: true }]

/** A page of the steps of an execution in their order. Passes the refresh gate. */
export const findStepPage = (engine: Engine, executionId: string, page: PageBounds) =>
  findPage(engine, steps, { order: STEP_ORDER, page, where: eq(steps.executionId, executionId) })

/** Steps of an execution that had begun when its server ended, and the number of the last step. Passes the refresh gate. */
export async function findLeftSteps(
  engine: Engine,
  executionId: string,
): Promise<{ left: StepRow[]; last: number }> {
  await engine.refresh(steps)
  const isOwn = eq(steps.executionId, executionId)
  const left = await engine.db
    .select()
    .from(steps)
    .where(and(isOwn, eq(steps.state, 'running')))
    .orderBy(steps.number)
  const rows = await engine.rows(sql`SELECT max(number) FROM ${steps} WHERE ${isOwn}`)
  return { left, last: Number(rows[0]?.[0] ?? 0) }
}

/** How many steps of an execution are done, and what went with these and with those that were broken off. Passes the refresh gate. */
export async function sumSteps(
  engine: Engine,
  executionId: string,
): Promise<Pick<ExecutionRow, 'stepsDone' | 'rowCount' | 'byteCount'>> {
  await engine.refresh(steps)
  const rows =
    await engine.rows(sql`SELECT sum(CASE WHEN state = 'done' THEN 1 ELSE 0 END), sum(row_count), sum(byte_count)
    FROM ${steps} WHERE ${and(eq(steps.executionId, executionId), ne(steps.state, 'running'))}`)
  const [stepsDone, rowCount, byteCount] = (rows[0] ?? []).map((value) => Number(value ?? 0))
  return { stepsDone: stepsDone ?? 0, rowCount: rowCount ?? 0, byteCount: byteCount ?? 0 }
}

/** Executions whose end lies before the time, some of them. Passes the refresh gate. */
async function findEnded(engine: Engine, untilMs: number, limit: number): Promise<string[]> {
  await engine.refresh(executions)
  const rows = await engine.db
    .select({ id: executions.executionId })
    .from(executions)
    .where(sql`ended_at_ms < ${untilMs}::bigint`)
    .limit(limit)
  return rows.map(({ id }) => id)
}

const EXECUTIONS_AT_ONCE = 100

/**
 * Deletes what happened before the time: entries of the audit, and executions that had ended, their steps first. Repeatable.
 * @returns how many rows went, piece by piece
 */
export async function* deleteHistory(engine: Engine, untilMs: number): AsyncGenerator<{ rows: number }> {
  const remove = async (statement: SQL) => ({ rows: (await engine.execute(statement)).rowCount })
  for (;;) {
    const ids = await findEnded(engine, untilMs, EXECUTIONS_AT_ONCE)
    if (ids.length === 0) break
    await engine.refresh(steps)
    yield await remove(sql`DELETE FROM ${steps} WHERE ${inArray(steps.executionId, ids)}`)
    yield await remove(sql`DELETE FROM ${executions} WHERE ${inArray(executions.executionId, ids)}`)
  }
  await engine.refresh(retentionAudit)
  yield await remove(sql`DELETE FROM ${retentionAudit} WHERE at_ms < ${untilMs}::bigint`)
}
