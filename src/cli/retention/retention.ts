// The commands of `crateflow retention`, which ask a server or a store.
import type { AuditEntry, Finding, Planned, Policy } from '../../lifecycle/retention/schema.ts'
import { type Ask, type Where, withAsk } from '../asking.ts'
import { EXIT, errorLine, UsageError } from '../errors.ts'
import { isoTime, rowsText, size } from '../humane.ts'
import { print, printTable } from '../print.ts'
import { runAll, showExecution } from './running.ts'

export interface Asked {
  where: Where
  /** Print answers as JSON. */
  json: boolean
}

/** As commander reads them. */
export interface PolicyOptions {
  target?: string
  category?: string
  column?: string
  strategy?: string
  duration?: string
  attribute?: string
  repository?: string
  ladder?: string
  by?: string[]
  agg?: string[]
  into?: string
  time?: string
  experiments?: string
  runTag?: string[]
  tags?: string[]
  disabled?: boolean
  enabled?: boolean
  cron?: string
  every?: string
  name?: string
  clear?: string[]
  cutoff?: string
  dryRun?: boolean
  detach?: boolean
  limit?: string
  execution?: string
}

export const PATH = 'api/crateflow/1.0/retention'

const post = <T>(ask: Ask, path: string, body: object) =>
  ask<T>({ method: 'POST', path: `${PATH}/${path}`, body })
const get = <T>(ask: Ask, path: string, query: Record<string, string | string[] | undefined> = {}) => {
  const params = new URLSearchParams()
  for (const [key, value] of Object.entries(query))
    for (const one of [value ?? []].flat()) params.append(key, one)
  return ask<T>({ method: 'GET', path: `${PATH}/${path}?${params}` })
}

/** `key=value` as its two halves. @throws UsageError */
function pairOf(option: string, text: string): [string, string] {
  const at = text.indexOf('=')
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
  throw new UsageError(`${option} wants key=value, not ${text}.`)
}

/** What options say of a policy, as requests have it. */
function fieldsOf(options: PolicyOptions): Record<string, unknown> {
  const { target, category, column, strategy, duration, repository, ladder, experiments } = options
  const { by, agg: aggregates, into, tags, cron, every } = options
  const [attribute, attribute_value] =
    options.attribute === undefined ? [] : pairOf('--attribute', options.attribute)
  const run_tags = options.runTag?.map((tag) => {
    const [key, value] = pairOf('--run-tag', tag)
    return { key, value }
  })
  const enabled = options.disabled ? false : options.enabled
  return Object.fromEntries(
    Object.entries({
      ...{ target, category, column, strategy, duration, attribute, attribute_value, repository, ladder },
      ...{ by, aggregates, into, experiment_pattern: experiments, run_tags, tags, enabled, cron, every },
    }).filter(([, value]) => value !== undefined),
  )
}

export const add = (asked: Asked, name: string, options: PolicyOptions): Promise<number> =>
  keep(
    asked,
    { name, strategy: options.ladder === undefined ? 'delete' : 'downsample', ...fieldsOf(options) },
    options,
  )

function keep(asked: Asked, policy: object, { dryRun }: PolicyOptions): Promise<number> {
  return withAsk(asked.where, async (ask) => {
    if (dryRun) {
      const { plans } = await post<{ plans: Planned[] }>(ask, 'policies/preview', { policy })
      printPlans(asked, plans)
      return EXIT.ok
    }
    const made = await post<{ policy: Policy }>(ask, 'policies/create', policy)
    printPolicy(asked, made.policy)
    return EXIT.ok
  })
}

/** A column stands behind the last colon that is in no quotes. */
const SHORT = /^((?:"(?:[^"]|"")*"|[^":])+)(?::(.+))?$/

/** `crateflow ttl doc.readings:month snapshot:export_cold 4w` */
export function addShort(
  asked: Asked,
  given: { target: string; strategy: string; duration: string },
  options: PolicyOptions,
): Promise<number> {
  const [, target = given.target, column] = SHORT.exec(given.target) ?? []
  const at = given.strategy.indexOf(':')
  const strategy = at < 0 ? given.strategy : given.strategy.slice(0, at)
  const place = at < 0 ? undefined : given.strategy.slice(at + 1)
  if (place !== undefined && !['reallocate', 'snapshot'].includes(strategy))
    throw new UsageError(`${strategy} goes nowhere: leave out ${place}.`)
  if (place === undefined && ['reallocate', 'snapshot'].includes(strategy))
    throw new UsageError(
      `${strategy} wants where: ${strategy === 'snapshot' ? 'snapshot:repository' : 'reallocate:attribute=value'}.`,
    )
  const name = options.name ?? `${given.target} ${given.strategy} ${given.duration}`
  const where = strategy === 'snapshot' ? { repository: place } : { attribute: place }
  const age = strategy === 'downsample' ? { ladder: given.duration } : { duration: given.duration }
  const said = { ...options, target, column, strategy, ...age, ...where } as PolicyOptions
  return keep(asked, { name, ...fieldsOf(said) }, options)
}

