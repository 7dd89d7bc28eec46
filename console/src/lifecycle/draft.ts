// What a form holds of a policy: made of one, turned into the messages of the API, and looked at before the server does.
import { parseLadder } from '../../../src/lifecycle/downsampling/ladder.schema.ts'
import { parseAggregates } from '../../../src/platform/wire/aggregates.ts'
import { parseDuration } from '../../../src/platform/wire/durations.ts'
import type { Policy } from '../api.ts'

export interface Draft {
  name: string
  /** What the server keeps, or `table`. */
  about: string
  table: string
  column: string
  category: string
  strategy: string
  duration: string
  ladder: string
  /** Columns, one a line. */
  by: string
  /** What is kept of columns, one a line. */
  aggregates: string
  into: string
  attribute: string
  attribute_value: string
  repository: string
  experiment_pattern: string
  run_tags: { key: string; value: string }[]
  /** Separated by commas. */
  tags: string
  when: 'hand' | 'every' | 'cron'
  every: string
  cron: string
  enabled: boolean
}

export type Field = keyof Draft | 'target'
export type Problems = Partial<Record<Field, string>>

const EMPTY: Draft = {
  name: '',
  about: 'metrics',
  table: '',
  column: '',
  category: '',
  strategy: 'delete',
  duration: '90d',
  ladder: '1m:30d,1h:210d',
  by: '',
  aggregates: '',
  into: '',
  attribute: '',
  attribute_value: '',
  repository: '',
  experiment_pattern: '',
  run_tags: [],
  tags: '',
  when: 'hand',
  every: '24h',
  cron: '0 3 * * *',
  enabled: true,
}

/** A new policy, about a table where one is named. */
export const newDraft = (table: string | null): Draft => (table ? { ...EMPTY, about: 'table', table } : EMPTY)

export function draftOf(policy: Policy): Draft {
  const isTable = policy.target.includes('.')
  return {
    ...EMPTY,
    name: policy.name,
    about: isTable ? 'table' : policy.target,
    table: isTable ? policy.target : '',
    column: policy.column ?? '',
    category: policy.category,
    strategy: policy.strategy,
    duration: policy.duration,
    ladder: policy.ladder ?? EMPTY.ladder,
    by: policy.by?.join('\n') ?? '',
    aggregates: policy.aggregates?.join('\n') ?? '',
    into: policy.into ?? '',
    attribute: policy.attribute ?? '',
    attribute_value: policy.attribute_value ?? '',
    repository: policy.repository ?? '',
    experiment_pattern: policy.experiment_pattern ?? '',
    run_tags: policy.run_tags,
    tags: policy.tags.join(', '),
    when: policy.cron ? 'cron' : policy.every ? 'every' : 'hand',
    every: policy.every ?? EMPTY.every,
    cron: policy.cron ?? EMPTY.cron,
    enabled: policy.enabled,
  }
}

export const isAboutTable = ({ about }: Draft): boolean => about === 'table'

/** Strategies that there are for what the policy is about. */
export const strategiesFor = ({ about }: Pick<Draft, 'about'>): string[] => {
  if (about === 'table') return ['delete', 'reallocate', 'snapshot', 'downsample']
  return about === 'metrics' ? ['delete', 'downsample'] : ['delete']
}

/** Filters that there are for it. */
export const filtersFor = ({ about }: Draft): { experiments: boolean; runTags: boolean } => ({
  experiments: ['metrics', 'traces', 'artifacts', 'deleted_runs'].includes(about),
  runTags: ['metrics', 'artifacts', 'deleted_runs'].includes(about),
})

export const isThinningTable = (draft: Draft): boolean =>
  isAboutTable(draft) && draft.strategy === 'downsample'

const listed = (text: string, separator = ','): string[] =>
  text
    .split(separator)
    .map((part) => part.trim())
    .filter(Boolean)

