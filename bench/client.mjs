// A lean HTTP/1.1 client on plain sockets, so that load and server can share a small machine.
import { connect } from 'node:net'

/** Idle sockets are not used again after this time: uvicorn drops them after five seconds. */
const IDLE_MS = 3000
const TIMEOUT_MS = 60_000
const HEAD_END = Buffer.from('\r\n\r\n')
const EMPTY = Buffer.alloc(0)
/** The end of a body without a length; JSON has no such bytes. */
const LAST_CHUNK = '0\r\n\r\n'

/**
 * Returns a client of one server. `send` takes what `encodeRequest` made and answers the body as a Buffer; it
 * rejects unless the status is 200. `post`, `patch` and `get` take and answer JSON. Each request in flight has its own socket.
 */
export function createClient(port) {
  const idle = []
  async function send(request) {
    const socket = takeIdle(idle) ?? (await openSocket(port))
    try {
      const { status, body, keep } = await exchange(socket, request)
      if (keep) idle.push({ socket, since: performance.now() })
      else socket.destroy()
      if (status === 200) return body
      const line = request.subarray(0, request.indexOf('\r\n')).toString()
      const told = `${line} answered ${status}: ${body.toString().slice(0, 300)}`
      throw Object.assign(new Error(told), { status })
    } catch (error) {
      socket.destroy()
      throw error
    }
  }
  return {
    send,
    post: async (path, body) => JSON.parse(await send(encodePost(path, JSON.stringify(body)))),
    patch: async (path, body) => JSON.parse(await send(encodePatch(path, JSON.stringify(body)))),
    get: async (path) => JSON.parse(await send(encodeGet(path))),
    health: async () => (await send(encodeRequest('GET', '/health'))).toString(),
    close: () => {
      for (const { socket } of idle.splice(0)) socket.destroy()
    },
  }
}

/** The bytes of a POST to an endpoint such as `runs/log-metric`; the body is JSON text. */
export const encodePost = (path, body) => encodeRequest('POST', `/api/2.0/mlflow/${path}`, body)

const encodePatch = (path, body) => encodeRequest('PATCH', `/api/2.0/mlflow/${path}`, body)

/** The bytes of a GET of an endpoint such as `runs/get?run_id=…`. */
export const encodeGet = (path) => encodeRequest('GET', `/api/2.0/mlflow/${path}`)

export function encodeRequest(method, path, body = '') {
  const type = body ? `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` : ''
  return Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${type}\r\n${body}`)
}

function takeIdle(idle) {
  while (idle.length > 0) {
    const { socket, since } = idle.pop()
    if (!socket.destroyed && performance.now() - since < IDLE_MS) return socket
    socket.destroy()
  }
  return undefined
}

function openSocket(port) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      // An idle socket that breaks is seen as destroyed when it is taken.
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}

/** Writes a request and reads its response. */
function exchange(socket, request) {
  return new Promise((resolve, reject) => {
    let received = EMPTY
    let head
    let tail = ''
    const chunks = []
    let size = 0
    const onData = (data) => {
      if (!head) {
        received = received.length > 0 ? Buffer.concat([received, data]) : data
        const end = received.indexOf(HEAD_END)
        if (end < 0) return
        head = readHead(received.toString('latin1', 0, end))
        data = received.subarray(end + 4)
      }
      chunks.push(data)
      size += data.length
      if (head.length === undefined)
        tail = (tail + data.toString('latin1', Math.max(0, data.length - 5))).slice(-5)
      if (head.length === undefined ? tail !== LAST_CHUNK : size < head.length) return
      settle(resolve, { status: head.status, keep: head.keep, body: bodyOf(head, chunks) })
    }
    const onClose = () => settle(reject, new Error('The server closed the connection'))
    const timer = setTimeout(() => settle(reject, new Error('No answer in time')), TIMEOUT_MS)
    const settle = (settled, value) => {
      clearTimeout(timer)
      socket.off('data', onData)
      socket.off('close', onClose)
      settled(value)
    }
    socket.on('data', onData)
    socket.on('close', onClose)
    socket.write(request)
  })
}

function readHead(text) {
  const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1]
  return {
    status: Number(text.slice(9, 12)),
    keep: !/\r\nconnection: *close/i.test(text),
    length: length === undefined ? undefined : Number(length),
  }
}

function bodyOf(head, chunks) {
  const all = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
  if (head.length !== undefined) return all
  const parts = []
  for (let at = 0; ; ) {
    const end = all.indexOf('\r\n', at)
    const size = Number.parseInt(all.toString('latin1', at, end), 16)
    if (!size) return Buffer.concat(parts)
    parts.push(all.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
}