/** `crateflow downsample add doc.readings --time ts --by sensor --ladder 1m:30d,1h:1y` */
export function addDownsampling(asked: Asked, target: string, options: PolicyOptions): Promise<number> {
  const { time, ladder = '' } = options
  const said = { ...options, target, strategy: 'downsample', ...(time !== undefined && { column: time }) }
  const name = options.name ?? `${target}:${time} downsample ${ladder}`
  return keep(asked, { name, ...fieldsOf(said) }, options)
}

export const edit = (asked: Asked, name: string, options: PolicyOptions): Promise<number> =>
  withAsk(asked.where, async (ask) => {
    const body = { policy_id: name, ...fieldsOf(options), clear: options.clear ?? [] }
    printPolicy(asked, (await post<{ policy: Policy }>(ask, 'policies/update', body)).policy)
    return EXIT.ok
  })

async function allPolicies(
  ask: Ask,
  query: Record<string, string | string[] | undefined>,
): Promise<Policy[]> {
  const all: Policy[] = []
  for (let token: string | undefined; ; ) {
    const page = await get<{ policies: Policy[]; next_page_token?: string }>(ask, 'policies/list', {
      ...query,
      max_results: '1000',
      page_token: token,
    })
    all.push(...page.policies)
    token = page.next_page_token
    if (!token) return all
  }
}

export const list = (asked: Asked, { tags, strategy, target }: PolicyOptions): Promise<number> =>
  withAsk(asked.where, async (ask) => {
    const all = await allPolicies(ask, { tags, strategy, target })
    if (asked.json) for (const policy of all) print(JSON.stringify(policy))
    else if (all.length === 0) print('There are no such policies.')
    else
      printTable([
        ['NAME', 'TARGET', 'STRATEGY', 'DURATION', 'SCHEDULE', 'NEXT', 'TAGS'],
        ...all.map((policy) => [
          policy.name,
          policy.column === undefined ? policy.target : `${policy.target}:${policy.column}`,
          strategyOf(policy),
          policy.ladder ?? policy.duration,
          policy.enabled ? (policy.cron ?? (policy.every ? `every ${policy.every}` : '-')) : 'disabled',
          policy.next_due_at === undefined ? '-' : isoTime(policy.next_due_at),
          policy.tags.join(',') || '-',
        ]),
      ])
    return EXIT.ok
  })

const strategyOf = ({ strategy, repository, attribute, attribute_value }: Policy): string => {
  const place = repository ?? (attribute === undefined ? undefined : `${attribute}=${attribute_value}`)
  return place === undefined ? strategy : `${strategy}:${place}`
}

export const show = (asked: Asked, name: string): Promise<number> =>
  withAsk(asked.where, async (ask) => {
    printPolicy(asked, (await get<{ policy: Policy }>(ask, 'policies/get', { policy_id: name })).policy)
    return EXIT.ok
  })

const TIMES = ['created_at', 'updated_at', 'next_due_at']

function printPolicy({ json }: Asked, policy: Policy): void {
  if (json) {
    print(JSON.stringify(policy))
    return
  }
  const { policy_id, name, target, category, column, strategy, ...others } = policy
  const {
    duration_ms: _ms,
    run_tags,
    tags,
    enabled,
    version,
    created_at,
    updated_at,
    next_due_at,
    ...limits
  } = others
  const first = { name, policy_id, target, category, column, strategy, ...limits }
  const more = {
    ...(run_tags.length > 0 && { run_tags: run_tags.map(({ key, value }) => `${key}=${value}`).join(', ') }),
    ...(policy.by && { by: policy.by.join(', ') }),
    ...(policy.aggregates && { aggregates: policy.aggregates.join(' ') }),
    ...(tags.length > 0 && { tags: tags.join(', ') }),
  }
  printTable(
    Object.entries({ ...first, ...more, enabled, version, created_at, updated_at, next_due_at })
      .filter(([, value]) => value !== undefined)
      .map(([field, value]) => [field, TIMES.includes(field) ? isoTime(Number(value)) : String(value)]),
  )
}

const selectionOf = (names: readonly string[], { tags = [], strategy }: PolicyOptions) => ({
  policy_ids: names,
  tags,
  ...(strategy !== undefined && { strategy }),
})

/** @returns 1 when something cannot work */
export const check = (asked: Asked, names: readonly string[], options: PolicyOptions): Promise<number> =>
  withAsk(asked.where, async (ask) => {
    const { findings } = await post<{ findings: Finding[] }>(
      ask,
      'policies/check',
      selectionOf(names, options),
    )
    if (asked.json) for (const finding of findings) print(JSON.stringify(finding))
    else
      printTable([
        ['VERDICT', 'POLICY', 'WHAT', 'TEXT'],
        ...findings.map(({ verdict, policy_name = '-', code, message }) => [
          verdict,
          policy_name,
          code,
          message,
        ]),
      ])
    return findings.some(({ verdict }) => verdict === 'failure') ? EXIT.failure : EXIT.ok
  })

