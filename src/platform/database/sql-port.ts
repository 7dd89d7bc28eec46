// The SQL port of the embedded database: PostgreSQL's wire protocol for psql, drivers and notebooks. The database is one session;
// clients get theirs by turns, a statement at a time, see sql-port-session.ts and pglite-reader.ts.
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { frame, int32, zeroEnded } from './pglite-frames.ts'
import type { PgliteReader } from './pglite-reader.ts'
import { isKept } from './sql-port-commands.ts'
import {
  authentication,
  backendKeyData,
  CANCEL_REQUEST,
  type ClientMessage,
  createBodyReader,
  errorResponse,
  GSS_REQUEST,
  MAX_MESSAGE,
  ProtocolError,
  parameterStatus,
  REFUSED,
  readyForQuery,
  SSL_REQUEST,
} from './sql-port-messages.ts'
import { createRunner } from './sql-port-runner.ts'
import { createScram, SCRAM } from './sql-port-scram.ts'
import { createSession } from './sql-port-session.ts'

export interface SqlPortOptions {
  host: string
  /** 0 for any that is free. */
  port: number
  /** Absent: none is asked for. */
  password: string | undefined
  /** Milliseconds that the database may work on a statement. */
  timeoutMs: number
  /** Called before each statement: writes what was acknowledged and not written yet. */
  settle: () => Promise<void>
}

export interface SqlPort {
  port: number
  close(): Promise<void>
}

const MAX_CLIENTS = 32
/** Connections that have not said who they are yet: of more, the oldest goes, so that nobody is kept out by those who never do. */
const MAX_STRANGERS = 64
/** How long a client may take to say who it is, in milliseconds. */
const LOGIN_MS = 5_000
/** How long a client may leave an answer unread, in milliseconds. */
const UNREAD_MS = 60_000
const PROTOCOL = 3

/** Running clients by the key that cancels what they run. */
type Cancels = Map<string, () => void>

/** @throws Error when the port is taken */
export async function listenForSql(engine: PgliteReader, options: SqlPortOptions): Promise<SqlPort> {
  const reader: PgliteReader = {
    ...engine,
    async transact(...asked) {
      await options.settle()
      return engine.transact(...asked)
    },
  }
  const sockets = new Set<Socket>()
  const ended = new Set<Promise<void>>()
  const guests = createGuests()
  const cancels: Cancels = new Map()
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    guests.arrive(socket)
    const served = serveClient(socket, { reader, options, cancels, guests })
      .catch(() => {})
      .finally(() => {
        guests.leave(socket)
        sockets.delete(socket)
        ended.delete(served)
        socket.destroy()
      })
    ended.add(served)
  })
  server.listen(options.port, options.host)
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      for (const cancel of cancels.values()) cancel()
      await Promise.allSettled(ended)
    },
  }
}

interface Serving {
  reader: PgliteReader
  options: SqlPortOptions
  cancels: Cancels
  guests: Guests
}

/** Who is connected: strangers, and clients that are let in. */
function createGuests() {
  const strangers = new Set<Socket>()
  const clients = new Set<Socket>()
  return {
    arrive(socket: Socket): void {
      const [oldest] = strangers
      if (oldest && strangers.size >= MAX_STRANGERS) {
        strangers.delete(oldest)
        oldest.destroy()
      }
      strangers.add(socket)
    },
    /** @returns false when there are too many clients */
    letIn(socket: Socket): boolean {
      if (clients.size >= MAX_CLIENTS) return false
      strangers.delete(socket)
      clients.add(socket)
      return true
    },
    leave(socket: Socket): void {
      strangers.delete(socket)
      clients.delete(socket)
    },
  }
}
type Guests = ReturnType<typeof createGuests>

async function serveClient(socket: Socket, { reader, options, cancels, guests }: Serving): Promise<void> {
  const input = createInput(socket)
  const write = (message: Buffer) => send(socket, message)
  const deadline = setTimeout(() => socket.destroy(), LOGIN_MS)
  const parameters = await readStartup(input, write, cancels)
  if (!parameters) return
  if (options.password !== undefined && !(await knowsPassword(input, write, options.password)))
    return write(errorResponse('FATAL', '28P01', 'password authentication failed'))
  clearTimeout(deadline)
  if (!guests.letIn(socket)) return write(errorResponse('FATAL', '53300', 'too many clients already'))

  const settings = new Map(
    [...parameters].filter(([name]) => isKept(name)).map(([name, value]) => [name.toLowerCase(), value]),
  )
  const runner = createRunner(reader, settings, options.timeoutMs)
  const key: [number, number] = [randomInt(1, 2 ** 31), randomInt(1, 2 ** 31)]
  const session = createSession({ runner, settings, write })
  cancels.set(String(key), runner.cancel)
  socket.once('close', runner.cancel)
  try {
    await write(
      Buffer.concat([authentication(0), ...greeting(parameters), backendKeyData(...key), readyForQuery('I')]),
    )
    for (;;) {
      const message = await input.message()
      if (!message || message.type === 'X') return
      await session.handle(message)
    }
  } catch (error) {
    if (error instanceof ProtocolError) await write(errorResponse('FATAL', '08P01', error.message))
    else throw error
  } finally {
    cancels.delete(String(key))
    await session.close()
  }
}

