// Policies about what the server keeps: points of metrics, traces, artifacts, deleted runs, the audit itself.
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Deletion } from '../../../src/lifecycle/cleaning/schema.ts'
import type { AuditEntry, Execution } from '../../../src/lifecycle/retention/schema.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { describeEachEngine } from '../../support/engines.ts'
import { ask, createExperiment, createRun, findNaming, uploadFile } from '../../support/full-experiment.ts'
import { spansExport } from '../../support/otlp.ts'
import { DAY_MS, retentionOf } from '../../support/retention.ts'

const V2 = '/api/2.0/mlflow'
const V3 = '/api/3.0/mlflow'

describeEachEngine('retention of what the server keeps', (target) => {
  let app: TestApp
  let retention: ReturnType<typeof retentionOf>
  let nowMs = Date.now()
  beforeAll(async () => {
    app = await startApp(target, { clock: { now: () => nowMs } })
    retention = retentionOf(app.request)
  })
  afterAll(() => app.close())

  const post = (path: string, body: object) => ask(app.request, 'POST', path, body)
  const policy = (name: string, own: string, more: object = {}) =>
    retention.create({ name, target: own, strategy: 'delete', duration: '30d', ...more })
  const isFile = (...path: string[]) =>
    access(join(app.artifactFolder, ...path)).then(
      () => true,
      () => false,
    )
  const statusOf = async (path: string) => (await app.request('GET', path)).status

  it('deletes old points of metrics, but not the latest of each metric, nor those of other experiments and runs', async () => {
    const old = nowMs - 40 * DAY_MS
    const make = async (name: string, tags: { key: string; value: string }[]) => {
      const run = await createRun(app.request, await createExperiment(app.request, name))
      const points = [1, 2, 3].map((step) => ({ key: 'old', value: step, timestamp: old + step, step }))
      const mixed = [1, 2, 3].map((step) => ({
        key: 'mixed',
        value: step,
        timestamp: step === 1 ? old : nowMs,
        step,
      }))
      await post(`${V2}/runs/log-batch`, { run_id: run, metrics: [...points, ...mixed], tags })
      return run
    }
    const meant = await make('team-a/one', [{ key: 'keep', value: 'no' }])
    const others = [await make('team-b/one', [{ key: 'keep', value: 'no' }]), await make('team-a/two', [])]
    const history = async (run: string, key: string) =>
      (
        await ask<{ metrics: { step: number }[] }>(
          app.request,
          'GET',
          `${V2}/metrics/get-history?run_id=${run}&metric_key=${key}`,
        )
      ).metrics.map(({ step }) => step)
    const latest = (run: string) => ask<object>(app.request, 'GET', `${V2}/runs/get?run_id=${run}`)
    const before = await latest(meant)
    await policy('points', 'metrics', {
      experiment_pattern: 'team-a/%',
      run_tags: [{ key: 'keep', value: 'no' }],
    })
    expect(await retention.preview({ policy_ids: ['points'] })).toMatchObject([{ rows: 3, step_count: 1 }])
    expect((await retention.run('points')).execution).toMatchObject({ state: 'succeeded', rows: 3 })
    expect([await history(meant, 'old'), await history(meant, 'mixed')]).toEqual([[3], [2, 3]])
    expect(await latest(meant)).toEqual(before)
    for (const run of others)
      expect([await history(run, 'old'), await history(run, 'mixed')]).toEqual([
        [1, 2, 3],
        [1, 2, 3],
      ])
    expect(await retention.preview({ policy_ids: ['points'] })).toMatchObject([{ rows: 0, step_count: 0 }])
  })

  it('deletes old traces with their spans and attachments', async () => {
    const experiment = await createExperiment(app.request, 'traces of a')
    const other = await createExperiment(app.request, 'traces of b')
    const traceIn = async (experimentId: string, hex: string, daysAgo: number) => {
      const nano = `${nowMs - daysAgo * DAY_MS}000000`
      const span = {
        traceId: hex,
        spanId: '0000000000000001',
        name: 'root',
        startTimeUnixNano: nano,
        endTimeUnixNano: nano,
      }
      const answer = await app.app.inject({
        method: 'POST',
        url: '/v1/traces',
        headers: { 'x-mlflow-experiment-id': experimentId, 'content-type': 'application/json' },
        payload: spansExport([span]) as object,
      })
      expect(answer.statusCode, answer.body).toBe(200)
      await uploadFile(app.request, `${experimentId}/traces/tr-${hex}/artifacts/attachments/a`)
      return `tr-${hex}`
    }
    const ids = {
      old: await traceIn(experiment, 'a'.repeat(32), 31),
      young: await traceIn(experiment, 'b'.repeat(32), 29),
      others: await traceIn(other, 'c'.repeat(32), 31),
    }
    await policy('traces', 'traces', { experiment_pattern: 'traces of a' })
    expect(await retention.preview({ policy_ids: ['traces'] })).toMatchObject([{ rows: 1 }])
    expect((await retention.run('traces')).execution).toMatchObject({ state: 'succeeded' })
    expect(await statusOf(`${V3}/traces/${ids.old}`)).toBe(404)
    expect(await findNaming(app.engine, [ids.old])).toEqual({})
    for (const id of [ids.young, ids.others]) expect(await statusOf(`${V3}/traces/${id}`)).toBe(200)
    expect(await isFile(experiment, 'traces', ids.old, 'artifacts', 'attachments', 'a')).toBe(false)
    expect(await isFile(experiment, 'traces', ids.young, 'artifacts', 'attachments', 'a')).toBe(true)
  })

  it('deletes artifacts of deleted runs, then the runs for good, as gc does', async () => {
    const experiment = await createExperiment(app.request, 'deleted runs')
    const runs = [await createRun(app.request, experiment), await createRun(app.request, experiment)]
    const [old = '', young = ''] = runs
    const active = await createRun(app.request, experiment)
    for (const run of [...runs, active]) await uploadFile(app.request, `${experiment}/${run}/artifacts/a.txt`)
    await post(`${V2}/runs/delete`, { run_id: old })
    nowMs += 20 * DAY_MS
    await post(`${V2}/runs/delete`, { run_id: young })
    nowMs += 15 * DAY_MS
    await policy('files', 'artifacts')
    await policy('runs', 'deleted_runs', { experiment_pattern: 'deleted runs' })
    const { execution } = await retention.run('files')
    expect(execution).toMatchObject({ state: 'succeeded', rows: 1 })
    expect(
      await Promise.all([old, young, active].map((run) => isFile(experiment, run, 'artifacts', 'a.txt'))),
    ).toEqual([false, true, true])
    expect(await statusOf(`${V2}/runs/get?run_id=${old}`)).toBe(200)
    expect((await retention.run('runs')).execution).toMatchObject({ state: 'succeeded' })
    expect(await statusOf(`${V2}/runs/get?run_id=${old}`)).toBe(404)
    expect(await findNaming(app.engine, [old])).toEqual({})
    for (const run of [young, active]) expect(await statusOf(`${V2}/runs/get?run_id=${run}`)).toBe(200)
    const { deletions } = await ask<{ deletions: Deletion[] }>(
      app.request,
      'GET',
      `/api/crateflow/1.0/deletions/search?id=${old}`,
    )
    expect(deletions).toMatchObject([{ kind: 'run', id: old, cause: 'retention' }])
  })

  it('deletes old entries of its own audit, and executions', async () => {
    await policy('audit', 'audit')
    const { executions } = await retention.get<{ executions: Execution[] }>('executions/list')
    expect(executions.length).toBeGreaterThan(2)
    nowMs += 31 * DAY_MS
    await policy('after', 'audit', { duration: '900y' })
    expect((await retention.run('audit')).execution).toMatchObject({ state: 'succeeded' })
    const { entries } = await retention.get<{ entries: AuditEntry[] }>('audit/list')
    expect(entries.map(({ kind, policy_name }) => `${kind} ${policy_name}`).sort()).toEqual([
      'execution_finished audit',
      'policy_created after',
    ])
    expect((await retention.get<{ executions: Execution[] }>('executions/list')).executions).toHaveLength(1)
    // Policies whose beginnings nobody remembers are changed as before.
    expect(
      (
        await retention.post<{ policy: { version: number } }>('policies/update', {
          policy_id: 'audit',
          duration: '31d',
        })
      ).policy.version,
    ).toBe(2)
  })
})
