// Events on their way to webhooks: every change tells, retries, slow receivers, what stops a delivery.
import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { describeEachEngine } from '../../../support/engines.ts'
import {
  type Received,
  type Receiver,
  type ReceiverAnswer,
  startReceiver,
} from '../../../support/receiver.ts'
import { startWebhookApp, type WebhookApp, webhookConfig } from './webhook-app.ts'

// Claims last as long as requests may take: within these tests, none ends by itself.
const config = webhookConfig({ webhookConcurrency: 4, webhookTimeoutSeconds: 3600 })

describeEachEngine('events for webhooks', (target) => {
  let server: WebhookApp
  const receivers: Receiver[] = []

  beforeAll(async () => {
    server = await startWebhookApp(target, config)
  })
  afterEach(async () => {
    const { webhooks = [] } = await server.ok('GET', 'webhooks')
    for (const { webhook_id: id } of webhooks) await server.ok('DELETE', `webhooks/${id}`)
    for (const receiver of receivers.splice(0)) await receiver.close()
  })
  afterAll(() => server?.app.close())

  async function listen(
    answer?: (request: Received, count: number) => ReceiverAnswer,
    events = ['registered_model.created'],
    more: object = {},
  ) {
    const receiver = await startReceiver(answer)
    receivers.push(receiver)
    const webhook = await server.createWebhook({ url: receiver.url, events, ...more })
    return Object.assign(receiver, { webhook })
  }
  const createModel = (name: string) => server.ok('POST', 'registered-models/create', { name })
  const names = (received: Received[]) => received.map(({ body }) => body.data.name)
  async function left(): Promise<number> {
    await server.app.engine.execute(
      target.name === 'CrateDB' ? sql`REFRESH TABLE webhook_deliveries` : sql`SELECT 1`,
    )
    const { rows } = await server.app.engine.execute(sql`SELECT delivery_id FROM webhook_deliveries`)
    return rows.length
  }
  async function untilNoneIsLeft(): Promise<void> {
    for (let tries = 0; tries < 500 && (await left()) > 0; tries++)
      await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await left()).toBe(0)
  }

  it('go to every active webhook that wants them, from the request on that follows its creation', async () => {
    const first = await listen()
    const second = await listen(undefined, ['prompt.created', 'registered_model.created'])
    const other = await listen(undefined, ['prompt.created'])
    const disabled = await listen(undefined, ['registered_model.created'], { status: 'DISABLED' })
    await createModel('wanted')
    const [event] = await first.until(1)
    expect(event?.body).toMatchObject({
      entity: 'registered_model',
      action: 'created',
      data: { name: 'wanted', tags: {}, description: '' },
    })
    await second.until(1)
    await server.ok('PATCH', `webhooks/${disabled.webhook.webhook_id}`, { status: 'ACTIVE' })
    await createModel('later')
    await disabled.until(1)
    await untilNoneIsLeft()
    expect(names(disabled.received)).toEqual(['later'])
    expect(names(first.received).sort()).toEqual(['later', 'wanted'])
    expect(other.received).toEqual([])
  })

  it('are sent again under the same id, freshly signed, until they are taken', async () => {
    const answers: ReceiverAnswer[] = [{ status: 500 }, { cut: true }, { status: 429 }, {}]
    const receiver = await listen((_request, count) => answers[count - 1] ?? {}, undefined, { secret: 's' })
    await createModel('retried')
    const received = await receiver.until(4)
    await untilNoneIsLeft()
    expect(received).toHaveLength(4)
    expect(new Set(received.map(({ headers }) => headers['x-mlflow-delivery-id'])).size).toBe(1)
    expect(new Set(received.map(({ raw }) => raw)).size).toBe(1)
    expect(new Set(received.map(({ headers }) => headers['x-mlflow-signature'])).size).toBeGreaterThan(1)
  })

  it('are dropped when they are refused, or when retries are used up', async () => {
    const refusing = await listen(() => ({ status: 410 }))
    const failing = await listen(() => ({ status: 503, headers: { 'retry-after': '0' } }))
    await createModel('dropped')
    await failing.until(4)
    await untilNoneIsLeft()
    expect(refusing.received).toHaveLength(1)
    expect(failing.received).toHaveLength(4)
  })

  it('hold up neither requests nor other webhooks when a receiver is slow', async () => {
    let release = () => {}
    const hold = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow = await listen(() => ({ hold }))
    const quick = await listen()
    const models = Array.from({ length: 12 }, (_one, index) => `slow-${index}`)
    for (const name of models) await createModel(name)
    await quick.until(models.length)
    expect(names(quick.received).sort()).toEqual([...models].sort())
    // Half of four slots.
    expect(slow.received).toHaveLength(2)
    release()
    await slow.until(models.length)
    await untilNoneIsLeft()
    expect(names(slow.received).sort()).toEqual([...models].sort())
    expect(slow.mostAtOnce()).toBe(2)
  })

  it('are dropped when their webhook is deleted or disabled meanwhile', async () => {
    const receiver = await listen(() => ({ status: 503, headers: { 'retry-after': '2' } }))
    await createModel('too-late')
    await receiver.until(1)
    await server.ok('DELETE', `webhooks/${receiver.webhook.webhook_id}`)
    await untilNoneIsLeft()
    expect(receiver.received).toHaveLength(1)
  })

  it('are given back by a server that stops while a receiver is slow, and sent by the next one', async () => {
    const never = new Promise<void>(() => {})
    const receiver = await listen((_request, count) => (count === 1 ? { hold: never } : {}))
    await createModel('given-back')
    await receiver.until(1)
    await server.app.close()
    server = await startWebhookApp(target, config)
    await receiver.until(2)
    await untilNoneIsLeft()
    expect(names(receiver.received)).toEqual(['given-back', 'given-back'])
  })
})
