// `crateflow traces`: list, show and delete traces on a running server.

import type { Trace, TraceInfo } from '../../genai/traces/schema.ts'
import { tryParseJson } from '../../platform/wire/int64.ts'
import { type Asked, quoted } from './asked.ts'
import { type Detail, printDetails, type Section } from './details.ts'
import type { Field, Value } from './fields.ts'
import { printListing } from './listing.ts'
import { experimentsOf, ifThere, onlyOne } from './names.ts'
import { changeAll } from './removal.ts'
import { spansSection } from './spans.ts'
import { keyedField, tagsSection } from './tags.ts'

/** What `search` looks into when it is given a word. */
export const SEARCHED = 'trace.name'

const API = 'api/3.0/mlflow/traces'
const NAME = 'mlflow.traceName'

const nameOf = ({ tags }: TraceInfo) => tags?.[NAME]
const startOf = ({ request_time }: TraceInfo) => Date.parse(request_time)
const experimentOf = ({ trace_location: { mlflow_experiment } }: TraceInfo) => mlflow_experiment.experiment_id

/** Milliseconds of `1.250s`. */
const durationOf = ({ execution_duration: seconds }: TraceInfo) =>
  seconds === undefined ? undefined : Math.round(Number(seconds.replace(/s$/, '')) * 1e6) / 1e3

/** A number of the JSON object that some metadata are. */
function numberIn({ trace_metadata }: TraceInfo, key: string, field: string): number | undefined {
  const parsed = tryParseJson(trace_metadata?.[key] ?? '') as Record<string, unknown> | undefined
  const value = parsed?.[field]
  return typeof value === 'number' ? value : undefined
}

const tokensOf = (info: TraceInfo) => numberIn(info, 'mlflow.trace.tokenUsage', 'total_tokens')
const costOf = (info: TraceInfo) => numberIn(info, 'mlflow.trace.cost', 'total_cost')
const sizeOf = (info: TraceInfo) => numberIn(info, 'mlflow.trace.sizeStats', 'total_size_bytes')

const fieldsOf = (experiments: ReadonlyMap<string, string>): Field<TraceInfo>[] => [
  { name: 'trace_id', read: (info) => info.trace_id },
  { name: 'name', read: nameOf, least: 14 },
  {
    name: 'experiment',
    read: (info) => experiments.get(experimentOf(info)) ?? experimentOf(info),
    least: 14,
    rank: 7,
    hidden: experiments.size === 1,
  },
  { name: 'experiment_id', read: experimentOf, hidden: true },
  { name: 'state', kind: 'state', read: ({ state }) => state, rank: 1 },
  { name: 'started', kind: 'time', read: startOf, rank: 2 },
  { name: 'duration', kind: 'duration', read: durationOf, rank: 3 },
  { name: 'tokens', kind: 'number', read: tokensOf, rank: 4 },
  { name: 'cost', kind: 'number', read: costOf, hidden: true },
  { name: 'size', kind: 'size', read: sizeOf, rank: 8 },
  { name: 'request', read: (info) => info.request_preview, least: 20, rank: 5 },
  { name: 'response', read: (info) => info.response_preview, least: 20, rank: 6 },
]

const pairsOf = (map: Record<string, string> | undefined) =>
  Object.entries(map ?? {}).map(([key, value]) => ({ key, value }))

const fieldFor = (name: string) =>
  keyedField<TraceInfo>(name, 'tags.', ({ tags }) => pairsOf(tags)) ??
  keyedField<TraceInfo>(name, 'metadata.', (info) => pairsOf(info.trace_metadata))

interface Search {
  experimentIds: Iterable<string>
  filter: string | undefined
  order_by?: readonly string[]
}

type Answer = { traces?: TraceInfo[]; next_page_token?: string }

async function search({ ask }: Asked, { experimentIds, ...rest }: Search, page: object): Promise<Answer> {
  const locations = Array.from(experimentIds, (experiment_id) => ({
    type: 'MLFLOW_EXPERIMENT',
    mlflow_experiment: { experiment_id },
  }))
  // MLflow wants one at least.
  if (locations.length === 0) return {}
  return ask({ method: 'POST', path: `${API}/search`, body: { locations, ...rest, ...page } })
}

