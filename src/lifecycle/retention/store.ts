// Statements over policies about old data, and over the audit, which is the log of their changes.
import { and, eq, sql } from 'drizzle-orm'
import { createInsert, keepStored, upsertRows } from '../../platform/database/bulk.ts'
import { changesIf } from '../../platform/database/columns.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { SortKey } from '../../platform/search/keyset.ts'
import { findPage, type PageBounds } from '../../platform/search/page.store.ts'
import { type AuditRow, type PolicyRow, retentionAudit, retentionPolicies } from './tables.ts'

/** The policy by primary key, deleted or not. */
export async function findPolicy(engine: Engine, policyId: string): Promise<PolicyRow | undefined> {
  const [row] = await engine.db
    .select()
    .from(retentionPolicies)
    .where(eq(retentionPolicies.policyId, policyId))
  return row
}

/** All policies that are not deleted, by name. Passes the refresh gate. */
export async function listPolicies(engine: Engine): Promise<PolicyRow[]> {
  await engine.refresh(retentionPolicies)
  const { isDeleted, name } = retentionPolicies
  return engine.db.select().from(retentionPolicies).where(eq(isDeleted, false)).orderBy(name)
}

/** Writes the policy where it is older than that version, or not there. Repeatable. */
export async function applyPolicy(engine: Engine, row: PolicyRow): Promise<void> {
  await upsertRows(engine, retentionPolicies, [row], { onConflict: keepStored(retentionPolicies.name) })
  const { policyId, ...changes } = row
  const isOlder = sql`version < ${row.version}::bigint`
  await engine.db
    .update(retentionPolicies)
    .set(changesIf(retentionPolicies, isOlder, changes))
    .where(eq(retentionPolicies.policyId, policyId))
}

/** Moves the time from which the schedule counts, if it is still the one that was seen. @returns whether it was */
export async function moveSchedule(
  engine: Engine,
  { policyId, scheduledFromMs: seen }: PolicyRow,
  next: number,
): Promise<boolean> {
  const isSeen = sql`scheduled_from_ms = ${seen}::bigint AND scheduled_from_ms < ${next}::bigint`
  const [row] = await engine.db
    .update(retentionPolicies)
    .set(changesIf(retentionPolicies, isSeen, { scheduledFromMs: next }))
    .where(eq(retentionPolicies.policyId, policyId))
    .returning({ now: retentionPolicies.scheduledFromMs })
  return row?.now === next
}

/** Adds an entry. @returns false when there is one of its id: somebody else has made it */
export async function insertAudit(engine: Engine, row: AuditRow): Promise<boolean> {
  return createInsert(engine, retentionAudit)([row])
}

/** Adds an entry, unless it is there. */
export async function keepAudit(engine: Engine, row: AuditRow): Promise<void> {
  await upsertRows(engine, retentionAudit, [row], { onConflict: keepStored(retentionAudit.kind) })
}

/** The entry by primary key. */
export async function findAudit(engine: Engine, auditId: string): Promise<AuditRow | undefined> {
  const [row] = await engine.db.select().from(retentionAudit).where(eq(retentionAudit.auditId, auditId))
  return row
}

const AUDIT_ORDER: SortKey[] = [
  { kind: 'int64', value: retentionAudit.atMs, ascending: false, required: true },
  { kind: 'text', value: retentionAudit.auditId, ascending: false, required: true },
]

/** A page of the audit, newest first. Passes the refresh gate. */
export const findAuditPage = (
  engine: Engine,
  { policyId, kind, ...page }: PageBounds & { policyId: string | undefined; kind: string | undefined },
) =>
  findPage(engine, retentionAudit, {
    order: AUDIT_ORDER,
    page,
    where: and(
      policyId === undefined ? undefined : eq(retentionAudit.policyId, policyId),
      kind === undefined ? undefined : eq(retentionAudit.kind, kind),
    ),
  })

/** How many entries of the audit were made before then. Passes the refresh gate. */
export async function countAudit(engine: Engine, untilMs: number): Promise<number> {
  await engine.refresh(retentionAudit)
  const rows = await engine.rows(sql`SELECT count(*) FROM ${retentionAudit} WHERE at_ms < ${untilMs}::bigint`)
  return Number(rows[0]?.[0] ?? 0)
}
