// Checks what a database server is told by a connection. Databases of the tests ask nobody for a password.
import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEngine } from '../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../src/platform/database/uri.ts'
import { runProgram } from '../cli/program.ts'

/** A message of PostgreSQL's protocol: type, length with itself, content. */
function message(type: string, content: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(content.length + 4)
  return Buffer.concat([Buffer.from(type), length, content])
}

const ASK_PASSWORD = message('R', Buffer.from([0, 0, 0, 3]))
const REFUSAL = message(
  'E',
  Buffer.from('SFATAL\0C28P01\0Mpassword authentication failed for user "ann"\0\0'),
)

/** Asks each client for its password, notes start and password as they come, and refuses. */
function refuse(socket: Socket, heard: { start: string; password: string }[]): void {
  const entry = { start: '', password: '' }
  socket.on('error', () => {})
  socket.on('data', (data) => {
    if (entry.start === '') {
      entry.start = data.toString('utf8', 8)
      socket.write(ASK_PASSWORD)
    } else {
      entry.password = data.toString('utf8', 5, data.length - 1)
      heard.push(entry)
      socket.end(REFUSAL)
    }
  })
}

describe('a connection to a database server', () => {
  const heard: { start: string; password: string }[] = []
  const servers: Server[] = []
  const ports: number[] = []

  beforeAll(async () => {
    for (const _host of ['first', 'second']) {
      const server = createServer((socket) => refuse(socket, heard))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      servers.push(server)
      ports.push((server.address() as { port: number }).port)
    }
  })
  afterAll(() => {
    for (const server of servers) server.close()
  })

  it.each(['cratedb', 'postgresql'])(
    'sends user, password and schema of a %s URI to each host',
    async (scheme) => {
      heard.length = 0
      const hosts = ports.map((port) => `127.0.0.1:${port}`).join(',')
      const uri = `${scheme}://ann:p%40ss%2Fw%3Ard@${hosts}/?schema=lab`
      const engine = await openEngine(parseBackendUri(uri), { maxConnections: 1 })
      const failure = await engine.ping().then(
        () => undefined,
        (error: Error) => error,
      )
      await engine.close()
      expect(heard.map(({ password }) => password)).toEqual(['p@ss/w:rd', 'p@ss/w:rd'])
      for (const { start } of heard) {
        expect(start).toContain('user\0ann\0')
        expect(start).toContain('search_path=lab')
      }
      expect(failure?.message).toBe('password authentication failed for user "ann"')
    },
  )

  it.each([
    [
      'ann',
      'The database wants a password of the user ann, and the backend store URI has none (password authentication failed for user "ann"): add it behind the name, as ann:password, in MLFLOW_BACKEND_STORE_URI rather',
    ],
    [
      'ann:wrong',
      'The database refuses the user ann: password authentication failed for user "ann". In the URI, the',
    ],
  ])('says what to do when it is refused as %s', async (user, text) => {
    const uri = `postgresql://${user}@127.0.0.1:${ports[0]}/lab`
    const { code, stderr } = await runProgram(['db', 'status', '--backend-store-uri', uri])
    expect(stderr).toContain(`crateflow: ${text}`)
    expect(stderr).not.toContain('wrong')
    expect(code).toBe(2)
  })
})
