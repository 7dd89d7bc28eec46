// Clients that do random things to servers on one database until they are told to stop, then read everything.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTicker, type Operation, type Point, type Span } from './events.ts'
import * as intents from './intents.ts'
import { createRequester, type Intent, type Requester } from './requests.ts'
import { exportSpans, getTrace, ROOT_ID } from './spans.ts'

export interface ClientsOptions {
  /** Base URLs of servers that share one database. */
  servers: readonly string[]
  clients: number
  /** Different numbers give different operations. */
  seed: number
  /** Milliseconds that a client waits between two operations. */
  pauseMs?: number
  /** Milliseconds after which a client gives an answer up. */
  timeoutMs?: number
  /** Called after each random operation. */
  onAnswer?: (answer: { status: number; server: number }) => void
}

export interface Clients {
  history: Operation[]
  statuses: Map<number, number>
  /**
   * Ends the random operations, has all spans acknowledged and reads every object once from each server, for up to `patienceMs` per read.
   * @throws Error when a read does not succeed in time
   */
  finish: (patienceMs?: number) => Promise<void>
}

/** What all clients know: objects whose creation was acknowledged. */
interface World {
  prefix: string
  /** Where runs are; never renamed or deleted. */
  homes: string[]
  /** Experiments without runs: what happens to names and lifecycles happens here. */
  named: string[]
  names: Set<string>
  runs: { id: string; series: Set<string> }[]
  /** Traces with the numbers of their spans that nobody has sent yet. */
  traces: { id: string; experimentId: string; next: number }[]
  /** Exports that were not acknowledged yet. */
  unsent: Intent[]
  removable: { runId: string; key: string }[]
  counter: number
}

const RUNS_IN_USE = 12
const NAME_ATTEMPTS = 10
const TRACES_IN_USE = 4
const SPANS_OF_TRACE = 40

/** Numbers from 0 to below 1 that follow from the seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Actor {
  world: World
  random: () => number
  /** To a random server. */
  send: (intent: Intent) => Promise<number>
}

/** Starts the clients; they run until `finish`. */
export async function startClients(options: ClientsOptions): Promise<Clients> {
  const { servers, seed, pauseMs = 2, timeoutMs = 90_000 } = options
  const [history, statuses, tick] = [[] as Operation[], new Map<number, number>(), createTicker()]
  const world: World = {
    ...{ prefix: `h${seed}-${Date.now().toString(36)}-`, homes: [], named: [], names: new Set(), runs: [] },
    ...{ traces: [], unsent: [], removable: [], counter: 0 },
  }
  const requesters = Array.from({ length: options.clients }, (_, client) =>
    createRequester({ client, servers, tick, history, statuses, timeoutMs }),
  )
  const actors = requesters.map((requester, client) =>
    createActor(requester, world, options, seed * 1000 + client),
  )
  await prepare(actors[0] as Actor)
  let stopped = false
  const work = actors.map(async (actor) => {
    while (!stopped) {
      const status = await act(actor)
      await sleep(status === 200 || (status >= 400 && status < 429) ? pauseMs : 50)
    }
  })
  return {
    history,
    statuses,
    async finish(patienceMs = 60_000) {
      stopped = true
      await Promise.all(work)
      for (const intent of world.unsent) {
        await sendPatiently(requesters[0] as Requester, { intent, server: 0 }, patienceMs)
      }
      await readEverything(requesters, world, servers.length, patienceMs)
      for (const requester of requesters) requester.close()
    },
  }
}

function createActor(requester: Requester, world: World, options: ClientsOptions, seed: number): Actor {
  const random = createRandom(seed)
  return {
    world,
    random,
    async send(intent) {
      const server = Math.floor(random() * options.servers.length)
      const { status } = await requester.send(server, intent)
      learn(world, intent)
      options.onAnswer?.({ status, server })
      return status
    },
  }
}

/** Objects that the answer told the id of can be used from now on. */
function learn(world: World, { writes = [] }: Intent): void {
  for (const write of writes) {
    if (write.of === 'run' && write.id !== undefined) world.runs.push({ id: write.id, series: new Set() })
    if (write.of === 'experiment' && write.id !== undefined) {
      const group = write.name.includes('home') ? world.homes : world.named
      group.push(write.id)
    }
  }
}

/** Two experiments for runs and some runs, so that there is something to act on. */
async function prepare({ world, send }: Actor): Promise<void> {
  for (const home of ['home-a', 'home-b']) {
    world.names.add(world.prefix + home)
    await send(intents.createExperiment(world.prefix + home))
  }
  for (let i = 0; i < 4; i++)
    await send(intents.createRun(world.homes[i % 2] as string, `${world.prefix}first-${i}`))
  if (world.runs.length !== 4) throw new Error('The servers do not answer before the clients start')
}

