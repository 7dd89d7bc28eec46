// Finds policies that cannot work, and such that contradict each other.
import { MlflowError, reasonOf } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { describeData, tellsTime } from '../../platform/database/old-rows.ts'
import { cutoffOf, parseDuration } from '../../platform/wire/durations.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { contradictionsOf } from './contradictions.ts'
import type { KnownPolicy, PolicyService } from './policies.service.ts'
import type { Finding, PolicyDefinition, SelectionInput } from './schema.ts'
import { type Found, failure, type Strategies } from './strategies.ts'
import { parseTarget } from './target.ts'

export interface CheckServiceDeps {
  engine: Engine
  clock: Clock
  policies: Pick<PolicyService, 'select'>
  strategies: Strategies
}

export function createCheckService({ engine, clock, policies, strategies }: CheckServiceDeps) {
  /** A finding for each policy at least. Changes nothing. @throws RESOURCE_DOES_NOT_EXIST */
  async function check(selection: SelectionInput): Promise<Finding[]> {
    const meant = await policies.select(selection)
    if (meant.length === 0)
      return [{ verdict: 'warning', code: 'no_policy', message: 'There is no such policy.' }]
    const findings: Finding[] = []
    for (const one of meant) {
      const found = await checkOne(one.policy).catch((error: unknown) => {
        const isRefused = error instanceof MlflowError && error.code === 'INVALID_PARAMETER_VALUE'
        return [failure(isRefused ? 'unsupported' : 'database', reasonOf(error))]
      })
      findings.push(...found.map((finding) => named(one, finding)))
    }
    // A policy that is not meant may contradict one that is.
    const all = await policies.select({ policy_ids: [], tags: [] })
    const ids = new Set(meant.map(({ row }) => row.policyId))
    for (const { of, with: other, ...finding } of contradictionsOf(all))
      if (ids.has(of.row.policyId) || ids.has(other.row.policyId))
        findings.push(named(ids.has(of.row.policyId) ? of : other, finding))
    return withoutEmptyOks(findings)
  }

  async function checkOne(policy: PolicyDefinition): Promise<Found[]> {
    const strategy = strategies[policy.strategy]
    if (!strategy) return [failure('unsupported', `There is no strategy ${policy.strategy}.`)]
    const table = await checkTable(policy)
    const found = table.length > 0 ? table : await strategy.check(policy)
    if (found.some(({ verdict }) => verdict === 'failure')) return found
    const nowMs = clock.now()
    const cutoffMs = cutoffOf(parseDuration(policy.duration, 'duration'), nowMs)
    const due = await strategy.plan(policy, cutoffMs)
    if (due.length > 0)
      return [...found, { verdict: 'ok', code: 'ok', message: stepsText(due.length, policy.strategy) }]
    // Everything would be due by then.
    const any = await strategy.plan(policy, nowMs)
    return [
      ...found,
      any.length > 0
        ? { verdict: 'ok', code: 'nothing_due', message: `Nothing is older than ${policy.duration}.` }
        : {
            verdict: 'warning',
            code: 'no_data',
            message: `There is no data in ${policy.target} that it could ever touch up to now.`,
          },
    ]
  }

  async function checkTable(policy: PolicyDefinition): Promise<Found[]> {
    const target = parseTarget(policy.target)
    if ('own' in target) return []
    const found = await describeData(engine, target.table)
    if (!found) return [failure('table_missing', `There is no table ${policy.target}.`)]
    if (!found.isTable) return [failure('table_missing', `${policy.target} is no table, but a view.`)]
    const type = found.columns.get(policy.column ?? '')
    if (type === undefined)
      return [failure('column_missing', `${policy.target} has no column ${policy.column}.`)]
    if (policy.category === 'timerange' && !tellsTime(type))
      return [failure('column_type', `Column ${policy.column} is of type ${type}, which tells no time.`)]
    return []
  }

  return { check }
}

const stepsText = (count: number, strategy: string) =>
  `It works: ${count === 1 ? '1 step' : `${count} steps`} of ${strategy} ${count === 1 ? 'is' : 'are'} due.`

const named = ({ row, policy }: KnownPolicy, finding: Found): Finding => ({
  policy_id: row.policyId,
  policy_name: policy.name,
  ...finding,
})

/** That a policy works is not said beside why it does not. */
const withoutEmptyOks = (findings: Finding[]): Finding[] => {
  const bad = new Set(
    findings.filter(({ verdict }) => verdict === 'failure').map(({ policy_id }) => policy_id),
  )
  return findings.filter(({ verdict, policy_id }) => verdict !== 'ok' || !bad.has(policy_id))
}
