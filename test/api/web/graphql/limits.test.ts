// Hostile GraphQL: whatever is asked, the answer comes at once and is bounded.
import { beforeAll, describe, expect, it } from 'vitest'
import { startApp, type TestApp } from '../../../support/app.ts'
import { engineTarget } from '../../../support/engines.ts'
import { missing } from '../../../support/services.ts'

interface Answer {
  data: unknown
  errors: string[] | null
}

const repeat = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ')

describe.skipIf(missing('pglite'))('GraphQL', () => {
  const target = engineTarget('PGlite')
  let app: TestApp
  beforeAll(async () => {
    app = await startApp(target, { graphql: { maxRootFields: 3, maxAliases: 2 } })
    return () => app.close()
  })

  const ask = (query: string, variables?: object) => app.request('POST', '/graphql', { query, variables })
  const errorsOf = async (query: string) => {
    const { status, body } = await ask(query)
    expect(status).toBe(200)
    return (body as Answer).errors
  }

  it('takes the limits of its settings', async () => {
    const roots = (count: number) => errorsOf(`{ ${repeat(count, () => '__typename')} }`)
    expect(await roots(3)).toBeNull()
    expect(await roots(4)).toEqual([
      'GraphQL queries should have at most 3 root fields, got 4 root fields. To increase the limit, set the MLFLOW_SERVER_GRAPHQL_MAX_ROOT_FIELDS environment variable.',
    ])
    const aliases = (count: number) =>
      errorsOf(`{ test(inputString: "a") { ${repeat(count, (i) => `a${i}: output`)} } }`)
    expect(await aliases(2)).toBeNull()
    expect(await aliases(3)).toEqual([
      'GraphQL queries should have at most 2 aliases, got 3 aliases. To increase the limit, set the MLFLOW_SERVER_GRAPHQL_MAX_ALIASES environment variable.',
    ])
  })

  it.each([
    [
      'a query of a megabyte',
      `{ test(inputString: "${'x'.repeat(1_000_000)}") { output } }`,
      /longer than 100000/,
    ],
    ['many words', `{ ${repeat(20_000, () => 'a')} }`, /more than 10000 words/],
    ['brackets in brackets', `{ test(inputString: ${'['.repeat(5000)}`, /more than 100 nested brackets/],
    ['selections in selections', '{ a '.repeat(4000), /more than 100 nested brackets/],
    ['types in types', `query ($a: ${'['.repeat(4000)}`, /more than 100 nested brackets/],
    ['a text without an end', '{ test(inputString: "', /^Syntax Error: Unterminated string/],
    ['no text at all', '', /^Missing value for required parameter 'query'/],
  ])('refuses %s', async (_what, query, text) => {
    const { status, body } = await ask(query)
    expect({ status, body }).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } })
    expect((body as { message: string }).message).toMatch(text)
  })

  const SELECTIONS = 'Query exceeds maximum total selections of 1000'

  it.each([
    [
      'fields of a fragment that nobody uses',
      `{ __typename } fragment F on Test { ${repeat(3000, () => 'output')} }`,
    ],
    [
      'fields that fragments multiply',
      `{ test(inputString: "a") { ...F } } ${repeat(4, (i) => `fragment F${i || ''} on Test { ${repeat(10, () => `output { ...F${i + 1} }`)} }`)} fragment F4 on Test { output }`,
    ],
    ['inline fragments', `{ ${repeat(1500, () => '... on Query { __typename }')} }`],
  ])('counts %s', async (_what, query) => {
    expect(await errorsOf(query)).toEqual([SELECTIONS])
  })

  it('ends fragments that spread each other in circles', async () => {
    const circle = repeat(
      300,
      (i) => `fragment F${i} on Test { output ...F${(i + 1) % 300} ...F${(i * 7) % 300} }`,
    )
    const errors = (await errorsOf(`{ test(inputString: "a") { ...F0 } } ${circle}`)) ?? []
    expect(errors.pop()).toMatch(/^Too many validation errors/)
    expect(errors.filter((text) => !/^Cannot spread fragment "F\d+" within itself/.test(text))).toEqual([])
    expect(errors).toHaveLength(100)
    expect(await errorsOf('{ test(inputString: "a") { ...F } } fragment F on Test { a { ...F } }')).toEqual([
      'Query exceeds maximum depth of 10',
    ])
  })

  it('tells of wrong variables a bounded number of times', async () => {
    const query = 'query ($d: MlflowSearchRunsInput) { mlflowSearchRuns(input: $d) { nextPageToken } }'
    const { body } = await ask(query, { d: { experimentIds: Array(20_000).fill(5) } })
    const { data, errors } = body as Answer
    expect(data).toBeNull()
    expect(errors?.length).toBeLessThanOrEqual(51)
    expect(errors?.at(-1)).toMatch(/^Too many errors processing variables/)
  })

  it('refuses text that no database keeps', async () => {
    const query = 'query ($id: String) { mlflowGetRun(input: {runId: $id}) { run { info { runId } } } }'
    const { body } = await ask(query, { id: 'a\0b' })
    expect(body).toMatchObject({ data: { mlflowGetRun: null }, errors: [/NUL/] })
  })

  it('takes queries in the URL, with variables as JSON', async () => {
    const query = encodeURIComponent('query Q($s: String) { test(inputString: $s) { output } }')
    const get = (rest: string) => app.request('GET', `/graphql?query=${query}${rest}`)
    expect(await get(`&operationName=Q&variables=${encodeURIComponent('{"s": "x"}')}`)).toMatchObject({
      status: 200,
      body: { data: { test: { output: 'x' } }, errors: null },
    })
    expect(await get('&variables=nonsense')).toMatchObject({ status: 400 })
    expect(await get('&variables=[1]')).toMatchObject({ status: 400 })
  })
})