const pick = <Item>(random: () => number, items: readonly Item[]): Item =>
  items[Math.floor(random() * items.length)] as Item

/** One random operation, metrics most often. */
async function act(actor: Actor): Promise<number> {
  const { random } = actor
  const choices: [number, (actor: Actor) => Promise<number>][] = [
    [24, logPoint],
    [10, logBatch],
    [8, logParam],
    [8, setTag],
    [3, removeTag],
    [4, changeRun],
    [2, newRun],
    [14, ({ world, send }) => send(intents.getRun(recentRun(actor, world).id))],
    [8, readHistory],
    [14, sendSpans],
    [5, readTrace],
    [1, ({ world, send }) => send(intents.searchRuns(pick(random, world.homes)))],
    [9, changeNames],
    [7, readNames],
  ]
  let draw = random() * choices.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, choice] of choices) {
    draw -= weight
    if (draw < 0) return choice(actor)
  }
  return 200
}

/** Clients meet at the newest runs. */
const recentRun = ({ random }: Pick<Actor, 'random'>, { runs }: World) =>
  pick(random, runs.slice(-RUNS_IN_USE))

/** A value that no other point has; steps and timestamps repeat and come in any order. */
function newPoint({ random, world }: Actor): Point {
  return {
    step: Math.floor(random() * 40),
    timestamp: 1000 + Math.floor(random() * 3),
    value: ++world.counter / 8,
  }
}

const METRICS = ['loss', 'accuracy']

async function logPoint(actor: Actor): Promise<number> {
  const run = recentRun(actor, actor.world)
  const key = pick(actor.random, METRICS)
  run.series.add(key)
  const point = newPoint(actor)
  const status = await actor.send(intents.logMetric(run.id, key, point))
  // Clients repeat what was not acknowledged, and sometimes what was: the point is there once all the same.
  return status === 0 || status === 503 || actor.random() < 0.05
    ? actor.send(intents.logMetric(run.id, key, point))
    : status
}

async function logBatch(actor: Actor): Promise<number> {
  const { random, world } = actor
  const run = recentRun(actor, world)
  run.series.add('batched')
  const count = Math.floor(random() * 12)
  return actor.send(
    intents.logBatch(run.id, {
      points: Array.from({ length: count }, () => ['batched', newPoint(actor)]),
      params: random() < 0.3 ? [newParam(actor)] : [],
      tags: random() < 0.5 ? [['turn', `${++world.counter}`]] : [],
    }),
  )
}

/** Few keys and few values, so that clients agree and disagree about them. */
const newParam = ({ random }: Actor): [string, string] => [
  `p${Math.floor(random() * 60)}`,
  `${Math.floor(random() * 3)}`,
]

const logParam = (actor: Actor) =>
  actor.send(intents.logParam(recentRun(actor, actor.world).id, ...newParam(actor)))

async function setTag(actor: Actor): Promise<number> {
  const { world, random, send } = actor
  const run = recentRun(actor, world)
  if (random() < 0.6) return send(intents.setTag(run.id, 'turn', `${++world.counter}`))
  const key = `once-${++world.counter}`
  const status = await send(intents.setTag(run.id, key, 'set'))
  if (status === 200) world.removable.push({ runId: run.id, key })
  return status
}

function removeTag(actor: Actor): Promise<number> {
  const tag = actor.world.removable.shift()
  return tag ? actor.send(intents.deleteTag(tag.runId, tag.key)) : setTag(actor)
}

function changeRun(actor: Actor): Promise<number> {
  const { world, random, send } = actor
  const run = recentRun(actor, world)
  const draw = random()
  if (draw < 0.4)
    return send(
      intents.endRun(run.id, pick(random, ['FINISHED', 'FAILED', 'RUNNING']), 5000 + ++world.counter),
    )
  if (draw < 0.6) return send(intents.renameRun(run.id, `renamed ${++world.counter}`))
  // Runs are deleted seldom and restored soon, or most writes would be refused.
  return send(intents.moveRun(run.id, draw < 0.68 ? 'deleted' : 'active'))
}

function newRun({ world, random, send }: Actor): Promise<number> {
  return send(intents.createRun(pick(random, world.homes), `${world.prefix}run-${++world.counter}`))
}

function readHistory(actor: Actor): Promise<number> {
  const run = recentRun(actor, actor.world)
  return actor.send(intents.getHistory(run.id, pick(actor.random, [...METRICS, 'batched'])))
}

