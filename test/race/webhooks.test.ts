// Webhooks and servers that share a database: a killed server's events arrive, two servers do not both send one.
import { afterEach, expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { type Receiver, type ReceiverAnswer, startReceiver } from '../support/receiver.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { freePort } from '../support/services/child.ts'

const API = '/api/2.0/mlflow'
const ENV = {
  MLFLOW_WEBHOOK_ALLOWED_SCHEMES: 'http',
  MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS: 'true',
  // A claim of a dead server ends this long after it, and 15 s.
  MLFLOW_WEBHOOK_REQUEST_TIMEOUT: '1',
  CRATEFLOW_WEBHOOK_POLL_INTERVAL: '1',
}

describeEachEngine('webhooks of several servers', (target) => {
  const servers = new Set<TestServer>()
  const receivers: Receiver[] = []
  afterEach(async () => {
    for (const server of servers) await server.stop()
    servers.clear()
    for (const receiver of receivers.splice(0)) await receiver.close()
  })

  async function start(backendStoreUri: string, port?: number): Promise<TestServer> {
    const server = await startServer({ backendStoreUri, env: ENV, port: port ?? (await freePort()) })
    servers.add(server)
    return server
  }
  async function receive(answer?: () => ReceiverAnswer): Promise<Receiver> {
    const receiver = await startReceiver(answer)
    receivers.push(receiver)
    return receiver
  }
  async function ask({ request }: TestServer, path: string, body: object): Promise<void> {
    expect(await request('POST', `${API}/${path}`, body)).toMatchObject({ status: 200 })
  }
  const subscribe = (server: TestServer, { url }: Receiver) =>
    ask(server, 'webhooks', {
      name: 'w',
      url,
      events: [{ entity: 'REGISTERED_MODEL', action: 'CREATED' }],
    })
  const createModel = (server: TestServer, name: string) => ask(server, 'registered-models/create', { name })
  const namesIn = ({ received }: Receiver) => received.map(({ body }) => String(body.data.name))

  it('arrive after the server was killed amid them and started again', async () => {
    let isUp = false
    const receiver = await receive(() => (isUp ? {} : { delayMs: 60_000 }))
    const port = await freePort()
    const uri = await target.another()
    const server = await start(uri, port)
    await subscribe(server, receiver)
    // More than it works on at once, so that some wait without a claim.
    const models = Array.from({ length: 15 }, (_one, index) => `model-${index}`)
    await Promise.all(models.map((name) => createModel(server, name)))
    await receiver.until(1)
    await server.kill()
    servers.delete(server)
    const before = receiver.received.splice(0).length
    expect(before).toBeLessThan(models.length)
    isUp = true
    await start(uri, port)
    await receiver.until(() => new Set(namesIn(receiver)).size === models.length)
    expect([...new Set(namesIn(receiver))].sort()).toEqual([...models].sort())
  })

  const others = target.name === 'PGlite' ? it.skip : it
  others('are sent by one of two servers each, while both look for them', async () => {
    const receiver = await receive(() => ({ delayMs: 300 }))
    const uri = await target.another()
    const [a, b] = [await start(uri), await start(uri)]
    await subscribe(a, receiver)
    const models = Array.from({ length: 60 }, (_one, index) => `model-${index}`)
    await Promise.all(models.map((name, index) => createModel(index % 3 ? a : b, name)))
    await receiver.until(models.length)
    // Whatever else would come is due by now: claims of this test's servers end after 16 s.
    await new Promise((resolve) => setTimeout(resolve, 18_000))
    expect(namesIn(receiver).sort()).toEqual([...models].sort())
  })

  others('go on when the server that works on them stops: the other one takes over at once', async () => {
    let isUp = false
    const receiver = await receive(() => (isUp ? {} : { status: 503, headers: { 'retry-after': '2' } }))
    const uri = await target.another()
    const a = await start(uri)
    await subscribe(a, receiver)
    await createModel(a, 'handed-over')
    await receiver.until(1)
    await a.stop()
    servers.delete(a)
    isUp = true
    await start(uri)
    await receiver.until(2)
    expect(namesIn(receiver)).toEqual(['handed-over', 'handed-over'])
  })
})
