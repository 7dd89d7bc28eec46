// Finds requests whose clients are gone before they are answered, so that their reads end in the database.
import { setMaxListeners } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { type ActiveRequest, beginRequest, endRequest, runFor } from '../active-request.ts'
import { limitConcurrency, SEARCH_WAIT_MS } from '../concurrency.ts'
import { aroundReads } from './stream-reads.ts'

const SEARCHES = /\/(search|search-datasets|graphql|get-history[a-z-]*)$/
/** What else may have to read a lot. */
const READS = /\/get-latest-versions$/

/** Work on an answer that its client may give up. */
interface Reading {
  controller: AbortController
  isHandled: boolean
  isAnswered: boolean
}

interface Running {
  active: ActiveRequest
  /** Called when its answer begins. */
  onAnswer: () => void
}

/**
 * Runs each request that may read a lot as the active one until the last byte of its answer has left; what writes goes on
 * to its end. Register it before endpoints are mounted.
 * @param searchesAtOnce searches that are worked on at a time: each holds what it has read until it is answered
 */
export function registerAbandonedRequests(app: FastifyInstance, searchesAtOnce: number): void {
  const inTurn = limitConcurrency(searchesAtOnce)
  const unanswered = new WeakMap<Socket, Set<Reading>>()
  const running = new WeakMap<IncomingMessage, Running>()

  /** Watches the connection: with HTTP pipelining, requests wait on it whose answers do not know it yet. */
  function readingsOn(socket: Socket): Set<Reading> {
    const known = unanswered.get(socket)
    if (known) return known
    const readings = new Set<Reading>()
    unanswered.set(socket, readings)
    socket.once('close', () => {
      for (const reading of readings) {
        reading.controller.abort()
        update(readings, reading, { isAnswered: true })
      }
    })
    return readings
  }

  /** Lets others search as soon as the answer begins: who reads it slowly holds up nobody. */
  async function searchInTurn<T>(run: Running, search: () => Promise<T>): Promise<T> {
    const begun = new Promise<void>((resolve) => {
      run.onAnswer = resolve
    })
    let answered: Promise<T> | undefined
    const work = async () => {
      answered = search()
      await Promise.race([begun, answered])
    }
    await inTurn(work, { signal: run.active.abandoned, ms: SEARCH_WAIT_MS })
    return answered as Promise<T>
  }

  function update(readings: Set<Reading>, reading: Reading, change: Partial<Reading>): void {
    Object.assign(reading, change)
    if (reading.isHandled && reading.isAnswered && readings.delete(reading)) endRequest()
  }

  app.addHook('onRoute', (route) => {
    if (!isLongRead(route)) return
    const { handler, url } = route
    const searches = SEARCHES.test(url)
    route.handler = async function (request: FastifyRequest, reply: FastifyReply) {
      const { socket } = request.raw
      const readings = readingsOn(socket)
      const reading = { controller: new AbortController(), isHandled: false, isAnswered: false }
      // Each of its statements listens.
      setMaxListeners(0, reading.controller.signal)
      readings.add(reading)
      const active = beginRequest({ abandoned: reading.controller.signal, searches })
      const run: Running = { active, onAnswer: () => {} }
      running.set(request.raw, run)
      reply.raw.once('finish', () => update(readings, reading, { isAnswered: true }))
      const work = async () => runFor(active, () => handler.call(this, request, reply))
      try {
        return await (searches ? searchInTurn(run, work) : work())
      } finally {
        update(readings, reading, { isHandled: true, isAnswered: reading.isAnswered || socket.destroyed })
      }
    }
  })
  app.addHook('onSend', async (request, _reply, payload) => {
    const run = running.get(request.raw)
    if (!run) return payload
    run.onAnswer()
    // What a stream reads later, it reads when its connection has room, which is nobody's request.
    if (payload instanceof Readable) aroundReads(payload, (read) => runFor(run.active, read))
    return payload
  })
}

/** What reads by id is over before it could be ended, and following requests slows each of their promises. */
const isLongRead = ({ url }: RouteOptions) => SEARCHES.test(url) || READS.test(url)
