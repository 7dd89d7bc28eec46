// What webhooks get for the same requests, from stock MLflow and from this server.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startWebhookApp, type WebhookApp, webhookConfig } from '../api/registry/webhooks/webhook-app.ts'
import { engineTarget } from '../support/engines.ts'
import { type HttpAnswer, sendHttp } from '../support/http.ts'
import { type Received, type Receiver, startReceiver } from '../support/receiver.ts'
import { answers, type Child, freePort, startChild } from '../support/services/child.ts'
import { missing, useService } from '../support/services.ts'

type Ask = (method: string, path: string, body?: unknown) => Promise<HttpAnswer>

const EVENTS = [
  ...[
    'REGISTERED_MODEL CREATED',
    'MODEL_VERSION CREATED',
    'MODEL_VERSION_TAG SET',
    'MODEL_VERSION_TAG DELETED',
  ],
  ...[
    'MODEL_VERSION_ALIAS CREATED',
    'MODEL_VERSION_ALIAS DELETED',
    'PROMPT CREATED',
    'PROMPT_VERSION CREATED',
  ],
  ...['PROMPT_TAG SET', 'PROMPT_TAG DELETED', 'PROMPT_VERSION_TAG SET', 'PROMPT_VERSION_TAG DELETED'],
  ...['PROMPT_ALIAS CREATED', 'PROMPT_ALIAS DELETED'],
].map((event) => ({ entity: event.split(' ')[0], action: event.split(' ')[1] }))

const tag = (key: string, value: string) => ({ key, value })
const PROMPT = tag('mlflow.prompt.is_prompt', 'true')
const post = (path: string, body: object) => ['POST', path, body] as const
const remove = (path: string, body: object) => ['DELETE', path, body] as const

/** Each change once on a model and once on a prompt; what is refused tells nothing. */
const REQUESTS: (readonly [string, string, object])[] = [
  post('registered-models/create', { name: 'm', description: 'ä', tags: [tag('a', '1'), tag('a', '2')] }),
  post('registered-models/create', { name: 'm' }),
  post('registered-models/create', { name: 'plain' }),
  post('registered-models/create', {
    name: 'p',
    tags: [PROMPT, tag('_mlflow_prompt_type', 'text'), tag('team', 'x')],
  }),
  post('registered-models/create', { name: 'Half', tags: [tag('mlflow.prompt.is_prompt', 'True')] }),
  post('model-versions/create', { name: 'm', source: 's3://b/m', run_id: 'r', tags: [tag('k', 'v')] }),
  post('model-versions/create', { name: 'm', source: 's3://b/m', description: 'about' }),
  post('model-versions/create', { name: 'plain', source: 'models:/m/1' }),
  post('model-versions/create', { name: 'none', source: 's3://b/m' }),
  post('model-versions/create', {
    name: 'p',
    source: 'dummy-source',
    description: 'hi',
    tags: [
      PROMPT,
      tag('mlflow.prompt.text', 'Hello {{you}} "x"\n'),
      tag('_mlflow_prompt_type', 'text'),
      tag('t', ''),
    ],
  }),
  post('model-versions/create', { name: 'p', source: 'dummy-source', tags: [PROMPT] }),
  ...['m', 'p'].flatMap((name) => [
    post('registered-models/set-tag', { name, key: 'k', value: 'v' }),
    post('registered-models/set-tag', { name, key: 'k' }),
    remove('registered-models/delete-tag', { name, key: 'k' }),
    remove('registered-models/delete-tag', { name, key: 'never' }),
    post('model-versions/set-tag', { name, version: '1', key: 'k', value: '😀' }),
    post('model-versions/set-tag', { name, version: '9', key: 'k', value: 'v' }),
    remove('model-versions/delete-tag', { name, version: '1', key: 'k' }),
    post('registered-models/alias', { name, alias: 'best', version: '1' }),
    post('registered-models/alias', { name, alias: 'best', version: '1' }),
    post('registered-models/alias', { name, alias: 'best', version: '2' }),
    remove('registered-models/alias', { name, alias: 'best' }),
    remove('registered-models/alias', { name, alias: 'best' }),
    post('registered-models/alias', { name, alias: 'v1', version: '1' }),
  ]),
  // A prompt that ceases to be one.
  remove('registered-models/delete-tag', { name: 'p', key: 'mlflow.prompt.is_prompt' }),
  post('model-versions/set-tag', { name: 'p', version: '1', key: 'k', value: 'now of a model' }),
  post('registered-models/set-tag', { name: 'm', ...PROMPT }),
  post('model-versions/set-tag', { name: 'm', version: '1', key: 'k', value: 'now of a prompt' }),
  post('registered-models/rename', { name: 'm', new_name: 'n' }),
  remove('model-versions/delete', { name: 'n', version: '1' }),
  remove('registered-models/delete', { name: 'n' }),
]

