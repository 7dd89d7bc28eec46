// The audit: who changed which policy, and what executions did.
import { invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import { pageOf } from '../../platform/wire/page-token.ts'
import { idOf, pageSize } from './policies.service.ts'
import { AUDIT_KINDS, type AuditEntry } from './schema.ts'
import { findAuditPage } from './store.ts'
import type { AuditRow } from './tables.ts'

export function createAuditService(engine: Engine) {
  /** Newest first. @throws INVALID_PARAMETER_VALUE */
  async function list(input: {
    policy_id?: string | undefined
    kind?: string | undefined
    max_results?: Int64 | undefined
    page_token?: string | undefined
  }): Promise<{ entries: AuditEntry[]; next_page_token?: string }> {
    const { kind } = input
    if (kind && !AUDIT_KINDS.some((known) => known === kind))
      throw invalidParameter(
        `Invalid value '${kind.slice(0, 100)}' for parameter 'kind': use ${AUDIT_KINDS.join(', ')}.`,
      )
    const size = pageSize(input.max_results)
    const page = pageOf(input.page_token, 'retention audit', size)
    const found = await findAuditPage(engine, {
      policyId: input.policy_id ? idOf(input.policy_id) : undefined,
      kind: kind || undefined,
      ...page.bounds,
    })
    const { rows, nextPageToken } = page.cut(found)
    return {
      entries: rows.map(entryToWire),
      ...(nextPageToken && { next_page_token: nextPageToken }),
    }
  }

  return { list }
}

const entryToWire = (row: AuditRow): AuditEntry => ({
  audit_id: row.auditId,
  timestamp: row.atMs,
  kind: row.kind as AuditEntry['kind'],
  policy_id: row.policyId,
  policy_name: row.policyName,
  ...(row.userId !== null && { user_id: row.userId }),
  ...(row.before !== null && { before: JSON.parse(row.before) }),
  ...(row.after !== null && { after: JSON.parse(row.after) }),
  ...(row.execution !== null && { execution: JSON.parse(row.execution) }),
})
