// Cases of GraphQL: what the web UI asks, and all else that can be asked.
import { MUST_MATCH, TYPE_MUST_MATCH } from '../support/compare.ts'
import { type Case, createExperiment, known, post, send } from './cases.ts'
import {
  answer,
  ask,
  EXPERIMENT,
  FULL_RUN,
  FULL_VERSION,
  history,
  inline,
  MISSING,
  ONE_RUN,
  RUNS,
  raw,
  start,
  VERSION,
} from './graphql-steps.ts'
import { GET_EXPERIMENT, GET_RUN, SEARCH_RUNS } from './graphql-ui.ts'

export const readingCases: Case[] = [
  {
    title: 'answers what the web UI asks of a run, as REST does but with names of its own',
    steps: [
      ...start,
      ask(GET_RUN, { data: { runId: '<r>' } }, ONE_RUN),
      ask(GET_RUN, { data: { runId: '<bare>' } }, ONE_RUN),
      ask(
        GET_EXPERIMENT,
        { input: { experimentId: '<e>' } },
        answer('mlflowGetExperiment', { experiment: EXPERIMENT }),
      ),
      ask(SEARCH_RUNS, { data: { experimentIds: ['<e>'], filter: "attributes.run_id = '<r>'" } }, RUNS),
      ask(SEARCH_RUNS, { data: { experimentIds: ['<e>'], orderBy: ['attributes.start_time'] } }, RUNS),
      ask(
        SEARCH_RUNS,
        { data: { experimentIds: ['<e>'], orderBy: ['start_time DESC'], maxResults: 2 } },
        RUNS,
      ),
      ask(SEARCH_RUNS, { data: { experimentIds: ['<e>'], filter: 'metrics.loss < 0.1' } }, RUNS),
      ask(SEARCH_RUNS, { data: { experimentIds: ['<e>'], filter: "tags.nothing = 'x'" } }, RUNS),
      post('runs/log-inputs', { run_id: '<bare>', models: [{ model_id: 'm-1' }] }),
      ask(GET_RUN, { data: { runId: '<bare>' } }, ONE_RUN),
      known(
        'models that a found run reads',
        ask(SEARCH_RUNS, { data: { experimentIds: ['<e>'], filter: "attributes.run_id = '<bare>'" } }, RUNS),
      ),
      ask(SEARCH_RUNS, { data: { experimentIds: [] } }, RUNS),
      ask(SEARCH_RUNS, { data: {} }, RUNS),
    ],
  },
  {
    title: 'samples histories for charts',
    steps: [
      ...start,
      history({ runIds: ['<r>'], metricKey: 'loss', maxResults: 320 }),
      history({ runIds: ['<r>', '<s>', '<bare>'], metricKey: 'huge', maxResults: 320 }),
      history({ runIds: ['<r>'], metricKey: 'low' }),
      history({ runIds: ['<r>'], metricKey: 'big' }),
      history({ runIds: ['<r>'], metricKey: 'missing' }),
      history({ runIds: [MISSING], metricKey: 'loss' }),
      history({ runIds: [], metricKey: 'loss' }),
      known('NaN of a history is null', history({ runIds: ['<r>'], metricKey: 'odd' })),
      known('bounds of a history kept', history({ runIds: ['<r>'], metricKey: 'loss', maxResults: 10 })),
      known(
        'bounds of a history kept',
        history({ runIds: ['<r>'], metricKey: 'loss', startStep: 5, endStep: 9 }),
      ),
      known('message checked as in REST', history({ runIds: ['<r>'], metricKey: 'loss', maxResults: 0 })),
      known('message checked as in REST', history({ runIds: ['<r>'], metricKey: 'loss', startStep: 5 })),
      known(
        'message checked as in REST',
        history({ runIds: ['<r>'], metricKey: 'loss', startStep: 5, endStep: 1 }),
      ),
      known('message checked as in REST', history({ runIds: Array(101).fill('<r>'), metricKey: 'zero' })),
      known('message checked as in REST', history({ runIds: ['<r>'] })),
      known('message checked as in REST', history({ metricKey: 'loss' })),
    ],
  },
  {
    title: 'answers every field of every type, with defaults for what is absent',
    steps: [
      ...start,
      ask(
        inline(`run { ${FULL_RUN} modelVersions { ${FULL_VERSION} } }`, 'mlflowGetRun', '{runId: "<r>"}'),
        {},
        ONE_RUN,
      ),
      ask(
        inline(
          `run { ${FULL_RUN} modelVersions { ${FULL_VERSION} } }`,
          'mlflowGetRun',
          '{runUuid: "<bare>"}',
        ),
        {},
        ONE_RUN,
      ),
      ask(
        inline(
          `runs { ${FULL_RUN} } nextPageToken apiError { code message helpUrl traceId errorDetails { field } }`,
          'mlflowSearchRuns',
          '{experimentIds: ["<e>"], orderBy: ["start_time"]}',
        ),
        {},
        RUNS,
      ),
      ask(
        `mutation ${inline(`runs { ${FULL_RUN} }`, 'mlflowSearchRuns', '{experimentIds: ["<e>"], orderBy: ["start_time"]}')}`,
        {},
        RUNS,
      ),
      ask(
        inline(
          `modelVersions { ${FULL_VERSION} } nextPageToken`,
          'mlflowSearchModelVersions',
          `{filter: "name = '<case>-one'", orderBy: ["version_number DESC"]}`,
        ),
        {},
        answer('mlflowSearchModelVersions', {
          modelVersions: { items: VERSION },
          nextPageToken: TYPE_MUST_MATCH,
        }),
      ),
      ask(
        inline(
          'modelVersions { name version } nextPageToken',
          'mlflowSearchModelVersions',
          `{filter: "name LIKE '<case>-%'", maxResults: 2, orderBy: ["name", "version_number"]}`,
        ),
        {},
        answer('mlflowSearchModelVersions', { modelVersions: MUST_MATCH, nextPageToken: TYPE_MUST_MATCH }),
      ),
      known(
        'no error about deployment jobs',
        ask(
          inline(
            'modelVersions { deploymentJobState { jobId runId jobState runState currentTaskName } }',
            'mlflowSearchModelVersions',
            `{filter: "name = '<case>-two'"}`,
          ),
        ),
      ),
      ask(
        'mutation { mlflowSearchDatasets(input: {experimentIds: ["<e>"]}) { datasetSummaries { experimentId name digest context } apiError { code } } }',
      ),
      ask('mutation { mlflowSearchDatasets(input: {experimentIds: ["0"]}) { datasetSummaries { name } } }'),
      send('POST', '/ajax-api/2.0/mlflow/upload-artifact?run_uuid=<r>&path=notes/a.txt', { a: 1 }),
      send('POST', '/ajax-api/2.0/mlflow/upload-artifact?run_uuid=<r>&path=b.txt', { b: 1 }),
      ask(
        inline(
          'rootUri files { path isDir fileSize } nextPageToken apiError { code }',
          'mlflowListArtifacts',
          '{runId: "<r>"}',
        ),
      ),
      ask(
        inline(
          'rootUri files { path isDir fileSize }',
          'mlflowListArtifacts',
          '{runUuid: "<r>", path: "notes"}',
        ),
      ),
      ask(
        inline(
          'rootUri files { path }',
          'mlflowListArtifacts',
          '{runId: "<r>", path: "none", pageToken: ""}',
        ),
      ),
    ],
  },
  {
    title: 'understands operations, fragments, aliases and variables as GraphQL does',
    steps: [
      createExperiment('e'),
      ask('{ __typename }'),
      ask('{ test(inputString: "a") { output __typename } }'),
      ask('{ test(inputString: null) { output } }'),
      ask('mutation { testMutation(inputString: "a") { output } }'),
      ask('query Q($s: String) { test(inputString: $s) { output } }', { s: 'x' }),
      ask('query Q($s: String) { test(inputString: $s) { output } }', { s: null }),
      ask('query Q($s: String = "d") { test(inputString: $s) { output } }'),
      ask('{ a: test(inputString: "a") { output } b: test(inputString: "b") { x: output } }'),
      ask('{ test(inputString: "a") { ...F ... on Test { y: output } } } fragment F on Test { output }'),
      ask(
        'query ($e: String) { x: mlflowGetExperiment(input: {experimentId: $e}) { experiment { name } } y: mlflowGetExperiment(input: {experimentId: "987654321987654321"}) { experiment { name } } }',
        { e: '<e>' },
      ),
      raw({
        query: 'query A { __typename } query B { test(inputString: "b") { output } }',
        operationName: 'B',
      }),
      raw({ query: 'query A { __typename } query B { __typename }' }),
      raw({ query: 'query A { __typename }', operationName: 'A', variables: null, extensions: {} }),
      raw({ query: 'subscription { __typename }' }),
    ],
  },
]
