// Records a server under load: its creation, checkpoints, clean stops, crashes and recoveries.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { type Client, createClient, type Sent } from './clients.ts'
import { appendToLog, positionIn } from './log.ts'
import type { Random } from './random.ts'
import { missedRecords } from './reconcile.ts'

/** Beside it lies the store's lock. */
export const STORE = 'data/store'

/** Something that went on from one position in the log to another. */
export interface Span {
  kind: 'creation' | 'checkpoint' | 'stop' | 'start' | 'recovery'
  from: number
  to: number
}

export interface Recording {
  log: string
  sent: Sent[]
  spans: Span[]
}

export interface RecordingOptions {
  /** The compiled server. */
  dist: string
  /** The folder that stands for the disk. */
  root: string
  log: string
  random: Random
  isSynced: boolean
  rounds: number
  /** Acknowledged requests between two checkpoints. */
  requests: number
}

const CLIENTS = 6
/** So little memory that pages leave it, and so reach the disk, at any moment. */
const SHARED_BUFFERS = '1MB'

interface Server {
  url: string
  checkpoint(): Promise<void>
  /** Goes on to another file of the log. */
  switchLog(): Promise<void>
  stop(): Promise<void>
  kill(): Promise<void>
}

async function startServer({ dist, root, log, isSynced }: RecordingOptions): Promise<Server> {
  const recorder = pathToFileURL(join(import.meta.dirname, 'recorder.mjs')).href
  const child: ChildProcess = fork(
    join(import.meta.dirname, 'recorded-server.mjs'),
    [dist, join(root, STORE)],
    {
      execArgv: [],
      env: {
        ...process.env,
        NODE_OPTIONS: `--import ${recorder}`,
        POWER_ROOT: root,
        POWER_LOG: log,
        POWER_SYNC: isSynced ? 'on' : 'off',
      },
    },
  )
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
    checkpoint: async () => void (await ask('checkpoint')),
    switchLog: async () => void (await ask('switch')),
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

/** A copy of the compiled server that has little memory for pages. @throws Error when there is no such number */
export function withLittleMemory(dist: string): { home: string; dist: string } {
  const home = mkdtempSync(join(dist, '../.cache/power-'))
  symlinkSync(join(dist, '../migrations'), join(home, 'migrations'))
  const copy = join(home, 'dist')
  cpSync(dist, copy, { recursive: true })
  const file = join(copy, 'database/pglite-worker.mjs')
  const text = readFileSync(file, 'utf8')
  const changed = text.replace(/(SHARED_BUFFERS = )'\w+'/, `$1'${SHARED_BUFFERS}'`)
  if (changed === text) throw new Error(`${file} sets no shared buffers`)
  writeFileSync(file, changed)
  return { home, dist: copy }
}

/** @throws Error when the recorder missed something */
export async function record(options: RecordingOptions): Promise<Recording> {
  const { root, log, random, rounds, requests } = options
  const sent: Sent[] = []
  const spans: Span[] = []
  appendToLog(log, [{ op: 'create', path: '.', ino: statSync(root).ino, kind: 'folder' }])

  async function during<Result>(kind: Span['kind'], what: () => Promise<Result>): Promise<Result> {
    const from = positionIn(log)
    const result = await what()
    spans.push({ kind, from, to: positionIn(log) })
    return result
  }

  const clients = Array.from({ length: CLIENTS }, (_, i) => createClient(String(i), log, sent, random))
  const first = await during('creation', () => startServer(options))
  await stop(first)

  async function stop(server: Server) {
    await during('stop', server.stop)
    const missed = missedRecords(log, root)
    if (missed.length > 0) throw new Error(`The recorder missed ${JSON.stringify(missed[0])}`)
  }

  for (let round = 0; round < rounds; round++) {
    const kind = round % 2 === 1 ? 'recovery' : 'start'
    const server = await during(kind, () => startServer(options))
    const working = clients.map((client) => client.work(server.url))
    const ending = Promise.all(working)
    for (let part = 0; part < 3; part++) {
      await Promise.race([ending, acknowledged(sent, requests)])
      if (part < 2) await during('checkpoint', server.checkpoint)
      if (part === 0) await server.switchLog()
    }
    // Every other time the server dies while it writes.
    if (round % 2 === 0) await crash(server, ending, options)
    else {
      for (const client of clients) (client as Client).stop()
      await ending
      await stop(server)
    }
  }
  return { log, sent, spans }
}

async function acknowledged(sent: Sent[], requests: number): Promise<void> {
  const isAcknowledged = (write: Sent) => write.acknowledgedAt !== undefined
  const from = sent.length
  while (sent.slice(from).filter(isAcknowledged).length < requests) await sleep(10)
}

/** What was done and not noted when the process was killed is noted now, lest the next one finds unknown files. */
async function crash(server: Server, ending: Promise<unknown>, { log, root }: RecordingOptions) {
  await server.kill()
  await ending
  appendToLog(log, missedRecords(log, root))
}
