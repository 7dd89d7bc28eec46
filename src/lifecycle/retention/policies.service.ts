// Policies: made, changed, deleted, listed. The audit is the log of their changes, written ahead of them.
//
// An entry of the audit has the policy and its new version for an id, so one of several who change it at once makes that version. The
// policy's row follows. After a crash in between, the next change takes over what the log says before it makes its own.
import { alreadyExists, doesNotExist, invalidParameter, MlflowError, unavailable } from '../../errors.ts'
import type { Events } from '../../events.ts'
import { type Access, type Asker, isLocal } from '../../platform/wire/asker.ts'
import { parseDuration } from '../../platform/wire/durations.ts'
import { type Clock, hashOf } from '../../platform/wire/ids.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import { offsetPage } from '../../platform/wire/page-token.ts'
import { changed, checkDefinition, definitionOf, type PolicyRules, readCategory } from './policy.ts'
import type { Policy, PolicyChanges, PolicyDefinition, PolicyInput, SelectionInput } from './schema.ts'
import * as store from './store.ts'
import type { AuditRow, PolicyRow } from './tables.ts'
import { parseTarget, spellTarget } from './target.ts'

export interface PolicyServiceDeps extends PolicyRules {
  clock: Clock
  events: Pick<Events, 'raise'>
  /** Who may make and change policies about tables. */
  tableAccess: Access
  dueAfter: (schedule: PolicyDefinition, policyId: string, fromMs: number) => number | undefined
}

export type PolicyService = ReturnType<typeof createPolicyService>

/** Who asks. */
interface By {
  userId: string | null
  asker: Asker
}

/** A policy that is there, with what it says. */
export interface KnownPolicy {
  row: PolicyRow
  policy: PolicyDefinition
}

const DEFAULT_RESULTS = 100
const MAX_RESULTS = 1000
/** Changes of one policy at once that are waited for. */
const MOST_ATTEMPTS = 20
const REQUIRED = ['name', 'target', 'strategy'] as const

export const policyIdOf = (name: string): string => `p-${hashOf(name, 16)}`

const known = (row: PolicyRow): KnownPolicy => ({
  row,
  policy: JSON.parse(row.definition) as PolicyDefinition,
})