/** Does it all, and answers the bodies that the webhook got, without the time; their order is not promised. */
async function drive(ask: Ask, receiver: Receiver): Promise<{ statuses: number[]; bodies: string[] }> {
  const api = '/api/2.0/mlflow'
  const made = await ask('POST', `${api}/webhooks`, { name: 'w', url: receiver.url, events: EVENTS })
  expect(made).toMatchObject({ status: 200 })
  const statuses: number[] = []
  for (const [method, path, body] of REQUESTS)
    statuses.push((await ask(method, `${api}/${path}`, body)).status)
  await ask('POST', `${api}/registered-models/create`, { name: 'the end' })
  await receiver.until((received) => received.some(({ body }) => body.data.name === 'the end'))
  let count = 0
  while (count < receiver.received.length) {
    count = receiver.received.length
    await new Promise((resolve) => setTimeout(resolve, 1500))
  }
  return { statuses, bodies: receiver.received.map(withoutTime).sort() }
}

const TIME = /"timestamp": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"/

function withoutTime({ raw }: Received): string {
  expect(raw).toMatch(TIME)
  return raw.replace(TIME, '"timestamp": …')
}

const reason = missing('python')

describe.skipIf(reason)(`events for webhooks as stock MLflow${reason && ` (${reason})`}`, () => {
  const target = engineTarget('PGlite')
  const receivers: Receiver[] = []
  let ours: WebhookApp
  let stock: { ask: Ask; child: Child; folder: string }

  beforeAll(async () => {
    receivers.push(await startReceiver(), await startReceiver())
    ours = await startWebhookApp(target, webhookConfig())
    stock = await startStock()
  })
  afterAll(async () => {
    await ours?.app.close()
    await stock?.child.stop()
    await rm(stock?.folder ?? '', { recursive: true, force: true })
    for (const receiver of receivers) await receiver.close()
  })

  it('have the same bodies, to the byte', async () => {
    const [first, second] = receivers as [Receiver, Receiver]
    const theirs = await drive(stock.ask, first)
    const own = await drive(ours.app.request, second)
    expect(own).toEqual(theirs)
    expect(own.bodies.length).toBeGreaterThan(25)
  })
})

/** A stock server that may reach receivers on this machine. */
async function startStock() {
  const { command } = await useService('python')
  const folder = await mkdtemp(join(tmpdir(), 'crateflow-stock-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = await startChild({
    command: [
      ...[command, '-m', 'mlflow', 'server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1'],
      ...['--backend-store-uri', `sqlite:///${join(folder, 'mlflow.db')}`],
    ],
    logFile: join(folder, 'stock.log'),
    cwd: folder,
    env: {
      ...process.env,
      MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
      MLFLOW_DISABLE_TELEMETRY: 'true',
      MLFLOW_TRACKING_URI: '',
      MLFLOW_WEBHOOK_ALLOWED_SCHEMES: 'http',
      MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS: 'true',
    },
    ready: () => answers(`${url}/health`),
  })
  const ask: Ask = (method, path, body) => sendHttp(url, method, path, body)
  return { ask, child, folder }
}