export const remove = (asked: Asked, names: readonly string[]): Promise<number> =>
  withAsk(asked.where, async (ask) => {
    for (const policy_id of names) {
      await post(ask, 'policies/delete', { policy_id })
      if (!asked.json) print(`Policy ${policy_id} is deleted.`)
    }
    return EXIT.ok
  })

/** @returns 1 when one of them failed, or could not work */
export const run = (asked: Asked, names: readonly string[], options: PolicyOptions): Promise<number> =>
  withAsk(asked.where, async (ask) => {
    const { cutoff } = options
    const selection = { ...selectionOf(names, options), ...(cutoff !== undefined && { cutoff }) }
    if (!options.dryRun) return runAll(ask, asked, { selection, detach: options.detach === true })
    const { plans } = await post<{ plans: Planned[] }>(ask, 'policies/preview', selection)
    printPlans(asked, plans)
    return plans.some(({ message }) => message !== undefined) ? EXIT.failure : EXIT.ok
  })

function printPlans({ json }: Asked, plans: readonly Planned[]): void {
  if (json) {
    for (const plan of plans) print(JSON.stringify(plan))
    return
  }
  if (plans.length === 0) print('There are no such policies.')
  for (const plan of plans) {
    if (plan.message !== undefined) {
      process.stderr.write(`${errorLine(new Error(`${plan.policy_name}: ${plan.message}`))}\n`)
      continue
    }
    print(
      `${plan.policy_name}: ${plan.step_count === 0 ? 'nothing' : rowsText(plan.rows, plan.bytes)} older than ${isoTime(plan.cutoff)}`,
    )
    if (plan.steps.length > 0)
      printTable([
        ['ROWS', 'SIZE', 'PARTITION', 'STATEMENT'],
        ...plan.steps.map(({ rows, bytes, partition = '-', statement }) => [
          rows === undefined ? '-' : String(rows),
          bytes === undefined ? '-' : size(bytes),
          partition,
          statement,
        ]),
      ])
    if (plan.step_count > plan.steps.length) print(`and ${plan.step_count - plan.steps.length} more`)
  }
}

export const history = (asked: Asked, name: string | undefined, options: PolicyOptions): Promise<number> =>
  withAsk(asked.where, async (ask) => {
    if (options.execution !== undefined) return showExecution(ask, asked, options.execution)
    const limit = Number(options.limit)
    if (!(limit >= 1 && limit <= 1000)) throw new UsageError('--limit must be from 1 to 1000.')
    const { entries } = await get<{ entries: AuditEntry[] }>(ask, 'audit/list', {
      policy_id: name,
      max_results: String(limit),
    })
    if (asked.json) for (const entry of entries) print(JSON.stringify(entry))
    else if (entries.length === 0) print('Nothing has happened.')
    else
      printTable([
        ['TIME', 'WHAT', 'POLICY', 'WHO', 'DETAILS'],
        ...entries.map((entry) => [
          isoTime(entry.timestamp),
          entry.kind,
          entry.policy_name,
          entry.user_id ?? (entry.execution?.cause === 'schedule' ? 'schedule' : '-'),
          detailsOf(entry),
        ]),
      ])
    return EXIT.ok
  })

function detailsOf({ before, after, execution }: AuditEntry): string {
  if (execution)
    return `${rowsText(execution.rows, execution.bytes)}, execution ${execution.execution_id}${execution.message ? `: ${execution.message}` : ''}`
  if (!before || !after) return ''
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof typeof after>
  return [...fields]
    .filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]))
    .map((field) => `${field}: ${shown(before[field])} → ${shown(after[field])}`)
    .join(', ')
}

const shown = (value: unknown): string =>
  value === undefined ? '-' : typeof value === 'string' ? value : JSON.stringify(value)

export const cancel = (asked: Asked, execution_id: string): Promise<number> =>
  withAsk(asked.where, async (ask) => {
    const { execution } = await post<{ execution: { state: string } }>(ask, 'executions/cancel', {
      execution_id,
    })
    if (asked.json) print(JSON.stringify(execution))
    else if (execution.state === 'running') print('It ends before its next statement.')
    else process.stderr.write(`${errorLine(new Error(`It is over: ${execution.state}.`))}\n`)
    return EXIT.ok
  })

export const tags = (asked: Asked): Promise<number> =>
  withAsk(asked.where, async (ask) => {
    const counts = new Map<string, number>()
    for (const policy of await allPolicies(ask, {}))
      for (const tag of policy.tags) counts.set(tag, (counts.get(tag) ?? 0) + 1)
    const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
    if (asked.json) print(JSON.stringify(Object.fromEntries(sorted)))
    else if (sorted.length === 0) print('No policy has a tag.')
    else printTable([['TAG', 'POLICIES'], ...sorted.map(([tag, count]) => [tag, String(count)])])
    return EXIT.ok
  })
