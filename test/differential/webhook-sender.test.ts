// One request to a receiver: body, signature, addresses, answers.
import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createSecretBox } from '../../src/registry/webhooks/secrets.ts'
import { createSender } from '../../src/registry/webhooks/sender.ts'
import { createTargets, ForbiddenTargetError } from '../../src/registry/webhooks/targets.ts'
import { pythonOutput } from '../support/python.ts'
import { type Receiver, type ReceiverAnswer, startReceiver } from '../support/receiver.ts'
import { missing } from '../support/services.ts'

const KEY = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='
const secrets = createSecretBox([KEY])
const NOW_MS = 1_767_225_600_123
const outgoing = {
  deliveryId: '6b0e7f2e-8f0a-4a55-9d3c-0c1f0b0f8a11',
  event: 'model_version_tag.set',
  payload: { name: 'ä "m"', version: '1', key: 'k', value: 'line\nbreak 😀' },
  raisedAtMs: NOW_MS,
}

let receiver: Receiver | undefined
afterEach(() => receiver?.close())

async function answering(answer: ReceiverAnswer) {
  receiver = await startReceiver(() => answer)
  return receiver
}

function sender({ allowPrivateIps = true, timeoutMs = 5000 } = {}) {
  const targets = createTargets({ allowedSchemes: ['http', 'https'], allowPrivateIps })
  return createSender({ clock: { now: () => NOW_MS + 5000 }, targets, secrets, timeoutMs })
}

describe('a request to a webhook', () => {
  it('has the body and headers of MLflow', async () => {
    const { url, received } = await answering({})
    await sender()({ url: `${url}?a=b`, secret: null }, outgoing)
    const [request] = received
    expect(request?.path).toBe('/hook?a=b')
    expect(request?.raw).toBe(
      '{"entity": "model_version_tag", "action": "set", "timestamp": "2026-01-01T00:00:00.123000+00:00", ' +
        '"data": {"name": "\\u00e4 \\"m\\"", "version": "1", "key": "k", "value": "line\\nbreak \\ud83d\\ude00"}}',
    )
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-mlflow-delivery-id': outgoing.deliveryId,
      'x-mlflow-timestamp': '1767225605',
    })
    expect(request?.headers).not.toHaveProperty('x-mlflow-signature')
  })

  const reason = missing('python')
  it.skipIf(reason)(`has the signature that stock MLflow would give it ${reason}`, async () => {
    const { url, received } = await answering({})
    await sender()({ url, secret: secrets.encrypt('sécret') }, outgoing)
    const { headers, raw } = received[0] as (typeof received)[0]
    const expected = await pythonOutput(`
import json
from mlflow.webhooks.delivery import _generate_hmac_signature
body = json.loads('''${JSON.stringify(raw).replaceAll('\\', '\\\\')}''')
print(_generate_hmac_signature("sécret", "${headers['x-mlflow-delivery-id']}", "${headers['x-mlflow-timestamp']}", body))`)
    expect(headers['x-mlflow-signature']).toBe(expected.trim())
  })

  it('answers status, text and Retry-After of whatever came back', async () => {
    const { url } = await answering({ status: 503, body: 'busy', headers: { 'retry-after': '7' } })
    expect(await sender()({ url, secret: null }, outgoing)).toEqual({
      status: 503,
      body: 'busy',
      retryAfter: '7',
    })
  })

  it('does not follow redirects', async () => {
    const { url, port, received } = await answering({
      status: 307,
      headers: { location: '/elsewhere' },
    })
    expect(port).toBeGreaterThan(0)
    expect(await sender()({ url, secret: null }, outgoing)).toMatchObject({ status: 307 })
    expect(received).toHaveLength(1)
  })

  it('reads no more than 64 KiB of an answer', async () => {
    const { url } = await answering({ body: 'x'.repeat(10_000_000) })
    const { body } = await sender()({ url, secret: null }, outgoing)
    expect(body).toHaveLength(64 * 1024)
  })

  it('ends when the time is over, or when it is told to', async () => {
    const { url } = await answering({ delayMs: 60_000 })
    const send = sender({ timeoutMs: 200 })
    await expect(send({ url, secret: null }, outgoing)).rejects.toThrow('No answer within 0.2 s')
    const signal = AbortSignal.abort()
    await expect(sender()({ url, secret: null }, outgoing, signal)).rejects.toThrow()
  })

  it('keeps the status of an answer whose text never ends', async () => {
    const server = createServer((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab'))
      socket.on('error', () => {})
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const url = `http://127.0.0.1:${port}/`
    const answer = await sender({ timeoutMs: 300 })({ url, secret: null }, outgoing)
    expect(answer).toMatchObject({ status: 200, body: 'ab' })
    server.close()
  })

  it.each(['http://127.0.0.1', 'http://localhost', 'http://127.1', 'http://[::ffff:127.0.0.1]'])(
    'never reaches %s, whatever the name resolved to when the webhook was made',
    async (origin) => {
      const { port, received } = await answering({})
      const sent = sender({ allowPrivateIps: false })({ url: `${origin}:${port}/`, secret: null }, outgoing)
      await expect(sent).rejects.toThrow(ForbiddenTargetError)
      expect(received).toHaveLength(0)
    },
  )
})

describe('the URL of a webhook', () => {
  const check = (url: string, allowPrivateIps = false) =>
    createTargets({ allowedSchemes: ['https'], allowPrivateIps }).check(url)

  it('may be one of a public address, or any when private ones are allowed', async () => {
    await check('https://8.8.8.8/a?b#c')
    await check('https://127.0.0.1:1/', true)
    await check('https://name.invalid/', true)
    // Stock takes it, too.
    await check('https://example.com%/', true)
  })

  it.each([
    ['https://localhost/', "'localhost' resolves to "],
    ['https://name.invalid/', "Cannot resolve Webhook URL hostname 'name.invalid'"],
    ['http://8.8.8.8/', "Invalid webhook URL scheme: 'http'"],
    ['https://a b/', "Cannot resolve Webhook URL hostname 'a b'"],
    ['https://[invalid-url', "Invalid webhook URL 'https://[invalid-url': ValueError('Invalid IPv6 URL')"],
    ['https://[x]/', `ValueError("'x' does not appear to be an IPv4 or IPv6 address")`],
    [
      'https://8.8.8.8:99999/',
      "Invalid webhook URL 'https://8.8.8.8:99999/': ValueError('Port out of range 0-65535')",
    ],
    ['https://0x7f000001/', "'0x7f000001' resolves to 127.0.0.1"],
    ['https://2130706433/', "'2130706433' resolves to 127.0.0.1"],
  ])('must not be %s', async (url, text) => {
    await expect(check(url)).rejects.toThrow(text)
  })
})
