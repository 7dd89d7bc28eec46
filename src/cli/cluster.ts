// The primary process of a cluster: prepares the database once, keeps workers running, stops them.
import cluster, { type Worker } from 'node:cluster'
import type { Logger } from 'pino'
import { createMetricsCollector } from './cluster-metrics.ts'
import { EXIT } from './errors.ts'
import type { StopSignal } from './signals.ts'
import type { ToPrimary, ToWorker } from './worker.ts'

export interface ClusterOptions {
  /** How many workers serve. */
  count: number
  log: Logger
  stop: StopSignal
  /** Arguments of this process, which workers get as well. */
  args: readonly string[]
  /** Migrates the database; workers load meanwhile. */
  prepare: () => Promise<void>
  /** Called once all workers listen. */
  announce: (port: number) => void
  /** Work of this process beside the serving; what comes out is told to all workers, those to come too. */
  aside: () => Promise<ToWorker | undefined>
  /** How long a worker may take to stop before it is killed. */
  shutdownTimeoutSeconds: number
}

/** A worker that has listened for so long has started well. */
const STEADY_MS = 10_000
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 10_000
/** Workers that die one after the other before the cluster gives up, if none is left. */
const MAX_FAILURES = 5
/** What a worker may take beyond the time that it gives its requests; it ends by itself before. */
const KILL_AFTER_MS = 1_500

/**
 * Runs `count` workers on one port until told to stop. A worker that dies is replaced.
 * @returns the exit code: 0 when all workers stopped gracefully
 * @throws what kept the database or the first workers from starting, or when all workers keep dying
 */
export async function runCluster(options: ClusterOptions): Promise<number> {
  const { log, stop } = options
  const workers = keepWorkers(options)
  let aside: Promise<unknown> | undefined
  try {
    // Whatever fails first ends the start.
    await Promise.race([options.prepare(), workers.failure])
    workers.open()
    const port = await Promise.race([workers.listening, workers.failure, stop.stopped])
    if (port !== undefined) {
      options.announce(port)
      aside = options.aside().then((message) => message && workers.tell(message))
    }
    await Promise.race([stop.stopped, workers.failure])
    log.info('Stopping: running requests may end')
  } catch (error) {
    await workers.end()
    throw error
  }
  const [code] = await Promise.all([workers.end(), aside])
  log.info('Stopped')
  return code
}

interface Workers {
  /** Rejects when the cluster cannot go on. */
  failure: Promise<never>
  /** The port, once all of the first workers listen. */
  listening: Promise<number>
  /** Lets workers open the database, those to come too. */
  open: () => void
  /** Tells all workers, those to come too. */
  tell: (message: ToWorker) => void
  /** Stops all. @returns the worst of their exit codes */
  end: () => Promise<number>
}

interface Member {
  worker: Worker
  ended: Promise<number>
  /** Milliseconds since the epoch. */
  listeningSince?: number
}

