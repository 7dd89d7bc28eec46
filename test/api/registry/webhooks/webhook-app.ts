// A server that delivers to webhooks on this machine, and short ways to ask it.
import { expect } from 'vitest'
import type { Webhook } from '../../../../src/registry/webhooks/schema.ts'
import { type WebhookConfig, WebhookConfigSchema } from '../../../../src/webhook-config.ts'
import { startApp, type TestApp } from '../../../support/app.ts'
import type { EngineTarget } from '../../../support/engines.ts'

export const API = '/api/2.0/mlflow'
export const KEY = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='

export const webhookConfig = (changes: Partial<WebhookConfig> = {}): WebhookConfig => ({
  ...WebhookConfigSchema.parse({}),
  webhookSecretKeys: [KEY],
  webhookAllowedSchemes: ['http', 'https'],
  webhookAllowPrivateIps: true,
  webhookPollSeconds: 1,
  ...changes,
})

export interface WebhookApp {
  app: TestApp
  /** Answers the body of a request that succeeds. Paths are below /api/2.0/mlflow/. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, of which the expectations name the fields
  ok: (method: string, path: string, body?: unknown) => Promise<any>
  createWebhook: (body: { url: string; events: string[] } & Record<string, unknown>) => Promise<Webhook>
}

const toEvent = (name: string) => {
  const [entity, action] = name.toUpperCase().split('.')
  return { entity, action }
}

/** Starts a server; with `listen` it delivers as well. */
export async function startWebhookApp(
  target: EngineTarget,
  config: WebhookConfig,
  { listen = true } = {},
): Promise<WebhookApp> {
  const app = await startApp(target, { webhooks: config })
  if (listen) await app.app.listen({ host: '127.0.0.1', port: 0 })
  const ok: WebhookApp['ok'] = async (method, path, body) => {
    const answer = await app.request(method, `${API}/${path}`, body)
    expect(answer).toMatchObject({ status: 200 })
    return answer.body
  }
  return {
    app,
    ok,
    createWebhook: async ({ events, ...body }) =>
      (await ok('POST', 'webhooks', { name: 'hook', events: events.map(toEvent), ...body })).webhook,
  }
}
