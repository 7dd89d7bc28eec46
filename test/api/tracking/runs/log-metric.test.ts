// Steps and timestamps over the whole range of 64-bit integers.
import { beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../../../support/app.ts'
import { describeEachEngine } from '../../../support/engines.ts'

const API = '/api/2.0/mlflow'

describeEachEngine('log-metric', (target) => {
  let app: TestApp
  let runId: string

  beforeAll(async () => {
    app = await startApp(target)
    const { body } = await app.request('POST', `${API}/runs/create`, { experiment_id: '0' })
    runId = (body as { run: { info: { run_id: string } } }).run.info.run_id
    return () => app.close()
  })

  const log = (key: string, step: unknown, timestamp: unknown = 1) =>
    app.request('POST', `${API}/runs/log-metric`, { run_id: runId, key, value: 1, timestamp, step })

  it.each([
    ['the largest step', '9223372036854775806'],
    ['the smallest step', '-9223372036854775806'],
    ['a step beyond 2^53', '9007199254740993'],
  ])('keeps %s to the digit', async (_what, step) => {
    const key = `s${step}`
    expect((await log(key, step)).status).toBe(200)
    const { body } = await app.request('GET', `${API}/metrics/get-history?run_id=${runId}&metric_key=${key}`)
    // The test's reader leaves integers beyond 2^53 as text.
    expect((body as { metrics: { step: unknown }[] }).metrics.map((point) => point.step)).toEqual([step])
  })

  it.each([
    ['9223372036854775807', '1'],
    ['-9223372036854775808', '1'],
    ['0', '9223372036854775807'],
  ])(
    'keeps step %s at %s, or says that CrateDB cannot, and fails nobody beside it',
    async (step, timestamp) => {
      const key = `outermost ${step} ${timestamp}`
      const [outermost, beside] = await Promise.all([log(key, step, timestamp), log(`beside ${key}`, 1)])
      expect(beside.status).toBe(200)
      if (target.name === 'CrateDB') {
        expect(outermost.status).toBe(400)
        expect((outermost.body as { message: string }).message).toContain('CrateDB cannot store the integer')
        return
      }
      expect(outermost.status).toBe(200)
      const query = new URLSearchParams({ run_id: runId, metric_key: key })
      const { body } = await app.request('GET', `${API}/metrics/get-history?${query}`)
      expect((body as { metrics: object[] }).metrics).toMatchObject([
        { step: step === '0' ? 0 : step, timestamp: timestamp === '1' ? 1 : timestamp },
      ])
    },
  )

  it.each([
    ['9223372036854775808', 1],
    ['1.5', 1],
    [1.5, 1],
  ])('refuses step %s at %s, and fails nobody beside it', async (step, timestamp) => {
    const [bad, good] = await Promise.all([log('bad', step, timestamp), log('good', 1)])
    expect(bad.status).toBe(400)
    expect(bad.body).toMatchObject({ error_code: 'INVALID_PARAMETER_VALUE' })
    expect(good.status).toBe(200)
  })

  it('keeps the latest of fifty concurrent points, whatever their order', async () => {
    const steps = Array.from({ length: 50 }, (_, i) => (i * 37) % 50)
    await Promise.all(steps.map((step) => log('raced', step)))
    const { body } = await app.request('GET', `${API}/runs/get?run_id=${runId}`)
    const { metrics } = (body as { run: { data: { metrics: { key: string; step: number }[] } } }).run.data
    expect(metrics.find(({ key }) => key === 'raced')?.step).toBe(49)
  })
})
