// Records a server under load: its creation, checkpoints, clean stops, crashes and recoveries.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { bundle } from '../../scripts/bundle.mjs'
import { type Client, createClient, type Sent } from './clients.ts'
import { appendToLog, positionIn } from './log.ts'
import type { Random } from './random.ts'
import { missedRecords } from './reconcile.ts'

/** Beside it lies the store's lock. */
export const STORE = 'data/store'

/** Something that went on from one position in the log to another. */
export interface Span {
  kind: 'creation' | 'start' | 'recovery' | 'switch' | 'checkpoint' | 'rebuild' | 'stop'
  from: number
  to: number
}

export interface Recording {
  /** The folder that stood for the disk, as the last server has left it. */
  root: string
  log: string
  sent: Sent[]
  spans: Span[]
}

export interface RecordingOptions {
  /** Where `bundleServer` has left it. */
  server: string
  /** The folder that stands for the disk. */
  root: string
  log: string
  random: Random
  isSynced: boolean
  rounds: number
  /** Acknowledged writes between two of the statements that the server runs meanwhile. */
  writes: number
}

const CLIENTS = 6
const SERVER = 'recorded-server.js'
/** So little memory that pages leave it, and so reach the disk, at any moment. */
const SHARED_BUFFERS = '1MB'

interface Server {
  url: string
  run(statement: 'checkpoint' | 'switch' | 'rebuild'): Promise<void>
  stop(): Promise<void>
  kill(): Promise<void>
}

async function startServer({ server, root, log, isSynced }: RecordingOptions): Promise<Server> {
  const recorder = pathToFileURL(join(import.meta.dirname, 'recorder.mjs')).href
  const child: ChildProcess = fork(join(server, 'dist', SERVER), [join(root, STORE)], {
    execArgv: [],
    env: {
      ...process.env,
      NODE_OPTIONS: `--import ${recorder}`,
      POWER_ROOT: root,
      POWER_LOG: log,
      POWER_SYNC: isSynced ? 'on' : 'off',
    },
  })
  const ended = once(child, 'exit')
  const answer = async () => {
    const [message] = await Promise.race([
      once(child, 'message'),
      ended.then(([code]) => {
        throw new Error(`The recorded server ended with code ${code}`)
      }),
    ])
    return message as string
  }
  const ask = (question: string) => {
    child.send(question)
    return answer()
  }
  return {
    url: await answer(),
    run: async (statement) => void (await ask(statement)),
    stop: async () => {
      await ask('stop')
      await ended
    },
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Bundles a server that has little memory for pages, beside the program's template. @throws Error when there is no such number */
export async function bundleServer(program: string): Promise<string> {
  const root = join(program, '..')
  const home = mkdtempSync(join(root, '.cache/power-'))
  const dist = join(home, 'dist')
  const worker = 'pglite-worker.mjs'
  const entries = {
    [SERVER]: join(import.meta.dirname, 'recorded-server.ts'),
    [worker]: join(root, 'src/platform/database', worker),
  }
  await bundle(entries, dist)
  for (const name of ['migrations', 'package.json']) symlinkSync(join(root, name), join(home, name))
  for (const name of ['template', 'template.folders.json'])
    cpSync(join(program, name), join(dist, name), { recursive: true })
  const file = join(dist, worker)
  const text = readFileSync(file, 'utf8')
  const changed = text.replace(/(SHARED_BUFFERS = )["']\w+["']/, `$1'${SHARED_BUFFERS}'`)
  if (changed === text) throw new Error(`${file} sets no shared buffers`)
  writeFileSync(file, changed)
  return home
}

interface Session extends RecordingOptions {
  clients: Client[]
  sent: Sent[]
  spans: Span[]
}

/** @throws Error when the recorder missed something */
export async function record(options: RecordingOptions): Promise<Recording> {
  const { root, log, random, rounds } = options
  const sent: Sent[] = []
  const spans: Span[] = []
  const clients = Array.from({ length: CLIENTS }, (_, i) => createClient(String(i), log, sent, random))
  const session: Session = { ...options, clients, sent, spans }
  appendToLog(log, [{ op: 'create', path: '.', ino: statSync(root).ino, kind: 'folder' }])
  const first = await during(session, 'creation', () => startServer(options))
  await stop(session, first)
  for (let round = 0; round < rounds; round++) await recordRound(session, round % 2 === 1)
  return { root, log, sent, spans }
}

async function during<Result>(session: Session, kind: Span['kind'], what: () => Promise<Result>) {
  const from = positionIn(session.log)
  const result = await what()
  session.spans.push({ kind, from, to: positionIn(session.log) })
  return result
}

/** Every other time the server dies while it writes, and the next one recovers. */
async function recordRound(session: Session, isAfterCrash: boolean): Promise<void> {
  const { clients, sent, writes } = session
  const server = await during(session, isAfterCrash ? 'recovery' : 'start', () => startServer(session))
  try {
    const working = Promise.all(clients.map((client) => client.work(server.url)))
    const writing = () => Promise.race([working, acknowledged(sent, writes)])
    for (const statement of ['switch', 'checkpoint', 'rebuild', 'switch', 'checkpoint', 'rebuild'] as const) {
      await writing()
      await during(session, statement, () => server.run(statement))
    }
    await writing()
    if (isAfterCrash) for (const client of clients) client.stop()
    else await server.kill()
    await working
    if (isAfterCrash) await stop(session, server)
    else noteMissed(session)
  } finally {
    await server.kill()
  }
}

async function stop(session: Session, server: Server): Promise<void> {
  await during(session, 'stop', server.stop)
  const [missed] = missedRecords(session.log, session.root)
  if (missed) throw new Error(`The recorder missed ${JSON.stringify(missed)}`)
}

/** What was done and not noted when the process was killed is noted now, lest the next one finds unknown files. */
function noteMissed({ log, root }: Session): void {
  appendToLog(log, missedRecords(log, root))
}

async function acknowledged(sent: Sent[], writes: number): Promise<void> {
  const isAcknowledged = (write: Sent) => write.acknowledgedAt !== undefined
  const from = sent.length
  while (sent.slice(from).filter(isAcknowledged).length < writes) await sleep(10)
}
