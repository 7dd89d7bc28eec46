// Policies by schedule: one of several servers runs what is due, once however many times were missed, and webhooks hear of it.
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Execution, Policy } from '../../../src/lifecycle/retention/schema.ts'
import { dueAfter } from '../../../src/lifecycle/schedule/cron.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { describeEachEngine } from '../../support/engines.ts'
import { ask } from '../../support/full-experiment.ts'
import { type Received, type Receiver, startReceiver } from '../../support/receiver.ts'
import { createReadings, DAY_MS, dropData, retentionOf } from '../../support/retention.ts'
import { webhookConfig } from '../registry/webhooks/webhook-app.ts'

const HOUR_MS = DAY_MS / 24

describeEachEngine('scheduled retention', (target) => {
  let app: TestApp
  let receiver: Receiver
  let aheadMs = 0
  const clock = { now: () => Date.now() + aheadMs }
  const webhooks = webhookConfig()
  beforeAll(async () => {
    receiver = await startReceiver()
    app = await startApp(target, { clock, webhooks, retentionSchedule: false })
  })
  afterAll(async () => {
    await dropData(app.engine)
    await app.close()
    await receiver.close()
  })

  const of = (name: string) => (received: Received[]) =>
    received.filter(({ body }) => body.data.policy_name === name)

  it('runs what is due at one of two servers, once for all times that were missed, and tells webhooks', async () => {
    const retention = retentionOf(app.request)
    const events = ['retention.run_finished', 'retention.run_failed', 'retention.policy_changed']
    await ask(app.request, 'POST', '/api/2.0/mlflow/webhooks', {
      name: 'ours',
      url: receiver.url,
      events: [],
      crateflow_events: events,
    })
    const table = await createReadings(app.engine, 'scheduled', { days: 5, endMs: Date.now() })
    const common = {
      target: table,
      column: 'time',
      category: 'timerange',
      strategy: 'delete',
      duration: '2d',
    }
    const made = await retention.create({ ...common, name: 'due', every: '1h' })
    await retention.create({ ...common, name: 'failing', target: `${table}_nothing`, cron: '30 * * * *' })
    await retention.create({ ...common, name: 'disabled', every: '1h', enabled: false })
    await retention.create({ ...common, name: 'unscheduled' })
    aheadMs = 5 * HOUR_MS
    const servers = await Promise.all(
      [0, 1].map(() => startApp(target, { engine: app.engine, clock, webhooks })),
    )
    await Promise.all(servers.map((server) => server.app.listen({ port: 0, host: '127.0.0.1' })))
    // The order of events is not promised.
    const received = await receiver.until((all) =>
      ['due', 'failing'].every((name) =>
        ['policy_changed', 'run_'].every((action) =>
          of(name)(all).some(({ body }) => body.action.startsWith(action)),
        ),
      ),
    )
    const actions = (name: string) =>
      of(name)(received)
        .map(({ body }) => `${body.entity}.${body.action}`)
        .sort()
    expect(actions('due')).toEqual(['retention.policy_changed', 'retention.run_finished'])
    expect(actions('failing')).toEqual(['retention.policy_changed', 'retention.run_failed'])
    const finished = of('due')(received).find(({ body }) => body.action === 'run_finished')
    expect(finished?.body.data).toMatchObject({
      state: 'succeeded',
      cause: 'schedule',
      rows: 4,
      target: table,
    })
    for (const server of servers) await server.close()
    const { executions } = await retention.get<{ executions: Execution[] }>('executions/list')
    expect(executions.map(({ policy_name, cause }) => `${policy_name} ${cause}`).sort()).toEqual([
      'due schedule',
      'failing schedule',
    ])
    const { policies } = await retention.get<{ policies: Policy[] }>('policies/list')
    const next = policies.find(({ name }) => name === 'due')?.next_due_at ?? 0
    // It counts on from the time at which it was made up for.
    expect(next - made.created_at).toBeGreaterThan(5.9 * HOUR_MS)
    expect(next - made.created_at).toBeLessThan(6.2 * HOUR_MS)
  })

  it('lets a run be cancelled, and leaves it to others when its server ends', async () => {
    const retention = retentionOf(app.request)
    await retention.create({ name: 'long', target: 'audit', strategy: 'delete', duration: '900y' })
    const [begun] = await retention.start({ policy_ids: ['long'] })
    const { execution } = await retention.post<{ execution: Execution }>('executions/cancel', {
      execution_id: begun?.execution_id,
    })
    // It may have been faster.
    expect(['running', 'cancelled', 'succeeded']).toContain(execution.state)
    expect((await retention.ended(begun?.execution_id ?? '')).execution.state).toMatch(/cancelled|succeeded/)
    expect((await retention.start({ policy_ids: ['long'] }))[0]?.execution_id).not.toBe(begun?.execution_id)
  })

  it('keeps events of its own from stock clients, and takes no others', async () => {
    const list = (query = '') =>
      ask<{ webhooks?: { name: string; events: object[]; crateflow_events?: string[] }[] }>(
        app.request,
        'GET',
        `/api/2.0/mlflow/webhooks${query}`,
      )
    const both = await ask<{ webhook: { webhook_id: string } }>(
      app.request,
      'POST',
      '/api/2.0/mlflow/webhooks',
      {
        name: 'both',
        url: receiver.url,
        events: [{ entity: 'PROMPT', action: 'CREATED' }],
        crateflow_events: ['retention.run_failed'],
      },
    )
    expect((await list()).webhooks?.map(({ name }) => name)).toEqual(['both'])
    expect((await list('?include_crateflow_events=true')).webhooks?.map(({ name }) => name).sort()).toEqual([
      'both',
      'ours',
    ])
    const path = `/api/2.0/mlflow/webhooks/${both.webhook.webhook_id}`
    // As stock clients change it.
    await ask(app.request, 'PATCH', path, { events: [{ entity: 'PROMPT_TAG', action: 'SET' }] })
    expect(await ask(app.request, 'GET', path)).toMatchObject({
      webhook: {
        events: [{ entity: 'PROMPT_TAG', action: 'SET' }],
        crateflow_events: ['retention.run_failed'],
      },
    })
    const tested = await ask<{ result: { success: boolean } }>(app.request, 'POST', `${path}/test`, {
      crateflow_event: 'retention.run_failed',
    })
    expect(tested.result.success).toBe(true)
    for (const [body, text] of [
      [{ crateflow_events: ['retention.nothing'] }, /Invalid event 'retention.nothing'/],
      [{ events: [{ entity: 'RETENTION', action: 'RUN_FAILED' }] }, /Invalid value/],
    ] as const) {
      const refused = await app.request('PATCH', path, body)
      expect([refused.status, (refused.body as { message: string }).message]).toEqual([
        400,
        expect.stringMatching(text),
      ])
    }
  })
})

it('times of schedules lie within half a minute of what they say, at the same place for a policy', () => {
  const at = (iso: string) => Date.parse(iso)
  const from = at('2026-02-28T23:00:00Z')
  const due = dueAfter({ cron: '0 3 1 * *' }, 'p-1', from) ?? 0
  expect(due - at('2026-03-01T03:00:00Z')).toBeGreaterThanOrEqual(0)
  expect(due - at('2026-03-01T03:00:00Z')).toBeLessThan(30_000)
  expect(dueAfter({ cron: '0 3 1 * *' }, 'p-1', from)).toBe(due)
  expect(dueAfter({}, 'p-1', from)).toBeUndefined()
  expect((dueAfter({ every: '1m' }, 'p-2', from) ?? 0) - from).toBeLessThan(66_001)
})