function keepWorkers({ count, log, args, shutdownTimeoutSeconds }: ClusterOptions): Workers {
  const members = new Map<number, Member>()
  const serving = () => [...members.values()].filter(({ listeningSince }) => listeningSince !== undefined)
  const metrics = createMetricsCollector(() => serving().map(({ worker }) => worker), send)
  const failure = signalOf<never>()
  const listening = signalOf<number>()
  const restarts = createRestarts(begin)
  const told: ToWorker[] = []
  let [isOpen, isStopping, hasStarted] = [false, false, false]

  function begin(): void {
    const worker = cluster.fork()
    members.set(worker.id, { worker, ended: exitCode(worker) })
    worker.on('listening', ({ port }) => onListening(worker, port))
    worker.on('message', (message: ToPrimary) => onMessage(worker, message))
    worker.on('exit', (code, signal) => onExit(worker, signal ?? `code ${code}`))
    // A worker that dies while it is told something is heard of by its exit.
    worker.on('error', () => {})
  }

  function onListening(worker: Worker, port: number): void {
    const member = members.get(worker.id)
    if (member) member.listeningSince = Date.now()
    if (hasStarted) log.info(`Worker ${worker.id} listens`)
    if (hasStarted || serving().length < count) return
    hasStarted = true
    // With port 0, replacements shall take the same one, even when all workers died at once.
    cluster.setupPrimary({ args: [...args, '--port', String(port)] })
    listening.resolve(port)
  }

  function onMessage(worker: Worker, message: ToPrimary): void {
    // What it was told before it listened is lost.
    if (message.type === 'hears' && isStopping) send(worker, { type: 'stop' })
    if (message.type === 'hears') for (const news of told) send(worker, news)
    if (message.type === 'hears' && isOpen) send(worker, { type: 'open' })
    if (message.type === 'metrics') void metrics.answer(worker, message.question)
    if (message.type === 'collected') metrics.collected(worker, message)
    if (message.type !== 'failed') return
    if (hasStarted) log.error(`Worker ${worker.id} does not start: ${message.reason}`)
    else failure.reject(new Error(message.reason))
  }

  function onExit({ id }: Worker, how: string): void {
    const since = members.get(id)?.listeningSince
    members.delete(id)
    if (isStopping) return
    log.error(`Worker ${id} ended with ${how}`)
    const failures = restarts.after(since)
    if (failures < MAX_FAILURES || members.size > 0) return
    failure.reject(new Error(`Workers end again and again, the last one with ${how}.`))
  }

  for (let index = 0; index < count; index++) begin()
  return {
    failure: failure.promise,
    listening: listening.promise,
    open() {
      isOpen = true
      for (const { worker } of members.values()) send(worker, { type: 'open' })
    },
    tell(message) {
      told.push(message)
      for (const { worker } of members.values()) send(worker, message)
    },
    end() {
      isStopping = true
      restarts.stop()
      return endAll([...members.values()], shutdownTimeoutSeconds * 1000 + KILL_AFTER_MS, log)
    },
  }
}

/** Begins a worker for each that ended: at once, or after longer and longer pauses when they do not live long. */
function createRestarts(begin: () => void) {
  const timers = new Set<NodeJS.Timeout>()
  let failures = 0
  return {
    /** @returns how many workers in a row have ended soon after they began */
    after(listeningSince: number | undefined): number {
      const wasSteady = listeningSince !== undefined && Date.now() - listeningSince >= STEADY_MS
      failures = wasSteady ? 0 : failures + 1
      const pause = failures > 1 ? Math.min(FIRST_PAUSE_MS * 2 ** (failures - 2), LONGEST_PAUSE_MS) : 0
      const timer = setTimeout(() => {
        timers.delete(timer)
        begin()
      }, pause)
      timers.add(timer)
      return failures
    },
    stop() {
      for (const timer of timers) clearTimeout(timer)
    },
  }
}

/** Tells all to stop and waits until they did; kills them after the time. @returns the worst of their exit codes */
async function endAll(members: readonly Member[], timeoutMs: number, log: Logger): Promise<number> {
  for (const { worker } of members) send(worker, { type: 'stop' })
  const timer = setTimeout(() => {
    log.warn('Workers that do not stop are killed')
    for (const { worker } of members) worker.process.kill('SIGKILL')
  }, timeoutMs)
  const codes = await Promise.all(members.map(({ ended }) => ended))
  clearTimeout(timer)
  return Math.max(EXIT.ok, ...codes)
}

const exitCode = (worker: Worker) =>
  new Promise<number>((resolve) => {
    worker.once('exit', (code, signal) => resolve(signal ? EXIT.failure : code))
  })

/** A promise that is settled from outside; that nobody hears its rejection is no error. */
function signalOf<T>() {
  let settle: { resolve: (value: T) => void; reject: (error: Error) => void } | undefined
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  promise.catch(() => {})
  return {
    promise,
    resolve: (value: T) => settle?.resolve(value),
    reject: (error: Error) => settle?.reject(error),
  }
}

/** Tells a worker something, unless it is gone. */
function send(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message)
}
