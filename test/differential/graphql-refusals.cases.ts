// Cases of GraphQL: what goes wrong, what is refused, which limits there are.
import { MUST_MATCH } from '../support/compare.ts'
import { type Case, createExperiment, createRun, known, post, type Step, send } from './cases.ts'
import { ask, inline, MISSING, raw } from './graphql-steps.ts'
import { GET_EXPERIMENT, GET_RUN, SEARCH_RUNS } from './graphql-ui.ts'

const libraryText = (step: Step) => known('texts of the GraphQL library', step)

export const refusalCases: Case[] = [
  {
    title: 'tells what went wrong beside the data, with status 200',
    steps: [
      createExperiment('e'),
      ask(GET_RUN, { data: { runId: MISSING } }),
      ask(GET_EXPERIMENT, { input: { experimentId: '987654321987654321' } }),
      ask(GET_EXPERIMENT, { input: { experimentId: 'abc' } }),
      ask(SEARCH_RUNS, { data: { experimentIds: ['<e>'], filter: 'not a filter' } }),
      ask(SEARCH_RUNS, { data: { experimentIds: ['<e>'], orderBy: ['metrics.a.b c'] } }),
      ask(SEARCH_RUNS, { data: { experimentIds: ['<e>'], maxResults: 0 } }),
      known(
        'message checked as in REST',
        ask(SEARCH_RUNS, { data: { experimentIds: ['<e>'], maxResults: 50_001 } }),
      ),
      known('message checked as in REST', ask(SEARCH_RUNS, { data: { experimentIds: [null] } })),
      ask(inline('modelVersions { name }', 'mlflowSearchModelVersions', '{maxResults: -1}')),
      known(
        'message checked as in REST',
        ask(inline('modelVersions { name }', 'mlflowSearchModelVersions', '{maxResults: 200001}')),
      ),
      ask('mutation { mlflowSearchDatasets(input: {}) { datasetSummaries { name } } }'),
      ask(inline('rootUri', 'mlflowListArtifacts', `{runId: "${MISSING}"}`)),
      ask(inline('rootUri', 'mlflowListArtifacts', '{}')),
      createRun('r', 'e'),
      ask(inline('rootUri', 'mlflowListArtifacts', '{runId: "<r>", path: "../up"}')),
      known('message checked as in REST', ask(inline('run { info { runId } }', 'mlflowGetRun', '{}'))),
      known('message checked as in REST', ask('{ mlflowGetRun { run { info { runId } } } }')),
      known(
        'view type by its name',
        ask(
          inline(
            'runs { info { runName } }',
            'mlflowSearchRuns',
            '{experimentIds: ["<e>"], runViewType: ALL}',
          ),
        ),
      ),
    ],
  },
  {
    title: 'refuses what is no query of the schema',
    steps: [
      libraryText(ask('{ nothing }')),
      libraryText(ask('{ nothing test }')),
      libraryText(ask('{ test(other: "a") { output } }')),
      ask('{ test(inputString: 5) { output } }'),
      libraryText(ask('query ($s: String!) { test(inputString: $s) { output } }')),
      libraryText(ask('query ($s: String!) { test(inputString: $s) { output } }', { s: 5 })),
      libraryText(ask(SEARCH_RUNS, { data: { nothing: 1 } })),
      libraryText(ask(SEARCH_RUNS, { data: { runViewType: 1 } })),
      libraryText(ask(SEARCH_RUNS, { data: { maxResults: 99_999_999_999 } })),
      libraryText(ask('query @nothing { __typename }')),
      libraryText(
        ask('query ($s: Boolean!) { test(inputString: "a") { output @skip(if: $s) } }', { s: true }),
      ),
      libraryText(ask('query @component { __typename }')),
      libraryText(ask('fragment F on Test { output }')),
      libraryText(ask('type T { a: String }')),
      libraryText(ask('{ ...F } fragment F on Query { ...F }')),
      libraryText(raw({ query: 'query A { __typename }', operationName: 'B' })),
      libraryText(raw({ query: 'query A { __typename }', operationName: '' })),
      raw({ query: '{ test(' }),
      raw({ query: '' }),
      raw({ query: 5 }),
      raw({}),
      raw([{ query: '{ __typename }' }]),
      raw({ query: '{ __typename }', variables: [1] }),
      raw({ raw: '{"query"', contentType: 'application/json' }),
      raw({ raw: '{"query": "{ __typename }"}', contentType: 'text/plain' }),
      raw({ raw: '{"query": "{ __typename }"}' }),
      send('GET', '/graphql', undefined, { shape: MUST_MATCH }),
      send('PUT', '/graphql', { query: '{ __typename }' }, { shape: MUST_MATCH }),
      post('/api/2.0/graphql', { query: '{ __typename }' }, { shape: MUST_MATCH }),
    ],
  },
  {
    title: 'keeps the limits of depth, selections, root fields and aliases',
    steps: [
      ask(`{ ${repeat(10, (i) => `a${i}: test(inputString: "a") { output }`)} }`),
      ask(`{ ${repeat(11, (i) => `a${i}: test(inputString: "a") { output }`)} }`),
      ask(`{ ${repeat(10, () => '__typename')} }`),
      ask(`{ ${repeat(11, () => '__typename')} }`),
      ask(`{ test(inputString: "a") { ${repeat(11, (i) => `a${i}: output`)} } }`),
      ask(
        `{ test(inputString: "a") { ...A ...B } } fragment A on Test { ${repeat(6, (i) => `a${i}: output`)} } fragment B on Test { ${repeat(6, (i) => `b${i}: output`)} }`,
      ),
      ask(`{ test(inputString: "a") { ${repeat(1000, () => 'output')} } }`),
      ask(`{ test(inputString: "a") { ${repeat(999, () => 'output')} } }`),
      ask(`{ ${'a { '.repeat(10)} b ${' }'.repeat(10)} }`),
      libraryText(ask(`{ ${'a { '.repeat(9)} b ${' }'.repeat(9)} }`)),
      ask('{ test(inputString: "a") { ...F } } fragment F on Test { a { ...F } }'),
    ],
  },
]

function repeat(count: number, text: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => text(index)).join(' ')
}
