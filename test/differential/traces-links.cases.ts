// Cases of what traces are linked to: runs, versions of prompts, logged models.
import { type Case, createExperiment, createRun, get, known, post, type Step } from './cases.ts'
import { API3, child, exported, getInfo, span, traceId } from './traces-otlp.cases.ts'
import { info, start } from './traces-writing.cases.ts'

const ids = (...numbers: number[]) => numbers.map((number) => `tr-${traceId(number)}`)
const linkRun = (trace_ids: unknown, run_id: unknown = '<r>'): Step =>
  post('traces/link-to-run', { trace_ids, run_id })
const linkPrompts = (prompt_versions: unknown, trace_id: unknown = ids(1)[0]): Step =>
  post('traces/link-prompts', { trace_id, prompt_versions })
const search = (filter: string, more: object = {}): Step =>
  post(`${API3}traces/search`, {
    locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '<e>' } }],
    filter,
    ...more,
  })
const traces = (...numbers: number[]): Step =>
  exported(numbers.map((number) => span(1, { traceId: traceId(number) })))
const ofRun = search("attributes.run_id = '<r>'")

export const linkCases: Case[] = [
  {
    title: 'links traces to a run',
    steps: [
      createExperiment('e'),
      createRun('r', 'e'),
      createRun('other', 'e'),
      traces(1, 2, 3),
      start(info(4, { trace_metadata: { 'mlflow.sourceRun': '<r>' } })),
      ofRun,
      linkRun(ids(1, 2)),
      linkRun(ids(2, 3)),
      linkRun(ids(4)),
      ofRun,
      search("run_id = '<r>'", { max_results: 2 }),
      search("metadata.mlflow.sourceRun = '<r>' AND request_id != 'x'"),
      search("request_metadata.`mlflow.sourceRun` = '<r>'"),
      search("attributes.run_id != '<r>'"),
      search("attributes.run_id LIKE '<r>%'"),
      search("run_id = '<other>'"),
      get('traces', { experiment_ids: '<e>', filter: "run_id = '<r>'" }),
      getInfo(1),
      // Before its spans arrive.
      linkRun(ids(7), '<other>'),
      traces(7),
      search("run_id = '<other>'"),
      linkRun(ids(1), 'no run'),
      search("run_id = 'no run'"),
      post(`${API3}traces/delete-traces`, { experiment_id: '<e>', request_ids: ids(2) }),
      ofRun,
    ],
  },
  {
    title: 'refuses wrong links to runs',
    steps: [
      createExperiment('e'),
      createRun('r', 'e'),
      traces(1),
      known('links given twice taken once', linkRun(ids(1, 1))),
      linkRun([]),
      linkRun(undefined),
      linkRun('x'),
      linkRun([5]),
      linkRun(ids(1), null),
      linkRun(ids(1), ''),
      linkRun(ids(1), 5),
      linkRun(Array.from({ length: 100 }, (_, number) => `tr-${number}`)),
      linkRun(Array.from({ length: 101 }, (_, number) => `tr-${number}`)),
      post('traces/link-to-run'),
    ],
  },
  {
    title: 'links traces that arrive for a run',
    steps: [
      createExperiment('e'),
      createRun('r', 'e'),
      exported([span(1), child(2, 1), child(3, 1, { traceId: traceId(2) })], {
        headers: { 'x-mlflow-experiment-id': '<e>', 'x-mlflow-run-id': '<r>' },
      }),
      ofRun,
      exported([span(1, { traceId: traceId(2) })], {
        as: 'json',
        headers: { 'x-mlflow-experiment-id': '<e>', 'x-mlflow-run-id': '<r>' },
      }),
      ofRun,
      exported(
        Array.from({ length: 101 }, (_, number) => span(1, { traceId: traceId(200 + number) })),
        { headers: { 'x-mlflow-experiment-id': '<e>', 'x-mlflow-run-id': '<r>' } },
      ),
      ofRun,
    ],
  },
  {
    title: 'links versions of prompts to a trace',
    steps: [
      createExperiment('e'),
      traces(1, 2),
      linkPrompts([{ name: '<case>', version: '1' }]),
      linkPrompts([
        { name: '<case>', version: '1' },
        { name: '<case>', version: '02' },
        { name: 'q', version: '1' },
      ]),
      linkPrompts([{ name: '<case>', version: '1' }], ids(2)[0]),
      ...['1', '2', '3', '02'].map((version) => search(`prompt = '<case>/${version}'`)),
      search("attributes.prompt = 'q/1' AND status = 'OK'"),
      search("prompt = 'q/1' AND prompt = '<case>/2'"),
      search("tags.mlflow.linkedPrompts = '<case>/1'"),
      getInfo(1),
      ...["prompt = 'q'", "prompt = 'q/1/2'", "prompt != 'q/1'", "prompt LIKE 'q/1'", 'prompt IS NULL'].map(
        (filter) => search(filter),
      ),
      ...["prompt IN ('q/1')", 'prompt = 5', "prompt > 'q/1'"].map((filter) => search(filter)),
      linkPrompts([]),
      linkPrompts([], 'tr-none'),
      linkPrompts([{ name: 'q', version: '1' }], 'tr-none'),
      linkPrompts([{ name: 'q', version: 'x' }]),
      linkPrompts([{ name: 'q' }]),
      linkPrompts([{ version: '1' }]),
      linkPrompts(undefined),
      linkPrompts([{ name: 'q', version: '1' }], null),
      linkPrompts([{ name: 'q', version: '1' }], ''),
      linkPrompts(5),
    ],
  },
  {
    title: 'finds the traces of a logged model',
    steps: [
      createExperiment('e'),
      start(info(1, { trace_metadata: { 'mlflow.modelId': 'm-1' } })),
      start(info(2, { trace_metadata: { 'mlflow.modelId': 'm-2' } })),
      search("request_metadata.`mlflow.modelId` = 'm-1'"),
      search("metadata.mlflow.modelId != 'm-1'"),
    ],
  },
  {
    title: 'has no traces of Databricks',
    steps: [
      get('unified-traces', { experiment_ids: '0' }),
      get('unified-traces'),
      get('get-online-trace-details', { trace_id: 'x' }),
    ],
  },
]
