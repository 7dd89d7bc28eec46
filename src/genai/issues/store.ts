// Statements over issues.
import { and, desc, eq, sql } from 'drizzle-orm'
import { keepStored, upsertRows } from '../../platform/database/bulk.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { compare } from '../../platform/search/to-sql.ts'
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
  offset: number
  limit: number
}

const ATTRIBUTES = { status: issues.status, source_run_id: issues.sourceRunId }

/**
 * A page of the issues that meet all comparisons: the most severe first, then the newest. Passes the refresh gate.
 * @see mlflow/store/tracking/sqlalchemy_store.py search_issues
 */
export async function searchIssues(
  engine: Engine,
  { experimentId, filter, offset, limit }: IssueSearch,
): Promise<IssueRow[]> {
  await engine.refresh(issues)
  const severity = sql`CASE severity WHEN 'high' THEN 3 WHEN 'medium' THEN 2 WHEN 'low' THEN 1 WHEN 'not_an_issue' THEN 0 ELSE -1 END`
  return engine.db
    .select()
    .from(issues)
    .where(
      and(
        experimentId === undefined ? undefined : eq(issues.experimentId, experimentId),
        ...filter.map(({ key, ...predicate }) => compare(ATTRIBUTES[key], predicate, engine.dialect)),
      ),
    )
    .orderBy(desc(severity), desc(issues.createdTimestampMs), desc(issues.issueId))
    .limit(limit)
    .offset(offset)
}
