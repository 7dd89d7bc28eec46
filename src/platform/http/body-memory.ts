// Bounds the memory that JSON bodies take, from their first byte until their request is worked off.
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { invalidParameter, MlflowError } from '../../errors.ts'

/** MLflow's batches have at most this many bytes; what is larger shall not make them wait. */
const SMALL_BODY = 1024 * 1024
/** Bytes of bodies in memory, of small and of large ones each. Read JSON takes several times as much. */
const LANE_BYTES = 64 * 1024 * 1024
/** Times the limit of a body up to which one that is too large is read, to throw it away. */
const THROWN_AWAY = 16
/** How long a body may wait for room altogether. */
const WAIT_MS = 30_000

/** One body on its way. */
interface Arrival {
  lane: Lane
  reply: FastifyReply
  /** Bytes that count for it. */
  bytes: number
  /** Milliseconds that it may still wait. */
  patienceMs: number
  /** Whether the handler of its endpoint is at work. */
  isHandled: boolean
}

export interface BodyMemoryLimits {
  /** Bytes of small and of large bodies each. */
  laneBytes?: number
  /** How long a body may wait for room, in milliseconds. */
  waitMs?: number
}

/**
 * Reads the body of a request. While too many bytes are in memory, senders are not read from, which slows
 * them down; small and large bodies do not wait for each other.
 * @throws INVALID_PARAMETER_VALUE for a body beyond the limit, REQUEST_LIMIT_EXCEEDED (429) when there was no room
 * in time
 */
export type ReadBody = (request: FastifyRequest, payload: Readable) => Promise<Buffer>

/** Registers what counts bodies. Call it before endpoints are mounted. */
export function registerBodyMemory(app: FastifyInstance, limits: BodyMemoryLimits): ReadBody {
  const { laneBytes = LANE_BYTES, waitMs = WAIT_MS } = limits
  const { bodyLimit = LANE_BYTES } = app.initialConfig
  const lanes = { small: createLane(laneBytes), large: createLane(laneBytes) }
  const arrivals = new WeakMap<IncomingMessage, Arrival>()

  function release(request: FastifyRequest): void {
    const arrival = arrivals.get(request.raw)
    if (!arrival || arrival.isHandled) return
    arrivals.delete(request.raw)
    arrival.lane.leave(arrival)
  }

  app.addHook('preParsing', async (request, reply) => {
    const length = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY)
    const lane = length <= SMALL_BODY ? lanes.small : lanes.large
    arrivals.set(request.raw, { lane, reply, bytes: 0, patienceMs: waitMs, isHandled: false })
    // Whoever is gone may have left work behind, hence isHandled.
    reply.raw.once('close', () => release(request))
  })
  app.addHook('onResponse', async (request) => release(request))
  app.addHook('onRoute', (route) => {
    const { handler } = route
    route.handler = function (request, reply) {
      const arrival = arrivals.get(request.raw)
      if (arrival) arrival.isHandled = true
      const done = () => {
        request.body = undefined
        if (arrival) arrival.isHandled = false
        release(request)
      }
      const answer: unknown = handler.call(this, request, reply)
      if (answer instanceof Promise) return answer.finally(done)
      // It answers later by itself, as plugins do that send files; `onResponse` releases.
      if (arrival) arrival.isHandled = false
      return answer
    }
  })

  return async (request, payload) => {
    const arrival = arrivals.get(request.raw)
    if (!arrival) throw new Error('A body arrives outside of a request')
    const length = Number(request.headers['content-length'] ?? 0)
    try {
      if (length > bodyLimit) {
        if (length <= THROWN_AWAY * bodyLimit) await throwAway(payload)
        throw tooLarge()
      }
      return await readBytes(payload, arrival, bodyLimit)
    } catch (error) {
      // The rest of the body is never read.
      arrival.reply.header('connection', 'close')
      throw error
    }
  }
}

/** Clients that look for no answer before they have sent all would only see a broken connection. */
async function throwAway(payload: Readable): Promise<void> {
  payload.resume()
  await finished(payload).catch(() => {})
}

const tooLarge = () => invalidParameter('The request body is too large.')

function readBytes(payload: Readable, arrival: Arrival, bodyLimit: number): Promise<Buffer> {
  const { lane } = arrival
  const chunks: Buffer[] = []
  return new Promise<Buffer>((resolve, reject) => {
    const giveUp = (error: Error) => {
      lane.arrived(arrival)
      chunks.length = 0
      payload.removeListener('data', take)
      payload.pause()
      reject(error)
    }
    const take = (chunk: Buffer) => {
      chunks.push(chunk)
      lane.add(arrival, chunk.length)
      if (arrival.bytes > bodyLimit) return giveUp(tooLarge())
      const room = lane.room(arrival)
      if (!room) return
      payload.pause()
      room.then(() => payload.resume(), giveUp)
    }
    payload.once('end', () => {
      lane.arrived(arrival)
      const bytes = Buffer.concat(chunks)
      // The payload lives, and with it all that its listeners know, as long as its connection may.
      chunks.length = 0
      payload.removeListener('data', take)
      resolve(bytes)
    })
    payload.once('error', giveUp)
    payload.once('close', () => {
      if (!payload.readableEnded) giveUp(invalidParameter('The request body did not arrive.'))
    })
    lane.enter(arrival)
    Promise.resolve(lane.room(arrival)).then(() => payload.on('data', take), giveUp)
  })
}

interface Lane {
  enter: (arrival: Arrival) => void
  add: (arrival: Arrival, bytes: number) => void
  /** Undefined when there is room, else a promise of it. */
  room: (arrival: Arrival) => Promise<void> | undefined
  /** The last byte is there, or will not be read. */
  arrived: (arrival: Arrival) => void
  /** Its memory is free again. */
  leave: (arrival: Arrival) => void
}

function createLane(limit: number): Lane {
  let used = 0
  /** Oldest first. */
  const arriving = new Set<Arrival>()
  const working = new Set<Arrival>()
  const waiting = new Map<Arrival, () => void>()

  // Bodies that are worked off make room when they are done. If there are none, all would wait for each other.
  const mayGoOn = (arrival: Arrival) =>
    used <= limit || (working.size === 0 && arriving.values().next().value === arrival)

  function wake(): void {
    for (const [arrival, goOn] of waiting) if (mayGoOn(arrival)) goOn()
  }

  return {
    enter: (arrival) => void arriving.add(arrival),
    add(arrival, bytes) {
      arrival.bytes += bytes
      used += bytes
    },
    room(arrival) {
      if (mayGoOn(arrival)) return undefined
      return new Promise((resolve, reject) => {
        const since = Date.now()
        const timer = setTimeout(() => {
          waiting.delete(arrival)
          reject(new MlflowError('REQUEST_LIMIT_EXCEEDED', 'Too large requests are waiting. Please retry.'))
        }, arrival.patienceMs)
        waiting.set(arrival, () => {
          clearTimeout(timer)
          waiting.delete(arrival)
          arrival.patienceMs -= Date.now() - since
          resolve()
        })
      })
    },
    arrived(arrival) {
      if (arriving.delete(arrival)) working.add(arrival)
      wake()
    },
    leave(arrival) {
      arriving.delete(arrival)
      working.delete(arrival)
      waiting.get(arrival)?.()
      used -= arrival.bytes
      arrival.bytes = 0
      wake()
    },
  }
}
