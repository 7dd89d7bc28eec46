// A proxy in front of a database that records statements and their values, read off PostgreSQL's wire protocol.
import { connect, createServer } from 'node:net'

/**
 * Listens on a free port and passes everything on to `host`:`port`. Connections must not use TLS.
 * @returns `record()`, after which `take()` answers the executions since, by connection in the order of their
 * sending: `{ connection, text, values }`, values as text or null
 */
export async function startRecorder({ host, port }) {
  let executions = []
  let recording = false
  let connections = 0
  const sockets = new Set()
  const server = createServer((inbound) => {
    const connection = connections++
    const outbound = connect({ host, port, noDelay: true })
    inbound.setNoDelay(true)
    const read = createReader((execution) => {
      if (recording) executions.push({ connection, ...execution })
    })
    inbound.on('data', read)
    inbound.pipe(outbound).pipe(inbound)
    for (const socket of [inbound, outbound]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        inbound.destroy()
        outbound.destroy()
      })
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: server.address().port,
    record: () => {
      executions = []
      recording = true
    },
    take: () => {
      recording = false
      return executions
    },
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Returns a function that takes what a client sends and reports every Bind with the text of its statement. */
function createReader(report) {
  const texts = new Map()
  let rest = Buffer.alloc(0)
  // The first message has no type.
  let started = false
  return (data) => {
    rest = rest.length > 0 ? Buffer.concat([rest, data]) : data
    for (;;) {
      const head = started ? 1 : 0
      if (rest.length < head + 4) return
      const size = head + rest.readInt32BE(head)
      if (rest.length < size) return
      const type = started ? String.fromCharCode(rest[0]) : 'start'
      const body = rest.subarray(head + 4, size)
      rest = rest.subarray(size)
      started = true
      if (type === 'P') readParse(body, texts)
      if (type === 'B') report(readBind(body, texts))
    }
  }
}

function readParse(body, texts) {
  const name = readText(body, 0)
  texts.set(name.text, readText(body, name.end).text)
}

function readBind(body, texts) {
  const portal = readText(body, 0)
  const name = readText(body, portal.end)
  let at = name.end + 2 + 2 * body.readInt16BE(name.end)
  const count = body.readInt16BE(at)
  at += 2
  const values = []
  for (let i = 0; i < count; i++) {
    const length = body.readInt32BE(at)
    at += 4
    values.push(length < 0 ? null : body.toString('utf8', at, at + length))
    at += Math.max(0, length)
  }
  return { text: texts.get(name.text), values }
}

function readText(body, from) {
  const end = body.indexOf(0, from)
  return { text: body.toString('utf8', from, end), end: end + 1 }
}