/** Clients meet at the newest traces, whose spans come in any order, the root somewhere among them. */
async function sendSpans(actor: Actor): Promise<number> {
  const { world, random } = actor
  if (world.unsent.length > 0 && random() < 0.7) return sendAgain(actor)
  if (world.traces.length < TRACES_IN_USE || random() < 0.05) world.traces.push(newTrace(actor))
  const trace = pick(random, world.traces.slice(-TRACES_IN_USE))
  const count = 1 + Math.floor(random() * 5)
  const spans = Array.from({ length: count }, () => newSpan(actor, trace.next++))
  const intent = exportSpans(trace.experimentId, trace.id, spans)
  const status = await actor.send(intent)
  // Exporters send what was not acknowledged again, until it is; now and then so does one that missed the answer.
  if (isUnanswered(status)) world.unsent.push(intent)
  return status === 200 && random() < 0.1 ? actor.send(intent) : status
}

const isUnanswered = (status: number) => status === 0 || status === 429 || status === 503

async function sendAgain({ world, send }: Actor): Promise<number> {
  const intent = world.unsent.shift() as Intent
  const status = await send(intent)
  if (isUnanswered(status)) world.unsent.push(intent)
  return status
}

/** Ids are new whatever the seed: a history of the same one may lie in the same database. */
const newTrace = ({ world, random }: Actor) => ({
  id: randomUUID().replaceAll('-', ''),
  experimentId: pick(random, world.homes),
  next: 0,
})

function newSpan({ random }: Actor, number: number): Span {
  const isRoot = number === SPANS_OF_TRACE / 4
  const startMs = 1_700_000_000_000 + Math.floor(random() * 1000)
  return {
    id: isRoot ? ROOT_ID : (number + 0x1000).toString(16).padStart(16, '0'),
    isRoot,
    startMs,
    endMs: startMs + Math.floor(random() * 1000),
    tokens: isRoot ? 0 : 1 + Math.floor(random() * 9),
  }
}

function readTrace(actor: Actor): Promise<number> {
  const { world, random } = actor
  return world.traces.length === 0
    ? sendSpans(actor)
    : actor.send(getTrace(pick(random, world.traces.slice(-TRACES_IN_USE)).id))
}

/** Each name is asked for some times by whoever comes; a name lost to an unknown outcome blocks nobody for long. */
function nextName({ world }: Actor): string {
  const name = `${world.prefix}name-${Math.floor(++world.counter / 40 / NAME_ATTEMPTS)}-${world.counter % 3}`
  world.names.add(name)
  return name
}

function changeNames(actor: Actor): Promise<number> {
  const { world, random, send } = actor
  const draw = random()
  if (draw < 0.45 || world.named.length === 0) return send(intents.createExperiment(nextName(actor)))
  const id = pick(random, world.named.slice(-6))
  if (draw < 0.75) return send(intents.renameExperiment(id, nextName(actor)))
  if (draw < 0.8) return send(intents.moveExperiment(id, 'deleted'))
  if (draw < 0.9) return send(intents.moveExperiment(id, 'active'))
  return send(intents.tagExperiment(id, 'turn', `${++world.counter}`))
}

function readNames(actor: Actor): Promise<number> {
  const { world, random, send } = actor
  const draw = random()
  if (draw < 0.6) return send(intents.getByName(pick(random, [...world.names].slice(-6))))
  if (draw < 0.65) return send(intents.listExperiments(world.prefix))
  return send(intents.getExperiment(pick(random, [...world.homes, ...world.named.slice(-6)])))
}

/** Every object once from each server. All clients take part. */
async function readEverything(
  requesters: Requester[],
  world: World,
  servers: number,
  patienceMs: number,
): Promise<void> {
  const reads = [
    intents.listExperiments(world.prefix),
    ...world.homes.map(intents.searchRuns),
    ...[...world.homes, ...world.named].map(intents.getExperiment),
    ...[...world.names].map(intents.getByName),
    ...world.traces.map(({ id }) => getTrace(id)),
    ...world.runs.flatMap(({ id, series }) => [
      intents.getRun(id),
      ...[...series].map((key) => intents.getHistory(id, key)),
    ]),
  ].flatMap((intent) => Array.from({ length: servers }, (_, server) => ({ intent, server })))
  await Promise.all(
    requesters.map(async (requester) => {
      for (let next = reads.shift(); next; next = reads.shift())
        await sendPatiently(requester, next, patienceMs)
    }),
  )
}

async function sendPatiently(
  requester: Requester,
  { intent, server }: { intent: Intent; server: number },
  patienceMs: number,
): Promise<void> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const { status } = await requester.send(server, intent)
    if (!isUnanswered(status)) return
    if (Date.now() > deadline) throw new Error(`${intent.kind} answers ${status} for ${patienceMs} ms`)
    await sleep(200)
  }
}
