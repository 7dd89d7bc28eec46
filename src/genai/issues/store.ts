// Statements over issues.
import { and, countDistinct, desc, eq, getTableColumns, sql } from 'drizzle-orm'
import { keepStored, upsertRows } from '../../platform/database/bulk.ts'
import { equalsAny } from '../../platform/database/columns.ts'
import { deleteOwned } from '../../platform/database/deletion.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { compare } from '../../platform/search/to-sql.ts'
import { assessments } from '../assessments/tables.ts'
import type { IssueComparison } from './search.ts'
import { type IssueRow, issues } from './tables.ts'

/** Inserts an issue under an id of its own. @throws TEMPORARILY_UNAVAILABLE when the row did not land */
export async function insertIssue(engine: Engine, row: IssueRow): Promise<void> {
  await upsertRows(engine, issues, [row], { onConflict: keepStored(issues.name) })
}

/** The issue by primary key. */
export async function findIssue(engine: Engine, issueId: string): Promise<IssueRow | undefined> {
  const [row] = await engine.db.select().from(issues).where(eq(issues.issueId, issueId))
  return row
}

/** Changes columns of an issue. @returns its row afterwards, undefined when there is none */
export async function updateIssue(
  engine: Engine,
  issueId: string,
  changes: Partial<Omit<IssueRow, 'issueId'>>,
): Promise<IssueRow | undefined> {
  const [row] = await engine.db.update(issues).set(changes).where(eq(issues.issueId, issueId)).returning()
  return row
}

export interface IssueSearch {
  /** Absent: issues of all experiments. */
  experimentId: string | undefined
  filter: IssueComparison[]
  /** Whether traces are counted, and sorted by. */
  countsTraces: boolean
  offset: number
  limit: number
}

const ATTRIBUTES = { status: issues.status, source_run_id: issues.sourceRunId }

export type FoundIssue = IssueRow & {
  /** Traces that refer to it. */
  traceCount: number | undefined
}

/**
 * A page of the issues that meet all comparisons: the most severe first, then that of most traces if they are counted, then the
 * newest. Passes the refresh gate.
 * @see mlflow/store/tracking/sqlalchemy_store.py search_issues
 */
export async function searchIssues(engine: Engine, search: IssueSearch): Promise<FoundIssue[]> {
  const { experimentId, filter, countsTraces } = search
  await engine.refresh(issues, ...(countsTraces ? [assessments] : []))
  const severity = sql`CASE severity WHEN 'high' THEN 3 WHEN 'medium' THEN 2 WHEN 'low' THEN 1 WHEN 'not_an_issue' THEN 0 ELSE -1 END`
  const counted = engine.db
    .select({ name: assessments.name, traces: countDistinct(assessments.traceId).as('traces') })
    .from(assessments)
    .where(eq(assessments.type, 'issue'))
    .groupBy(assessments.name)
    .as('counted')
  const traceCount = sql`coalesce(${counted.traces}, 0)`
  const query = engine.db
    .select({ ...getTableColumns(issues), ...(countsTraces && { traceCount: traceCount.as('trace_count') }) })
    .from(issues)
    .$dynamic()
  const rows = await (countsTraces ? query.leftJoin(counted, eq(counted.name, issues.issueId)) : query)
    .where(
      and(
        experimentId === undefined ? undefined : eq(issues.experimentId, experimentId),
        ...filter.map(({ key, ...predicate }) => compare(ATTRIBUTES[key], predicate, engine.dialect)),
      ),
    )
    .orderBy(
      desc(severity),
      ...(countsTraces ? [desc(traceCount)] : []),
      desc(issues.createdTimestampMs),
      desc(issues.issueId),
    )
    .limit(search.limit)
    .offset(search.offset)
  return rows.map((row) => ({ ...row, traceCount: countsTraces ? Number(row.traceCount) : undefined }))
}

/** Takes runs that are deleted for good from the issues that were found by them. Passes the refresh gate. */
export async function forgetSourceRuns(engine: Engine, runIds: readonly string[]): Promise<void> {
  await engine.refresh(issues)
  await engine.db.update(issues).set({ sourceRunId: null }).where(equalsAny(issues.sourceRunId, runIds))
}

/** Deletes all issues of an experiment. Repeatable. @returns how many rows went */
export const removeIssuesOf = (engine: Engine, experimentId: string): Promise<number> =>
  deleteOwned(engine, [{ table: issues, of: issues.experimentId }], [experimentId])
