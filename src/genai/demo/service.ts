// Makes and removes the demo by the requests that a client would send, each of which may be repeated: what a crash leaves unfinished, the next
// call finishes.
import { MlflowError } from '../../errors.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { EXPERIMENT_NAME, ISSUES, JUDGES, PROMPTS, QUESTIONS } from './content.ts'
import { type DemoTrace, demoTraces } from './traces.ts'

/** Sends a request to this server and answers its body. @throws MlflowError as it is refused with */
export type Call = (
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object,
  headers?: Record<string, string>,
) => Promise<Record<string, unknown>>

const API2 = '/api/2.0/mlflow'
const API3 = '/api/3.0/mlflow'
/** Of all that the demo makes; a higher one makes it anew. */
const VERSION = '1'
const DATASET_NAME = 'demo-questions'
const QUEUE_NAME = 'Demo Response Review'
const REVIEWERS = ['ada', 'grace']
const tagOf = (feature: string) => `mlflow.demo.version.${feature}`

interface Experiment {
  experiment_id: string
  lifecycle_stage: string
  tags?: { key: string; value: string }[]
}

/** Answers undefined for what is not there. */
async function ifThere<Found>(found: Promise<Found>): Promise<Found | undefined> {
  return found.catch((error) => {
    if (error instanceof MlflowError && error.code === 'RESOURCE_DOES_NOT_EXIST') return undefined
    throw error
  })
}

/** Makes something whose name tells it apart, unless it is there. */
async function make(call: Call, path: string, body: object): Promise<void> {
  await call('POST', path, body).catch((error) => {
    if (!(error instanceof MlflowError && error.code === 'RESOURCE_ALREADY_EXISTS')) throw error
  })
}

async function findExperiment(call: Call): Promise<Experiment | undefined> {
  const query = new URLSearchParams({ experiment_name: EXPERIMENT_NAME })
  const found = await ifThere(call('GET', `${API2}/experiments/get-by-name?${query}`))
  return found?.experiment as Experiment | undefined
}

async function ensureExperiment(call: Call): Promise<string> {
  const existing = await findExperiment(call)
  if (existing?.lifecycle_stage === 'deleted') {
    await call('POST', `${API2}/experiments/restore`, { experiment_id: existing.experiment_id })
  }
  if (existing) return existing.experiment_id
  const made = await call('POST', `${API2}/experiments/create`, {
    name: EXPERIMENT_NAME,
    tags: [{ key: 'mlflow.experimentKind', value: 'genai_development' }],
  })
  return String(made.experiment_id)
}

interface Scene {
  call: Call
  experimentId: string
  traces: DemoTrace[]
}
interface Feature {
  name: string
  make: (scene: Scene) => Promise<void>
  remove: (scene: Scene) => Promise<void>
}

async function makePrompts({ call, experimentId }: Scene): Promise<void> {
  const isPrompt = { key: 'mlflow.prompt.is_prompt', value: 'true' }
  for (const { name, versions } of PROMPTS) {
    await make(call, `${API2}/registered-models/create`, {
      name,
      tags: [
        isPrompt,
        { key: 'demo', value: 'true' },
        { key: '_mlflow_experiment_ids', value: `,${experimentId},` },
      ],
    })
    for (const [index, { template, message, alias }] of versions.entries()) {
      const version = String(index + 1)
      const query = new URLSearchParams({ name, version })
      const isMade = await ifThere(call('GET', `${API2}/model-versions/get?${query}`))
      const isText = typeof template === 'string'
      if (!isMade) {
        await call('POST', `${API2}/model-versions/create`, {
          name,
          source: 'dummy-source',
          description: message,
          tags: [
            isPrompt,
            { key: 'mlflow.prompt.text', value: isText ? template : JSON.stringify(template) },
            { key: '_mlflow_prompt_type', value: isText ? 'text' : 'chat' },
          ],
        })
      }
      await call('POST', `${API2}/registered-models/alias`, { name, alias, version })
    }
  }
}

async function removePrompts({ call }: Scene): Promise<void> {
  for (const { name } of PROMPTS) await ifThere(call('DELETE', `${API2}/registered-models/delete`, { name }))
}

async function makeTraces({ call, experimentId, traces }: Scene): Promise<void> {
  const spans = traces.flatMap((trace) => trace.spans)
  await call(
    'POST',
    '/v1/traces',
    { resourceSpans: [{ scopeSpans: [{ spans }] }] },
    {
      'x-mlflow-experiment-id': experimentId,
    },
  )
  await Promise.all(traces.map((trace) => describe(call, experimentId, trace)))
}

/** What a person would have liked to read, and what the judges say. */
function assessmentsOf({ version, expected }: DemoTrace): object[] {
  const isGood = version === 'v2'
  return [
    {
      assessment_name: 'expected_response',
      source: { source_type: 'HUMAN', source_id: REVIEWERS[0] },
      expectation: { value: expected },
    },
    ...JUDGES.map(({ name, verdicts }) => ({
      assessment_name: name,
      source: { source_type: 'LLM_JUDGE', source_id: judgeName(name) },
      feedback: { value: isGood ? 'yes' : 'no' },
      rationale: isGood ? verdicts.yes : verdicts.no,
    })),
  ]
}