/** The message that makes the policy; fields that do not belong to what it is about are left out. */
export function definitionOf(draft: Draft) {
  const { strategy } = draft
  const filters = filtersFor(draft)
  const isThinning = isThinningTable(draft)
  const runTags = draft.run_tags.filter(({ key, value }) => key || value)
  const text = (value: string, isWanted = true) => (isWanted && value.trim() ? value.trim() : undefined)
  const lines = (value: string) => (text(value, isThinning) ? listed(value, '\n') : undefined)
  return {
    name: draft.name.trim(),
    target: isAboutTable(draft) ? draft.table.trim() : draft.about,
    category: text(draft.category, isAboutTable(draft) && !isThinning),
    column: text(draft.column, isAboutTable(draft)),
    strategy,
    duration: text(draft.duration, strategy !== 'downsample'),
    ladder: text(draft.ladder, strategy === 'downsample'),
    by: lines(draft.by),
    aggregates: lines(draft.aggregates),
    into: text(draft.into, isThinning),
    attribute: text(draft.attribute, strategy === 'reallocate'),
    attribute_value: text(draft.attribute_value, strategy === 'reallocate'),
    repository: text(draft.repository, strategy === 'snapshot'),
    experiment_pattern: text(draft.experiment_pattern, filters.experiments),
    run_tags: filters.runTags ? runTags : [],
    tags: listed(draft.tags),
    enabled: draft.enabled,
    every: text(draft.every, draft.when === 'every'),
    cron: text(draft.cron, draft.when === 'cron'),
  }
}

/** Fields that a change may take away. */
const CLEARED = [
  ...[
    'attribute',
    'attribute_value',
    'repository',
    'ladder',
    'by',
    'aggregates',
    'into',
    'experiment_pattern',
  ],
  ...['run_tags', 'tags', 'cron', 'every'],
]

/** The message that changes the policy into what the form says: what differs, and what is taken away. */
export function changesOf(policy: Policy, draft: Draft): { policy_id: string; clear: string[] } {
  const { name: _name, target: _target, category: _category, ...wanted } = definitionOf(draft)
  const before = policy as Record<string, unknown>
  const isEmpty = (value: unknown) => value === undefined || (Array.isArray(value) && value.length === 0)
  const isSame = (field: string, value: unknown) => JSON.stringify(before[field]) === JSON.stringify(value)
  const changes = Object.entries(wanted).filter(([field, value]) => !isEmpty(value) && !isSame(field, value))
  const isReplaced = (field: string) =>
    (field === 'cron' && wanted.every !== undefined) || (field === 'every' && wanted.cron !== undefined)
  const clear = CLEARED.filter(
    (field) =>
      isEmpty((wanted as Record<string, unknown>)[field]) && !isEmpty(before[field]) && !isReplaced(field),
  )
  return { policy_id: policy.policy_id, ...Object.fromEntries(changes), clear }
}

/** What is wrong with a text as far as its shape goes; the server knows the rest. */
function problemOf(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    return (error as Error).message.replace(/^Invalid value (?:'.*' )?for parameter '\w+': /, '')
  }
}

/** Rows of a table have no steps. */
const stepsOfTable = (draft: Draft): string | undefined =>
  isAboutTable(draft) && parseLadder(draft.ladder).kind === 'steps'
    ? 'Buckets of a table have times for sizes, such as 1m:30d,1h:1y.'
    : undefined

export function problemsOf(draft: Draft): Problems {
  const missing = (text: string, what: string) => (text.trim() ? undefined : what)
  const { strategy } = draft
  const problems: Problems = {
    name: missing(draft.name, 'Give the policy a name.'),
    ...(isAboutTable(draft) && {
      table: /^[^.]+\..+/.test(draft.table.trim())
        ? undefined
        : 'Name a table with its schema, such as doc.sensor_readings.',
      column: missing(draft.column, 'Name the partition column, or the column of time.'),
    }),
    ...(strategy === 'downsample'
      ? {
          ladder: problemOf(() => parseLadder(draft.ladder)) ?? stepsOfTable(draft),
          aggregates: isThinningTable(draft)
            ? problemOf(() => parseAggregates(listed(draft.aggregates, '\n')))
            : undefined,
        }
      : { duration: problemOf(() => parseDuration(draft.duration, 'duration')) }),
    ...(strategy === 'reallocate' && {
      attribute: missing(draft.attribute, 'Name an attribute of nodes.'),
      attribute_value: missing(draft.attribute_value, 'Say which value nodes must have.'),
    }),
    ...(strategy === 'snapshot' && {
      repository: missing(draft.repository, 'Name a repository of the database.'),
    }),
    ...(draft.when === 'every' && { every: problemOf(() => parseDuration(draft.every, 'every')) }),
    ...(draft.when === 'cron' && {
      cron:
        draft.cron.trim().split(/\s+/).length === 5
          ? undefined
          : 'Use five fields: minute, hour, day of the month, month, day of the week.',
    }),
  }
  return Object.fromEntries(Object.entries(problems).filter(([, text]) => text !== undefined))
}

/** The field of the form that a field of the message is filled in by. */
export const fieldOf = (name: string | undefined, draft: Draft): Field | undefined =>
  name === 'target'
    ? isAboutTable(draft)
      ? 'table'
      : 'about'
    : name && name in draft
      ? (name as Field)
      : undefined
