// A receiver of webhooks: an HTTP server that keeps what it gets and answers as told.
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Received {
  path: string
  headers: IncomingMessage['headers']
  /** The body as it came. */
  raw: string
  body: { entity: string; action: string; timestamp: string; data: Record<string, unknown> }
}

export interface ReceiverAnswer {
  status?: number
  headers?: Record<string, string>
  body?: string
  /** Milliseconds before the answer. */
  delayMs?: number
  /** What the answer waits for. */
  hold?: Promise<void>
  /** Cuts the connection in place of an answer. */
  cut?: boolean
}

export interface Receiver {
  url: string
  port: number
  received: Received[]
  /** Requests that are not answered yet, the most there were at once. */
  mostAtOnce: () => number
  /** Waits until so many requests came, or until `what` holds. */
  until: (what: number | ((received: Received[]) => boolean)) => Promise<Received[]>
  close: () => Promise<void>
}

/** `answer` is asked for each request, `count` counts those of the same delivery from 1 on. */
export async function startReceiver(
  answer: (request: Received, count: number) => ReceiverAnswer = () => ({}),
): Promise<Receiver> {
  const received: Received[] = []
  const counts = new Map<string, number>()
  let [open, most] = [0, 0]
  const server = createServer(async (request, response) => {
    most = Math.max(most, ++open)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const raw = Buffer.concat(chunks).toString('utf8')
    const one = { path: request.url ?? '', headers: request.headers, raw, body: JSON.parse(raw || '{}') }
    received.push(one)
    const id = String(request.headers['x-mlflow-delivery-id'])
    const count = (counts.get(id) ?? 0) + 1
    counts.set(id, count)
    const { status = 200, headers = {}, body = 'ok', delayMs = 0, hold, cut = false } = answer(one, count)
    await hold
    await sleep(delayMs, undefined, { ref: false })
    open--
    if (cut) request.socket.destroy()
    else response.writeHead(status, headers).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/hook`,
    port,
    received,
    mostAtOnce: () => most,
    async until(what) {
      const holds = typeof what === 'number' ? () => received.length >= what : () => what(received)
      for (let tries = 0; tries < 4000; tries++) {
        if (holds()) return received
        await sleep(20)
      }
      throw new Error(`Of what was waited for, ${received.length} requests came`)
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
