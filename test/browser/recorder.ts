// A proxy in front of a server that keeps what a browser asked it for, and what it was answered.
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { freePort } from '../support/services/child.ts'

/** One request with its answer. */
export interface Exchange {
  method: string
  /** With its query. */
  path: string
  body: string
  /** When it came, and when its answer did, in milliseconds. */
  atMs: number
  endMs: number
  status: number
  contentType: string
  answer: string
}

export interface Recorder {
  url: string
  /** Those that are answered, in the order in which they came. */
  exchanges: () => Exchange[]
  stop: () => Promise<void>
}

/** Where the UI asks; clients have other paths. */
const KEPT = /^\/(ajax-api|graphql|get-artifact|model-versions)\b/

/** Listens on a port of its own and passes all on to the server at the URL. */
export async function startRecorder(serverUrl: string): Promise<Recorder> {
  const kept: (Exchange | undefined)[] = []
  const pass = async (from: IncomingMessage, to: ServerResponse) => {
    const path = from.url ?? '/'
    const [place, atMs] = [kept.push(undefined) - 1, Date.now()]
    const body = await buffer(from)
    const { host: _host, 'accept-encoding': _coded, ...headers } = from.headers
    const onward = request(serverUrl + path, { method: from.method, headers }, async (answered) => {
      const { statusCode: status = 0, headers: answerHeaders } = answered
      const answer = await buffer(answered)
      const contentType = String(answerHeaders['content-type'] ?? '').split(';')[0] ?? ''
      if (KEPT.test(path))
        kept[place] = {
          ...{ method: from.method ?? '', path, body: body.toString(), atMs },
          ...{ endMs: Date.now(), status, contentType, answer: answer.toString() },
        }
      to.writeHead(status, answerHeaders).end(answer)
    })
    onward.on('error', () => to.destroy())
    onward.end(body)
  }
  const server = createServer((from, to) => void pass(from, to).catch(() => to.destroy()))
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${port}`,
    exchanges: () => kept.filter((one) => one !== undefined),
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
