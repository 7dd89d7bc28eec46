// What is logged twice, by one server or by two: rows that a server takes for new may be there already.
import { beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../../../support/app.ts'
import { describeEachEngine } from '../../../support/engines.ts'

const API = '/api/2.0/mlflow'

interface Data {
  metrics: { key: string; value: number; step: number }[]
  params: { key: string; value: string }[]
  tags: { key: string; value: string }[]
}

const point = (key: string, step: number, value = step / 10) => ({ key, value, step, timestamp: 1000 + step })
const batch = {
  metrics: [point('loss', 1), point('loss', 2), point('accuracy', 1), point('loss', 0)],
  params: [{ key: 'depth', value: '3' }],
  tags: [{ key: 'owner', value: 'ann' }],
}

describeEachEngine('what is logged twice', (target) => {
  let app: TestApp
  let other: TestApp

  beforeAll(async () => {
    app = await startApp(target)
    // A server of its own on the same database: it knows nothing of what the first one wrote.
    other = await startApp(target, { engine: app.engine })
    return async () => {
      await other.close()
      await app.close()
    }
  })

  async function newRun(): Promise<string> {
    const { body } = await app.request('POST', `${API}/runs/create`, { experiment_id: '0' })
    return (body as { run: { info: { run_id: string } } }).run.info.run_id
  }

  const log = (server: TestApp, runId: string, data: object) =>
    server.request('POST', `${API}/runs/log-batch`, { run_id: runId, ...data })

  async function dataOf(runId: string): Promise<Data> {
    const { body } = await app.request('GET', `${API}/runs/get?run_id=${runId}`)
    const { metrics, params, tags } = (body as { run: { data: Data } }).run.data
    const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1)
    return {
      metrics: metrics.map(({ key, value, step }) => ({ key, value, step })).sort(byKey),
      params,
      tags: tags.filter(({ key }) => !key.startsWith('mlflow.')),
    }
  }

  async function stepsOf(runId: string, key: string): Promise<number[]> {
    const { body } = await app.request('GET', `${API}/metrics/get-history?run_id=${runId}&metric_key=${key}`)
    return (body as { metrics: { step: number }[] }).metrics.map(({ step }) => step).sort()
  }

  it.each(['the same server', 'another server'])('is there once when %s gets it again', async (who) => {
    const runId = await newRun()
    expect((await log(app, runId, batch)).status).toBe(200)
    expect((await log(who === 'another server' ? other : app, runId, batch)).status).toBe(200)
    expect(await stepsOf(runId, 'loss')).toEqual([0, 1, 2])
    expect(await dataOf(runId)).toEqual({
      metrics: [
        { key: 'accuracy', value: 0.1, step: 1 },
        { key: 'loss', value: 0.2, step: 2 },
      ],
      params: batch.params,
      tags: batch.tags,
    })
  })

  it('does not hide what is new beside it', async () => {
    const runId = await newRun()
    await log(app, runId, batch)
    const { status } = await log(other, runId, {
      metrics: [point('loss', 1), point('loss', 3), point('accuracy', 0), point('auc', 5)],
      params: [...batch.params, { key: 'rate', value: '0.1' }],
      tags: [
        { key: 'owner', value: 'bob' },
        { key: 'team', value: 'b' },
      ],
    })
    expect(status).toBe(200)
    expect(await stepsOf(runId, 'loss')).toEqual([0, 1, 2, 3])
    expect(await stepsOf(runId, 'accuracy')).toEqual([0, 1])
    const { metrics, params, tags } = await dataOf(runId)
    expect(metrics).toEqual([
      { key: 'accuracy', value: 0.1, step: 1 },
      { key: 'auc', value: 0.5, step: 5 },
      { key: 'loss', value: 0.3, step: 3 },
    ])
    expect(params).toEqual([...batch.params, { key: 'rate', value: '0.1' }])
    expect(tags).toEqual([
      { key: 'owner', value: 'bob' },
      { key: 'team', value: 'b' },
    ])
  })

  it('keeps the later one of two points of the same step', async () => {
    const runId = await newRun()
    await log(app, runId, { metrics: [{ ...point('loss', 4, 1), timestamp: 20 }] })
    await log(other, runId, { metrics: [{ ...point('loss', 4, 2), timestamp: 10 }] })
    expect((await dataOf(runId)).metrics).toEqual([{ key: 'loss', value: 1, step: 4 }])
    await log(other, runId, { metrics: [{ ...point('loss', 4, 3), timestamp: 30 }] })
    expect((await dataOf(runId)).metrics).toEqual([{ key: 'loss', value: 3, step: 4 }])
  })

  it('is refused for a param with another value, which changes nothing', async () => {
    const runId = await newRun()
    await log(app, runId, batch)
    const answer = await log(other, runId, {
      metrics: [point('late', 1)],
      params: [{ key: 'depth', value: '4' }],
    })
    expect(answer).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } })
    const data = await dataOf(runId)
    expect(data.params).toEqual(batch.params)
    expect(data.metrics.map(({ key }) => key)).toEqual(['accuracy', 'loss'])
  })

  it('does not fail others that log at the same moment', async () => {
    const known = await newRun()
    await log(app, known, batch)
    const runs = await Promise.all(Array.from({ length: 8 }, newRun))
    const answers = await Promise.all([...runs, known].map((runId) => log(other, runId, batch)))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 9 }, () => 200))
    for (const runId of [...runs, known]) expect(await stepsOf(runId, 'loss')).toEqual([0, 1, 2])
  })

  it('is one value of a new param, though several clients bring theirs at the same moment', async () => {
    const runId = await newRun()
    const logParam = (key: string, value: string) =>
      app.request('POST', `${API}/runs/log-parameter`, { run_id: runId, key, value })
    for (let round = 0; round < 10; round++) {
      // The first one goes out alone; those that come meanwhile are written together.
      const answers = await Promise.all([
        logParam(`first-${round}`, 'x'),
        ...['1', '2', '3'].map((value) => logParam(`raced-${round}`, value)),
      ])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 400, 400])
      const { body } = await app.request('GET', `${API}/runs/get?run_id=${runId}`)
      const { params } = (body as { run: { data: Data } }).run.data
      const winner = answers.slice(1).findIndex(({ status }) => status === 200) + 1
      expect(params.find(({ key }) => key === `raced-${round}`)?.value).toBe(String(winner))
    }
  })
})