export function createPolicyService(deps: PolicyServiceDeps) {
  const { engine, clock, events, dueAfter } = deps

  /** @throws RESOURCE_ALREADY_EXISTS, INVALID_PARAMETER_VALUE */
  async function create(input: PolicyInput, { userId, asker }: By): Promise<Policy> {
    const after = await read(input, asker)
    return change(policyIdOf(after.name), userId, (before) => {
      // The same once more, since its answer was lost.
      if (before && !isSame(before, after))
        throw alreadyExists(`Retention policy '${after.name}' already exists.`)
      return after
    })
  }

  /** What a request says, checked. @throws INVALID_PARAMETER_VALUE, PERMISSION_DENIED */
  async function read(input: PolicyInput, asker: Asker): Promise<PolicyDefinition> {
    // Of a message in another one nothing is required by its shape alone.
    const missing = REQUIRED.find((field) => input[field] === undefined)
    if (missing) throw invalidParameter(`Missing value for required parameter '${missing}'.`)
    checkAsker(input.target, asker)
    const category = input.category ? readCategory(input.category) : await categoryOf(input)
    const definition = definitionOf(input, category)
    checkDefinition(definition, deps)
    if (isId(definition.name))
      throw invalidParameter(
        `Invalid value '${definition.name}' for parameter 'name': it has the shape of an id of policies, by which another one would be meant.`,
      )
    return definition
  }

  /**
   * Tables hold what others rely on, and the server's user may change them all: who may have them changed is a setting.
   * @throws PERMISSION_DENIED
   */
  function checkAsker(target: string, asker: Asker): void {
    if ('own' in parseTarget(target) || mayChangeTables(asker)) return
    throw denied(
      deps.tableAccess === 'off'
        ? 'Policies about tables are switched off on this server (--retention-tables).'
        : 'Policies about tables are made and changed by clients on the machine of the server alone, unless it runs with --retention-tables all.',
    )
  }

  const mayChangeTables = (asker: Asker): boolean =>
    deps.tableAccess === 'all' || (deps.tableAccess === 'loopback' && isLocal(asker))

  /** A column by which the table is partitioned is taken for that. */
  async function categoryOf({ target, column, strategy }: PolicyInput) {
    const parsed = parseTarget(target)
    if ('own' in parsed || !column) return 'timerange'
    const [only, ...more] = deps.strategies[strategy]?.categories ?? []
    if (only && more.length === 0) return only
    const columns = (await engine.dialect.aging?.partitions?.columns(engine, parsed.table)) ?? []
    return columns.includes(column) ? 'partition' : 'timerange'
  }

  /** @throws RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE */
  function update(
    idOrName: string,
    input: { changes: PolicyChanges; clear: readonly string[] },
    { userId, asker }: By,
  ): Promise<Policy> {
    return change(idOf(idOrName), userId, (before) => {
      if (!before) throw notFound(idOrName)
      checkAsker(before.target, asker)
      const after = changed(before, input)
      checkDefinition(after, deps)
      return after
    })
  }

  /** @throws RESOURCE_DOES_NOT_EXIST, PERMISSION_DENIED */
  async function remove(idOrName: string, { userId, asker }: By): Promise<Record<string, never>> {
    await change(idOf(idOrName), userId, (before) => {
      if (!before) throw notFound(idOrName)
      // Where they are switched off, those that are there can be taken away still.
      if (deps.tableAccess !== 'off' || !isLocal(asker)) checkAsker(before.target, asker)
      return undefined
    })
    return {}
  }

  /** Makes the next version of a policy, in the audit first. */
  async function change(
    policyId: string,
    userId: string | null,
    decide: (before: PolicyDefinition | undefined) => PolicyDefinition | undefined,
  ): Promise<Policy> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const row = await store.findPolicy(engine, policyId)
      const pending = await store.findAudit(engine, auditIdOf(policyId, (row?.version ?? 0) + 1))
      if (pending) {
        await apply(pending, row)
        continue
      }
      const before = row && !row.isDeleted ? known(row).policy : undefined
      const after = decide(before)
      if (row && before && after && isSame(before, after)) return toWire({ row, policy: after })
      const entry = entryOf({ policyId, version: (row?.version ?? 0) + 1, before, after, userId })
      if (!(await store.insertAudit(engine, entry))) continue
      return toWire(known(await apply(entry, row)))
    }
    throw unavailable('Others are changing the policy. Please retry.')
  }

  function entryOf(news: {
    policyId: string
    version: number
    before: PolicyDefinition | undefined
    after: PolicyDefinition | undefined
    userId: string | null
  }): AuditRow {
    const { policyId, version, before, after, userId } = news
    return {
      auditId: auditIdOf(policyId, version),
      atMs: clock.now(),
      kind: before ? (after ? 'policy_updated' : 'policy_deleted') : 'policy_created',
      policyId,
      policyName: (after ?? before)?.name ?? '',
      userId,
      before: before ? JSON.stringify(before) : null,
      after: after ? JSON.stringify(after) : null,
      execution: null,
    }
  }

  /** Tells of the change, and brings the policy's row to what its entry in the audit says: repeatable, in this order. */
  async function apply(entry: AuditRow, row: PolicyRow | undefined): Promise<PolicyRow> {
    const definition = entry.after ?? entry.before ?? ''
    const isNew = entry.before === null
    const schedule = (text: string | null | undefined) => {
      const { cron, every } = JSON.parse(text ?? '{}') as PolicyDefinition
      return JSON.stringify([cron, every])
    }
    const isScheduledAnew = !row || isNew || schedule(entry.before) !== schedule(entry.after)
    const next: PolicyRow = {
      policyId: entry.policyId,
      name: entry.policyName,
      version: (row?.version ?? 0) + 1,
      isDeleted: entry.after === null,
      definition,
      createdAtMs: row && !isNew ? row.createdAtMs : entry.atMs,
      updatedAtMs: entry.atMs,
      scheduledFromMs: isScheduledAnew ? entry.atMs : row.scheduledFromMs,
    }
    await events.raise(['retention.policy_changed'], async () => ({
      name: 'retention.policy_changed',
      payload: {
        policy_id: next.policyId,
        policy_name: next.name,
        change: entry.kind.slice('policy_'.length),
        version: next.version,
        user_id: entry.userId,
      },
    }))
    await store.applyPolicy(engine, next)
    return next
  }

  function toWire({ row, policy }: KnownPolicy): Policy {
    const due = policy.enabled ? dueAfter(policy, row.policyId, row.scheduledFromMs) : undefined
    return {
      policy_id: row.policyId,
      ...policy,
      duration_ms: parseDuration(policy.duration, 'duration'),
      version: row.version,
      created_at: row.createdAtMs,
      updated_at: row.updatedAtMs,
      ...(due !== undefined && { next_due_at: due }),
    }
  }

  /** @throws RESOURCE_DOES_NOT_EXIST */
  async function require(idOrName: string): Promise<KnownPolicy> {
    const row = await store.findPolicy(engine, idOf(idOrName))
    if (!row || row.isDeleted) throw notFound(idOrName)
    return known(row)
  }

  /**
   * Policies that are named, whatever their tags; else all that have the tags and the strategy.
   * @throws RESOURCE_DOES_NOT_EXIST for one that is named and not there
   */
  async function select({ policy_ids: named, tags, strategy }: SelectionInput): Promise<KnownPolicy[]> {
    const meets = ({ policy }: KnownPolicy) =>
      tags.every((tag) => policy.tags.includes(tag)) && (!strategy || policy.strategy === strategy)
    if (named.length > 0) {
      const each = new Map(named.map((one) => [idOf(one), one]))
      const found = await Promise.all([...each.values()].map(require))
      return found.filter(meets)
    }
    return (await store.listPolicies(engine)).map(known).filter(meets)
  }

  async function list(input: {
    tags: string[]
    strategy?: string | undefined
    target?: string | undefined
    max_results?: Int64 | undefined
    page_token?: string | undefined
  }): Promise<{ policies: Policy[]; next_page_token?: string }> {
    const page = offsetPage(input.page_token, pageSize(input.max_results))
    const all = await select({ policy_ids: [], tags: input.tags, strategy: input.strategy })
    const target = input.target && spellTarget(parseTarget(input.target))
    const meant = all.filter(({ policy }) => !target || policy.target === target)
    const { offset, limit } = page.bounds
    const { rows, nextPageToken } = page.cut(meant.slice(offset, offset + limit))
    return { policies: rows.map(toWire), ...(nextPageToken && { next_page_token: nextPageToken }) }
  }

  /** Enabled policies whose scheduled time has come, and which that was. */
  async function findDue(nowMs: number): Promise<(KnownPolicy & { dueAtMs: number })[]> {
    const all = (await store.listPolicies(engine)).map(known)
    return all.flatMap((one) => {
      if (!one.policy.enabled) return []
      const dueAtMs = dueAfter(one.policy, one.row.policyId, one.row.scheduledFromMs)
      return dueAtMs !== undefined && dueAtMs <= nowMs ? [{ ...one, dueAtMs }] : []
    })
  }

  return {
    create,
    read,
    mayChangeTables,
    findDue,
    /** Counts the schedule on from the time. */
    settleDue: ({ row }: KnownPolicy, nowMs: number) => store.moveSchedule(engine, row, nowMs),
    update,
    delete: remove,
    get: async (idOrName: string) => toWire(await require(idOrName)),
    list,
    select,
  }
}

/** A shape that no name has. */
const isId = (text: string): boolean => /^p-[0-9a-f]{16}$/.test(text)

export const idOf = (idOrName: string): string => (isId(idOrName) ? idOrName : policyIdOf(idOrName))

const auditIdOf = (policyId: string, version: number) => `${policyId}:${String(version).padStart(9, '0')}`

const isSame = (a: object, b: object): boolean =>
  JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort())

const denied = (message: string) => new MlflowError('PERMISSION_DENIED', message)
const notFound = (idOrName: string) => doesNotExist(`Retention policy '${idOrName}' does not exist.`)

/** @throws INVALID_PARAMETER_VALUE */
export function pageSize(given: Int64 | undefined): number {
  const size = Number(given ?? DEFAULT_RESULTS)
  if (size >= 1 && size <= MAX_RESULTS) return size
  throw invalidParameter(`Invalid value ${size} for parameter 'max_results': use 1 to ${MAX_RESULTS}.`)
}