/** `traces list` and `search` */
export async function listTraces(asked: Asked): Promise<void> {
  const experiments = await experimentsOf(asked)
  const { filter, orderBy: order_by } = asked
  return printListing<TraceInfo>(
    {
      things: 'traces',
      key: 'traces',
      fields: fieldsOf(experiments),
      fieldFor,
      page: (page) => search(asked, { experimentIds: experiments.keys(), filter, order_by }, page),
    },
    asked,
  )
}

/** The trace with that id, or the only one with that name. @throws AmbiguousError */
async function findTrace(asked: Asked, name: string): Promise<TraceInfo> {
  const path = `${API}/${encodeURIComponent(name)}`
  if (name.startsWith('tr-')) {
    const byId = await ifThere(asked.ask<{ trace: { trace_info: TraceInfo } }>({ path }))
    if (byId) return byId.trace.trace_info
  }
  const experiments = await experimentsOf(asked)
  const filter = `trace.name = ${quoted(name)}`
  const { traces = [] } = await search(
    asked,
    { experimentIds: experiments.keys(), filter },
    { max_results: 11 },
  )
  return onlyOne(traces, {
    what: 'trace',
    name,
    describe: (info) =>
      `${info.trace_id}  ${info.request_time}  ${experiments.get(experimentOf(info)) ?? ''}`,
  })
}

/** `traces show`: the trace with the tree of its spans. */
export async function showTrace(asked: Asked, name: string): Promise<void> {
  const { trace_id } = await findTrace(asked, name)
  const answer = await asked.ask<{ trace: Trace }>({
    path: `${API}/get?${new URLSearchParams({ trace_id, allow_partial: 'true' })}`,
  })
  const { trace_info: info, spans = [] } = answer.trace
  await printDetails(asked, answer, () => [
    { details: mainDetails(info) },
    spansSection(spans),
    assessmentsSection(info),
    tagsSection(pairsOf(info.tags)),
    { ...tagsSection(pairsOf(info.trace_metadata)), title: 'Metadata', prefix: 'metadata.' },
  ])
}

const mainDetails = (info: TraceInfo): Detail[] => [
  { label: 'Trace ID', value: info.trace_id },
  { label: 'Name', value: nameOf(info) },
  { label: 'Experiment ID', value: experimentOf(info) },
  { label: 'State', value: info.state, kind: 'state' },
  { label: 'Started', value: startOf(info), kind: 'time' },
  { label: 'Duration', value: durationOf(info), kind: 'duration' },
  { label: 'Tokens', value: tokensOf(info), kind: 'number' },
  { label: 'Cost', value: costOf(info), kind: 'number' },
  { label: 'Size', value: sizeOf(info), kind: 'size' },
  { label: 'Request', value: info.request_preview },
  { label: 'Response', value: info.response_preview },
]

/** What is valid of assessments. */
const assessmentsSection = ({ assessments = [] }: TraceInfo): Section => ({
  title: 'Assessments',
  prefix: 'assessments.',
  details: assessments
    .filter(({ valid }) => valid !== false)
    .map(({ assessment_name: label, feedback, expectation, issue, source, rationale }) => ({
      label,
      value: told(feedback?.value ?? expectation?.value ?? issue?.issue_name),
      remark: [source.source_id, rationale].filter(Boolean).join(': '),
    })),
})

const told = (value: unknown): Value =>
  typeof value === 'string' ? value : value === undefined ? undefined : JSON.stringify(value)

/** `traces delete` @returns the exit code */
export async function deleteTraces(asked: Asked, names: readonly string[]): Promise<number> {
  const found = await Promise.all(names.map((name) => findTrace(asked, name)))
  return changeAll(asked, found, {
    done: 'Deleted',
    describe: (info) => `trace ${info.trace_id} (${nameOf(info) ?? ''})`,
    question: 'Traces cannot be restored.',
    change: (info) =>
      asked.ask({
        method: 'POST',
        path: `${API}/delete-traces`,
        body: { experiment_id: experimentOf(info), request_ids: [info.trace_id] },
      }),
  })
}