/** What clients are told at the beginning. @see https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-ASYNC */
const greeting = (parameters: ReadonlyMap<string, string>) =>
  Object.entries({
    server_version: '18.0 (Crateflow)',
    server_encoding: 'UTF8',
    client_encoding: 'UTF8',
    DateStyle: 'ISO, MDY',
    IntervalStyle: 'postgres',
    TimeZone: parameters.get('TimeZone') ?? 'GMT',
    integer_datetimes: 'on',
    standard_conforming_strings: 'on',
    default_transaction_read_only: 'on',
    in_hot_standby: 'off',
    is_superuser: 'off',
    application_name: parameters.get('application_name') ?? '',
    session_authorization: parameters.get('user') ?? '',
  }).map(([name, value]) => parameterStatus(name, value))

/** Sends, and waits for a client that does not read; one that does not for long is gone. */
async function send(socket: Socket, message: Buffer): Promise<void> {
  if (socket.destroyed) throw new Error('The client is gone.')
  if (socket.write(message)) return
  const timer = setTimeout(() => socket.destroy(), UNREAD_MS)
  try {
    const gone = once(socket, 'close').then(() => {
      throw new Error('The client is gone.')
    })
    gone.catch(() => {})
    await Promise.race([once(socket, 'drain'), gone])
  } finally {
    clearTimeout(timer)
  }
}

interface Input {
  /** The next message; undefined at the end. */
  message(): Promise<ClientMessage | undefined>
  /** A first message, which has no letter. */
  startup(): Promise<Buffer | undefined>
}

/** Reads messages off the connection, no further than they are wanted. */
function createInput(socket: Socket): Input {
  const chunks = socket[Symbol.asyncIterator]()
  let buffered = Buffer.alloc(0)

  async function take(bytes: number): Promise<Buffer | undefined> {
    while (buffered.length < bytes) {
      const { value, done } = await chunks.next()
      if (done) return undefined
      buffered = Buffer.concat([buffered, value as Buffer])
    }
    const taken = buffered.subarray(0, bytes)
    buffered = buffered.subarray(bytes)
    return taken
  }

  async function body(length: Buffer | undefined): Promise<Buffer | undefined> {
    if (!length) return undefined
    const size = length.readInt32BE(0) - 4
    if (size < 0 || size > MAX_MESSAGE) throw new ProtocolError(`a message has ${MAX_MESSAGE} bytes at most`)
    return take(size)
  }

  return {
    startup: async () => body(await take(4)),
    async message() {
      const type = await take(1)
      const read = type && (await body(await take(4)))
      return type && read && { type: type.toString('latin1'), body: read }
    },
  }
}

/** The parameters of who wants a session; undefined for one that only cancels, or is gone. */
async function readStartup(
  input: Input,
  write: (message: Buffer) => Promise<void>,
  cancels: Cancels,
): Promise<Map<string, string> | undefined> {
  for (;;) {
    const body = await input.startup()
    if (!body || body.length < 4) return undefined
    const reader = createBodyReader(body)
    const code = reader.int32()
    if (code === SSL_REQUEST || code === GSS_REQUEST) {
      await write(REFUSED)
      continue
    }
    if (code === CANCEL_REQUEST) {
      cancels.get(String([reader.int32(), reader.int32()]))?.()
      return undefined
    }
    // Whoever knows a later minor version is told which one is spoken.
    if (code >> 16 === PROTOCOL && (code & 0xffff) > 0)
      await write(frame('v', int32(PROTOCOL << 16), int32(0)))
    if (code >> 16 !== PROTOCOL) {
      await write(errorResponse('FATAL', '0A000', 'this version of the protocol is not spoken'))
      return undefined
    }
    const parameters = new Map<string, string>()
    for (let name = reader.text(); name !== ''; name = reader.text()) parameters.set(name, reader.text())
    return parameters
  }
}

async function knowsPassword(
  input: Input,
  write: (message: Buffer) => Promise<void>,
  password: string,
): Promise<boolean> {
  const scram = createScram(password)
  await write(authentication(10, zeroEnded(SCRAM), Buffer.from([0])))
  const first = await input.message()
  if (first?.type !== 'p') return false
  const reader = createBodyReader(first.body)
  const mechanism = reader.text()
  const challenge = scram.first(mechanism, reader.bytes(Math.max(reader.int32(), 0)).toString())
  if (challenge === undefined) return false
  await write(authentication(11, Buffer.from(challenge)))
  const last = await input.message()
  const proof = last?.type === 'p' ? scram.last(last.body.toString()) : undefined
  if (proof === undefined) return false
  await write(authentication(12, Buffer.from(proof)))
  return true
}
