// What GraphQL answers about many runs: how many statements it takes, and where it stops.
import { beforeAll, expect, it } from 'vitest'
import { openEngine } from '../../../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../../../src/platform/database/uri.ts'
import { startApp, type TestApp } from '../../../support/app.ts'
import { openMigrated } from '../../../support/databases.ts'
import { describeEachEngine } from '../../../support/engines.ts'

const API = '/api/2.0/mlflow'
const SEARCH = `query ($ids: [String], $max: Int) {
  mlflowSearchRuns(input: {experimentIds: $ids, maxResults: $max, orderBy: ["start_time"]}) {
    runs { info { runId } experiment { name tags { key value } } modelVersions { name version } }
  }
}`

interface FoundRun {
  info: { runId: string }
  experiment: { name: string; tags: object[] } | null
  modelVersions: { name: string; version: string }[]
}

describeEachEngine('GraphQL about many runs', (target) => {
  let app: TestApp
  let statements = 0
  let isBroken = false

  const post = async <Body>(path: string, body: object): Promise<Body> => {
    const answer = await app.request('POST', path.startsWith('/') ? path : `${API}/${path}`, body)
    expect(answer).toMatchObject({ status: 200 })
    return answer.body as Body
  }
  const ask = (query: string, variables: object) =>
    post<{ data: Record<string, unknown> | null; errors: string[] | null }>('/graphql', { query, variables })

  beforeAll(async () => {
    await (await openMigrated(target.uri)).close()
    const engine = await openEngine(parseBackendUri(target.uri), {
      maxConnections: 5,
      intercept: (connection) => ({
        ...connection,
        query: (...query) => {
          statements++
          if (isBroken) return Promise.reject(new Error('inner text'))
          return connection.query(...query)
        },
      }),
    })
    app = await startApp(target, { engine })
    return async () => {
      await app.close()
      await engine.close()
    }
  })

  async function createExperiment(name: string): Promise<string> {
    const tags = [{ key: 'of', value: name }]
    return (await post<{ experiment_id: string }>('experiments/create', { name, tags })).experiment_id
  }

  async function createRun(experiment_id: string, start_time: number): Promise<string> {
    const body = { experiment_id, start_time, run_name: `run ${start_time}` }
    return (await post<{ run: { info: { run_id: string } } }>('runs/create', body)).run.info.run_id
  }

  it('takes as many statements for many runs, experiments and versions as for few', async () => {
    const ids = await Promise.all(['a', 'b', 'c'].map(createExperiment))
    await post('registered-models/create', { name: 'model' })
    const expected: FoundRun[] = []
    for (let position = 0; position < 30; position++) {
      const runId = await createRun(ids[position % 3] ?? '', position)
      const modelVersions = []
      if (position % 2 === 0) {
        await post('model-versions/create', { name: 'model', source: 's3://b/m', run_id: runId })
        modelVersions.push({ name: 'model', version: String(position / 2 + 1) })
      }
      const name = 'abc'[position % 3] ?? ''
      expected.push({
        info: { runId },
        experiment: { name, tags: [{ key: 'of', value: name }] },
        modelVersions,
      })
    }
    const count = async (max: number) => {
      const before = statements
      const { data, errors } = await ask(SEARCH, { ids, max })
      expect(errors).toBeNull()
      expect(data?.mlflowSearchRuns).toEqual({ runs: expected.slice(0, max) })
      return statements - before
    }
    const few = await count(1)
    expect(await count(30)).toBe(few)
    // Of runs, their contents, their experiments and their versions; CrateDB refreshes some tables before.
    expect(few).toBeLessThanOrEqual(target.name === 'CrateDB' ? 22 : 14)
  })

  it('reads nothing of experiments and versions that is not asked for', async () => {
    const id = await createExperiment('lean')
    await createRun(id, 1)
    const count = async (fields: string) => {
      const before = statements
      await ask(
        `query ($ids: [String]) { mlflowSearchRuns(input: {experimentIds: $ids}) { runs { ${fields} } } }`,
        {
          ids: [id],
        },
      )
      return statements - before
    }
    const alone = await count('info { runId }')
    expect(await count('info { runId } experiment { name }')).toBeGreaterThan(alone)
    expect(await count('info { runId } data { tags { key } }')).toBe(alone)
  })

  it('tells a fault of the server by the status, without inner text', async () => {
    isBroken = true
    const query = '{ __typename mlflowGetRun(input: {runId: "a"}) { run { info { runId } } } }'
    const { status, body } = await app.request('POST', '/graphql', { query })
    isBroken = false
    expect({ status, body }).toMatchObject({ status: 500, body: { error_code: 'INTERNAL_ERROR' } })
    expect(JSON.stringify(body)).not.toContain('inner text')
  })

  it('stops at an answer of too many values, says so, and answers the rest', async () => {
    const runId = await createRun(await createExperiment('long'), 1)
    const metrics = Array.from({ length: 1000 }, (_, step) => ({ key: 'm', value: step, timestamp: 1, step }))
    await post('runs/log-batch', { run_id: runId, metrics })
    const points = `mlflowGetMetricHistoryBulkInterval(input: {runIds: $ids, metricKey: "m"}) { metrics { step value } }`
    const query = `query ($ids: [String]) { a: ${points} b: ${points} c: ${points} d: ${points} e: ${points} f: ${points} }`
    // Each part has 100 times 1000 points with two fields: the sixth is one too many.
    const { data, errors } = await ask(query, { ids: Array(100).fill(runId) })
    expect(errors).toEqual([
      'The answer would hold more than 1000000 values. Please ask for fewer results or fields.',
    ])
    const sizes = Object.values(data ?? {}).map(
      (part) => (part as { metrics: object[] | null }).metrics?.length,
    )
    expect(sizes.sort()).toEqual([100_000, 100_000, 100_000, 100_000, 100_000, undefined])
  })
})
