// Webhooks: secrets, trying one out, pages.
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEachEngine } from '../../../support/engines.ts'
import { type Receiver, startReceiver } from '../../../support/receiver.ts'
import { API, startWebhookApp, type WebhookApp, webhookConfig } from './webhook-app.ts'

const SECRET = 'only the receiver knows'

describeEachEngine('webhooks', (target) => {
  let receiver: Receiver
  let server: WebhookApp
  let status = 200

  beforeAll(async () => {
    receiver = await startReceiver(() => ({ status, body: 'got it' }))
    server = await startWebhookApp(target, webhookConfig(), { listen: false })
  })
  afterAll(async () => {
    await server?.app.close()
    await receiver.close()
  })

  const create = (body: object = {}) =>
    server.createWebhook({ url: receiver.url, events: ['prompt_tag.set'], ...body })
  const test = async (id: string, body: object = {}) =>
    (await server.ok('POST', `webhooks/${id}/test`, body)).result

  it('keep their secret encrypted, and show it to nobody', async () => {
    const { webhook_id: id } = await create({ secret: SECRET })
    const answers = [
      await server.ok('GET', `webhooks/${id}`),
      await server.ok('GET', 'webhooks'),
      await server.ok('PATCH', `webhooks/${id}`, { name: 'renamed' }),
    ]
    expect(JSON.stringify(answers)).not.toContain(SECRET)
    expect(JSON.stringify(answers)).not.toContain('secret')
    const stored = await server.app.engine.execute<{ secret: string }>(
      sql`SELECT * FROM webhooks WHERE webhook_id = ${id}`,
    )
    expect(stored.rows[0]?.secret).toMatch(/^gAAAA/)
    expect(JSON.stringify(stored.rows)).not.toContain(SECRET)
    await server.ok('PATCH', `webhooks/${id}`, { secret: '' })
    await test(id)
    expect(receiver.received.at(-1)?.headers).not.toHaveProperty('x-mlflow-signature')
  })

  it('are tried out with an example of the event, once, and tell the answer', async () => {
    const { webhook_id: id } = await create({
      events: ['prompt_tag.set', 'model_version.created'],
      secret: 's',
    })
    status = 200
    expect(await test(id)).toEqual({ success: true, response_status: 200, response_body: 'got it' })
    expect(receiver.received.at(-1)?.body).toMatchObject({
      entity: 'model_version',
      action: 'created',
      data: { name: 'example_model', version: '1', run_id: 'abcd1234abcd5678' },
    })
    expect(receiver.received.at(-1)?.headers['x-mlflow-signature']).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/)
    const before = receiver.received.length
    status = 500
    const event = { entity: 'PROMPT_ALIAS', action: 'DELETED' }
    expect(await test(id, { event })).toEqual({
      success: false,
      response_status: 500,
      response_body: 'got it',
    })
    expect(receiver.received).toHaveLength(before + 1)
    expect(receiver.received.at(-1)?.body.data).toEqual({ name: 'example_prompt', alias: 'example_alias' })
    status = 200
    await server.ok('PATCH', `webhooks/${id}`, { url: 'http://127.0.0.1:1/' })
    expect(await test(id)).toMatchObject({
      success: false,
      error_message: expect.stringMatching(/^Failed to test webhook: .*ECONNREFUSED/),
    })
  })

  it('are listed in pages, the newest first', async () => {
    const { webhooks: before = [] } = await server.ok('GET', 'webhooks')
    const made: string[] = []
    for (let index = 0; index < 5; index++) made.unshift((await create()).webhook_id)
    const found: string[] = []
    let token = ''
    do {
      const page = await server.ok('GET', `webhooks?max_results=2&page_token=${token}`)
      found.push(...page.webhooks.map((webhook: { webhook_id: string }) => webhook.webhook_id))
      token = page.next_page_token ?? ''
    } while (token)
    expect([...found].sort()).toEqual(
      [...made, ...before.map((webhook: { webhook_id: string }) => webhook.webhook_id)].sort(),
    )
  })

  it('have no secret on a server without a key, which says so', async () => {
    const { webhook_id: id } = await create({ secret: SECRET })
    await server.app.close()
    server = await startWebhookApp(target, webhookConfig({ webhookSecretKeys: [] }), { listen: false })
    const body = { name: 'w', url: receiver.url, events: [{ entity: 'PROMPT', action: 'CREATED' }] }
    const refused = await server.app.request('POST', `${API}/webhooks`, { ...body, secret: SECRET })
    expect(refused).toMatchObject({ status: 400 })
    expect(JSON.stringify(refused.body)).toContain('MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY')
    expect(JSON.stringify(refused.body)).not.toContain(SECRET)
    await server.ok('POST', 'webhooks', body)
    // Sending without a signature would hide that the key is gone.
    const before = receiver.received.length
    expect(await test(id)).toMatchObject({ success: false })
    expect(receiver.received).toHaveLength(before)
  })
})