/** Whose conversation it is, which prompt was used, and how good it is. */
async function describe(call: Call, experimentId: string, trace: DemoTrace): Promise<void> {
  const { traceId, version, kind, session, user, startMs, endMs, question, answer } = trace
  const [prompt] = PROMPTS
  const link =
    kind === 'prompt' && prompt ? { name: prompt.name, version: version === 'v1' ? '1' : '2' } : undefined
  await call('POST', `${API3}/traces`, {
    trace: {
      trace_info: {
        trace_id: traceId,
        trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } },
        request_time: new Date(startMs).toISOString(),
        execution_duration: `${(endMs - startMs) / 1000}s`,
        state: 'OK',
        request_preview: question,
        response_preview: answer,
        trace_metadata: {
          'mlflow.demo.version': version,
          'mlflow.demo.trace_type': kind,
          ...(session && { 'mlflow.trace.session': session }),
          ...(user && { 'mlflow.trace.user': user }),
        },
        ...(link && { tags: { 'mlflow.linkedPrompts': JSON.stringify([link]) } }),
        assessments: assessmentsOf(trace),
      },
    },
  })
  if (link) await call('POST', `${API2}/traces/link-prompts`, { trace_id: traceId, prompt_versions: [link] })
}

const idsOf = (traces: readonly DemoTrace[]) => traces.map(({ traceId }) => traceId)

async function removeTraces({ call, experimentId, traces }: Scene): Promise<void> {
  await call('POST', `${API3}/traces/delete-traces`, {
    experiment_id: experimentId,
    request_ids: idsOf(traces),
  })
}

async function findDatasets({ call, experimentId }: Scene): Promise<string[]> {
  const found = await call('POST', `${API3}/datasets/search`, {
    experiment_ids: [experimentId],
    filter_string: `name = '${DATASET_NAME}'`,
  })
  return ((found.datasets ?? []) as { dataset_id: string }[]).map(({ dataset_id }) => dataset_id)
}

async function makeDataset(scene: Scene): Promise<void> {
  const { call, experimentId, traces } = scene
  if ((await findDatasets(scene)).length === 0) {
    await call('POST', `${API3}/datasets/create`, { name: DATASET_NAME, experiment_ids: [experimentId] })
  }
  const [id] = await findDatasets(scene)
  const records = traces
    .filter(({ version, kind }) => version === 'v2' && kind !== 'session')
    .map(({ question, expected }) => ({
      inputs: { question },
      expectations: { expected_response: expected },
      tags: { demo: 'true' },
    }))
  await call('POST', `${API3}/datasets/${id}/records`, { records: JSON.stringify(records) })
}

async function removeDataset(scene: Scene): Promise<void> {
  for (const id of await findDatasets(scene)) await ifThere(scene.call('DELETE', `${API3}/datasets/${id}`))
}

async function findJudges({ call, experimentId }: Scene): Promise<string[]> {
  const found = await call('GET', `${API3}/scorers/list?experiment_id=${experimentId}`)
  return ((found.scorers ?? []) as { scorer_name: string }[]).map(({ scorer_name }) => scorer_name)
}

const judgeName = (name: string) => `${EXPERIMENT_NAME}.judges.${name}`.toLowerCase().replaceAll(' ', '-')

async function makeJudges(scene: Scene): Promise<void> {
  const existing = await findJudges(scene)
  for (const { name, description, instructions } of JUDGES) {
    if (existing.includes(judgeName(name))) continue
    await scene.call('POST', `${API3}/scorers/register`, {
      experiment_id: scene.experimentId,
      name: judgeName(name),
      serialized_scorer: JSON.stringify({
        name: judgeName(name),
        aggregations: [],
        description,
        is_session_level_scorer: false,
        mlflow_version: '3.17.2',
        serialization_version: 1,
        instructions_judge_pydantic_data: {
          instructions,
          model: 'openai:/gpt-4.1-mini',
          feedback_value_type: { title: 'Result', type: 'string' },
        },
      }),
    })
  }
}

async function removeJudges({ call, experimentId }: Scene): Promise<void> {
  for (const { name } of JUDGES) {
    const judge = { experiment_id: experimentId, name: judgeName(name) }
    await ifThere(call('DELETE', `${API3}/scorers/delete`, judge))
  }
}

interface FoundIssue {
  issue_id: string
  name: string
  status: string
}
async function findIssues({ call, experimentId }: Scene): Promise<FoundIssue[]> {
  const found = await call('POST', `${API3}/issues/search`, { experiment_id: experimentId })
  return (found.issues ?? []) as FoundIssue[]
}

async function makeIssues(scene: Scene): Promise<void> {
  const existing = new Set((await findIssues(scene)).map(({ name }) => name))
  for (const issue of ISSUES) {
    if (existing.has(issue.name)) continue
    await scene.call('POST', `${API3}/issues`, {
      ...issue,
      experiment_id: scene.experimentId,
      created_by: 'demo',
    })
  }
}

