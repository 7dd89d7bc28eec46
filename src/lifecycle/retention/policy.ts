// What a policy may say: the rules that hold for its fields, whatever the database has in it at the moment.
import { invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { MARK } from '../../platform/database/materializing.ts'
import { parseAggregates } from '../../platform/wire/aggregates.ts'
import { parseDuration } from '../../platform/wire/durations.ts'
import { parseLadder } from '../downsampling/ladder.schema.ts'
import type { PolicyChanges, PolicyDefinition, PolicyInput } from './schema.ts'
import { CATEGORIES, type Category, type OwnTarget } from './schema.ts'
import type { Strategies, Strategy } from './strategies.ts'
import { intoOf, parseTarget, spellTarget } from './target.ts'

const MAX_NAME = 250
const MAX_TEXT = 1000
const MAX_TAGS = 50
/** Of a tag of a run, as MLflow has it. */
const MAX_RUN_TAG = { key: 250, value: 8000 }
const MAX_COLUMNS = { by: 32, aggregates: 100 }
/** Of policies about tables; none of them has to be there. */
const TABLE_FIELDS = ['by', 'aggregates', 'into'] as const
const STRATEGY_FIELDS = ['attribute', 'attribute_value', 'repository', 'ladder'] as const
const TEXT_FIELDS = [
  ...STRATEGY_FIELDS,
  ...(['target', 'column', 'into', 'duration', 'experiment_pattern', 'cron', 'every'] as const),
]

/** Filters that what the server keeps takes. */
const FILTERS: Record<OwnTarget, readonly ('experiment_pattern' | 'run_tags')[]> = {
  metrics: ['experiment_pattern', 'run_tags'],
  traces: ['experiment_pattern'],
  artifacts: ['experiment_pattern', 'run_tags'],
  deleted_runs: ['experiment_pattern', 'run_tags'],
  audit: [],
}

export interface PolicyRules {
  engine: Engine
  strategies: Strategies
  checkSchedule: (schedule: { cron?: string | undefined; every?: string | undefined }) => void
}

const wrong = (field: string, text: string) =>
  invalidParameter(`Invalid value for parameter '${field}': ${text}`)

const bothGiven = () => wrong('duration', 'of a ladder it is the age of its first step; leave it out.')

const given = <T extends object>(fields: T): Partial<T> =>
  Object.fromEntries(
    Object.entries(fields).filter(
      ([field, value]) =>
        value !== undefined &&
        value !== '' &&
        !(['by', 'aggregates'].includes(field) && (value as string[]).length === 0),
    ),
  ) as Partial<T>

/** Of a ladder the first age is the duration. */
const durationOf = (ladder: string): string => parseLadder(ladder).rungs[0]?.age ?? ''

/**
 * The definition that a request makes. The category is told by the column where the request does not tell it.
 * @throws INVALID_PARAMETER_VALUE
 */
export function definitionOf(input: PolicyInput, category: Category): PolicyDefinition {
  const { name, target, strategy, duration, run_tags = [], tags = [], enabled = true, ...rest } = input
  if (duration && rest.ladder) throw bothGiven()
  if (!duration && !rest.ladder)
    throw invalidParameter(
      `Missing value for required parameter '${strategy === 'downsample' ? 'ladder' : 'duration'}'.`,
    )
  return {
    ...given(rest),
    name: name.trim(),
    target: spellTarget(parseTarget(target)),
    category,
    strategy,
    duration: rest.ladder ? durationOf(rest.ladder) : (duration ?? '').trim(),
    run_tags,
    tags: [...new Set(tags)],
    enabled,
  }
}

/** Fields that may be taken away. */
const CLEARABLE = [
  'attribute',
  'attribute_value',
  'repository',
  'ladder',
  ...TABLE_FIELDS,
  'experiment_pattern',
  'run_tags',
  'tags',
  'cron',
  'every',
]

/** The definition with what is given, and without what is cleared. @throws INVALID_PARAMETER_VALUE */
export function changed(
  before: PolicyDefinition,
  { changes, clear }: { changes: PolicyChanges; clear: readonly string[] },
): PolicyDefinition {
  const unknown = clear.find((field) => !CLEARABLE.includes(field))
  if (unknown !== undefined) throw wrong('clear', `${unknown} is none of ${CLEARABLE.join(', ')}.`)
  const news = given(changes) as Record<string, unknown>
  const both = clear.find((field) => news[field] !== undefined)
  if (both !== undefined) throw wrong('clear', `${both} is given, too.`)
  // One schedule takes the place of the other.
  const replaced = news.cron ? ['every'] : news.every ? ['cron'] : []
  const kept = Object.fromEntries(
    Object.entries(before).filter(([field]) => ![...clear, ...replaced].includes(field)),
  )
  const after: PolicyDefinition = { ...(kept as PolicyDefinition), run_tags: [], tags: [], ...kept, ...news }
  if (after.ladder === undefined) return after
  if (news.duration !== undefined) throw bothGiven()
  return { ...after, duration: durationOf(after.ladder) }
}

export const readCategory = (text: string): Category => {
  const found = CATEGORIES.find((category) => category === text)
  if (!found) throw wrong('category', `use ${CATEGORIES.join(' or ')}.`)
  return found
}

/** @throws INVALID_PARAMETER_VALUE for what no policy may say, or the database cannot do */
export function checkDefinition(policy: PolicyDefinition, rules: PolicyRules): void {
  const strategy = rules.strategies[policy.strategy]
  const known = Object.keys(rules.strategies)
  if (!strategy || !known.includes(policy.strategy))
    throw wrong('strategy', `use one of ${known.join(', ')}.`)
  checkTexts(policy)
  parseDuration(policy.duration, 'duration')
  rules.checkSchedule(policy)
  for (const field of STRATEGY_FIELDS) {
    const isWanted = strategy.fields.includes(field)
    if (isWanted && policy[field] === undefined) throw wrong(field, `strategy ${policy.strategy} needs it.`)
    if (!isWanted && policy[field] !== undefined) throw wrong(field, `strategy ${policy.strategy} has none.`)
  }
  const target = parseTarget(policy.target)
  for (const field of TABLE_FIELDS)
    if (policy[field] !== undefined && ('own' in target || !strategy.takesFields?.includes(field)))
      throw wrong(
        field,
        `strategy ${policy.strategy} of ${'own' in target ? target.own : 'a table'} has none.`,
      )
  if ('own' in target) checkOwn(policy, strategy, target.own)
  else {
    checkTable(policy, strategy, { ...target.table, engine: rules.engine })
    if (strategy.takesFields) checkBuckets(policy, rules.engine)
  }
}

function checkTexts(policy: PolicyDefinition): void {
  if (policy.name === '' || policy.name.length > MAX_NAME)
    throw wrong('name', `use 1 to ${MAX_NAME} characters.`)
  for (const field of TEXT_FIELDS) {
    if ((policy[field] ?? '').length > MAX_TEXT) throw wrong(field, `use ${MAX_TEXT} characters at most.`)
  }
  for (const field of ['by', 'aggregates'] as const) {
    const texts = policy[field] ?? []
    if (texts.length > MAX_COLUMNS[field]) throw wrong(field, `${MAX_COLUMNS[field]} at most.`)
    if (texts.some((one) => one === '' || one.length > MAX_TEXT))
      throw wrong(field, `use 1 to ${MAX_TEXT} characters for each.`)
  }
  if (policy.tags.length > MAX_TAGS || policy.run_tags.length > MAX_TAGS)
    throw wrong(policy.tags.length > MAX_TAGS ? 'tags' : 'run_tags', `${MAX_TAGS} at most.`)
  // The command line separates them by commas.
  if (policy.tags.some((tag) => !/^[^,\s](?:[^,]{0,248}[^,\s])?$/.test(tag)))
    throw wrong('tags', 'use 1 to 250 characters for each, no comma among them, no space around them.')
  if (policy.run_tags.some(({ key, value }) => !key || value === undefined))
    throw wrong('run_tags', 'each has a key and a value.')
  if (
    policy.run_tags.some(({ key, value }) => key.length > MAX_RUN_TAG.key || value.length > MAX_RUN_TAG.value)
  )
    throw wrong('run_tags', `keys have ${MAX_RUN_TAG.key} characters at most, values ${MAX_RUN_TAG.value}.`)
}

function checkOwn(policy: PolicyDefinition, strategy: Strategy, own: OwnTarget): void {
  if (!strategy.takesOwn.includes(own)) {
    const known = strategy.takesOwn.join(', ')
    throw wrong('strategy', `${policy.strategy} is for ${known || 'tables'}; for ${own} there is delete.`)
  }
  if (policy.category !== 'timerange') throw wrong('category', `for ${own} it is timerange.`)
  if (policy.column !== undefined) throw wrong('column', `for ${own} there is none to choose.`)
  for (const field of ['experiment_pattern', 'run_tags'] as const) {
    const isGiven =
      field === 'run_tags' ? policy.run_tags.length > 0 : policy.experiment_pattern !== undefined
    if (isGiven && !FILTERS[own].includes(field)) throw wrong(field, `${own} cannot be told apart by it.`)
  }
}

const foreignSchemas = ({ dialect }: Engine): readonly string[] =>
  dialect.ownTables?.foreignSchemas ?? ['information_schema', 'pg_catalog', 'pg_toast']

function checkTable(
  policy: PolicyDefinition,
  strategy: Strategy,
  { schema, table, engine }: { schema: string; table: string; engine: Engine },
): void {
  const { aging, name } = engine.dialect
  if (foreignSchemas(engine).includes(schema))
    throw wrong('target', `schema ${schema} belongs to the database itself.`)
  if (schema === engine.schema && !strategy.keepsRows)
    throw wrong(
      'target',
      `the server's own tables lose rows by metrics, traces, artifacts, deleted_runs and audit only.`,
    )
  if (table.startsWith(MARK)) throw wrong('target', 'it holds the rows of a materialized view.')
  if (strategy.categories.length === 0)
    throw wrong('strategy', `${policy.strategy} is for ${strategy.takesOwn.join(', ')}, not for tables.`)
  if (policy.column === undefined) throw wrong('column', 'name the partition column, or the column of time.')
  if (policy.experiment_pattern !== undefined || policy.run_tags.length > 0)
    throw wrong(
      policy.experiment_pattern === undefined ? 'run_tags' : 'experiment_pattern',
      'rows of a table have neither experiments nor runs.',
    )
  if (!strategy.categories.includes(policy.category))
    throw wrong('category', `strategy ${policy.strategy} works on ${strategy.categories.join(', ')} only.`)
  const isRange = strategy.categories.includes('timerange') && !strategy.needsPartitions
  if ((policy.category === 'partition' || strategy.needsPartitions) && !aging?.partitions)
    throw wrong(
      isRange ? 'category' : 'strategy',
      `the database of this server (${name}) has no partitions, nodes or snapshots that could be used for it; that takes CrateDB. Rows can be deleted by time: category timerange, strategy delete.`,
    )
}

/** What a policy says of the buckets of a table, whatever columns that has. */
function checkBuckets(policy: PolicyDefinition, engine: Engine): void {
  const { by = [], aggregates = [], column = '' } = policy
  if (parseLadder(policy.ladder ?? '').kind === 'steps')
    throw wrong('ladder', 'buckets of a table have times for sizes, such as 1m:30d,1h:1y.')
  if (new Set(by).size < by.length) throw wrong('by', 'a column is named twice.')
  if (by.includes(column)) throw wrong('by', `${column} is the column of time.`)
  const both = parseAggregates(aggregates).find((one) => one.column === column || by.includes(one.column))
  if (both)
    throw wrong('aggregates', `${both.column} tells ${both.column === column ? 'times' : 'series apart'}.`)
  const [into, target] = [intoOf(policy), parseTarget(policy.target)]
  if (into.schema === engine.schema) throw wrong('into', `schema ${into.schema} is the server's own.`)
  if (foreignSchemas(engine).includes(into.schema) || into.schema.startsWith('pg_'))
    throw wrong('into', `schema ${into.schema} belongs to the database itself.`)
  if ('table' in target && target.table.schema === into.schema && target.table.table === into.table)
    throw wrong('into', 'it is the table itself.')
}