async function makeReviews({ call, experimentId, traces }: Scene): Promise<void> {
  for (const question of QUESTIONS) {
    await make(call, `${API3}/label-schemas/create`, { experiment_id: experimentId, ...question })
  }
  const { label_schemas: schemas = [] } = await call(
    'GET',
    `${API3}/label-schemas/list?experiment_id=${experimentId}`,
  )
  await make(call, `${API3}/review-queues/create`, {
    experiment_id: experimentId,
    name: QUEUE_NAME,
    queue_type: 'CUSTOM',
    users: REVIEWERS,
    schema_ids: (schemas as { schema_id: string }[]).map(({ schema_id }) => schema_id),
  })
  const queueId = await findQueue(call, experimentId)
  const ids = idsOf(traces.filter(({ version }) => version === 'v1')).slice(0, 6)
  await call('POST', `${API3}/review-queues/items/add`, {
    queue_id: queueId,
    item_type: 'TRACE',
    item_ids: ids,
  })
  for (const [index, id] of ids.slice(0, 2).entries()) {
    await call('POST', `${API3}/review-queues/items/set-status`, {
      queue_id: queueId,
      item_id: id,
      status: 'COMPLETE',
      completed_by: REVIEWERS[index],
    })
  }
}

async function findQueue(call: Call, experimentId: string): Promise<string | undefined> {
  const query = new URLSearchParams({ experiment_id: experimentId, name: QUEUE_NAME })
  const found = await ifThere(call('GET', `${API3}/review-queues/get-by-name?${query}`))
  return (found?.review_queue as { queue_id: string } | undefined)?.queue_id
}

async function removeReviews({ call, experimentId }: Scene): Promise<void> {
  const queueId = await findQueue(call, experimentId)
  if (queueId) await ifThere(call('POST', `${API3}/review-queues/delete`, { queue_id: queueId }))
}

/** In this order: prompts before the traces that name them, traces before what holds them. Issues go with their experiment. */
const FEATURES: readonly Feature[] = [
  { name: 'prompts', make: makePrompts, remove: removePrompts },
  { name: 'traces', make: makeTraces, remove: removeTraces },
  { name: 'evaluation', make: makeDataset, remove: removeDataset },
  { name: 'judges', make: makeJudges, remove: removeJudges },
  { name: 'issues', make: makeIssues, remove: async () => {} },
  { name: 'review_queues', make: makeReviews, remove: removeReviews },
]

export type DemoService = ReturnType<typeof createDemoService>

export function createDemoService({ clock }: { clock: Clock }) {
  const sceneOf = (call: Call, experimentId: string): Scene => ({
    call,
    experimentId,
    traces: demoTraces(experimentId, clock.now()),
  })
  const isDone = ({ tags = [] }: Experiment, { name }: Feature) =>
    tags.some(({ key, value }) => key === tagOf(name) && value === VERSION)

  /** Makes those of the features that are not there; all of them unless some are named. @see mlflow/server/handlers.py _generate_demo */
  async function generate(call: Call, names: readonly unknown[] | undefined) {
    const wanted = FEATURES.filter(({ name }) => names?.includes(name) ?? true)
    const existing = await findExperiment(call)
    const isActive = existing?.lifecycle_stage === 'active'
    const missing = isActive ? wanted.filter((feature) => !isDone(existing, feature)) : wanted
    const experimentId =
      missing.length > 0 || !existing ? await ensureExperiment(call) : existing.experiment_id
    const scene = sceneOf(call, experimentId)
    for (const feature of missing) {
      await feature.make(scene)
      await call('POST', `${API2}/experiments/set-experiment-tag`, {
        experiment_id: experimentId,
        key: tagOf(feature.name),
        value: VERSION,
      })
    }
    return {
      status: existing && missing.length === 0 ? 'exists' : 'created',
      experiment_id: experimentId,
      features_generated: missing.map(({ name }) => name),
      navigation_url: `/experiments/${experimentId}`,
    }
  }

  /** Removes what `generate` has made; the experiment can be restored. @see mlflow/server/handlers.py _delete_demo */
  async function remove(call: Call) {
    const existing = await findExperiment(call)
    const done = existing?.lifecycle_stage === 'active' ? FEATURES.filter((one) => isDone(existing, one)) : []
    if (existing && done.length > 0) {
      const scene = sceneOf(call, existing.experiment_id)
      for (const feature of [...done].reverse()) {
        await feature.remove(scene)
        await call('POST', `${API2}/experiments/delete-experiment-tag`, {
          experiment_id: existing.experiment_id,
          key: tagOf(feature.name),
        })
      }
    }
    if (existing?.lifecycle_stage === 'active') {
      await call('POST', `${API2}/experiments/delete`, { experiment_id: existing.experiment_id })
    }
    return { status: 'deleted', features_deleted: done.map(({ name }) => name) }
  }

  return { generate, remove }
}
