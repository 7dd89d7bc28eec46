// Bounds the memory that answers take which nobody reads.
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { MlflowError } from '../../errors.ts'
import { aroundReads } from './stream-reads.ts'

/** Characters of an answer from which on it counts. */
const COUNTED = 16 * 1024
/** Characters of answers that are not sent yet, altogether. */
const LIMIT = 128 * 1024 * 1024
/** What an answer counts that is made piece by piece, while it is read: about a chunk of runs. */
const STREAMED = 1024 * 1024
/** Who has not read his answer for so long may lose it, in milliseconds. */
const PATIENCE_MS = 10_000

interface Unsent {
  reply: FastifyReply
  size: number
  since: number
}

export interface AnswerMemoryLimits {
  limit?: number
  patienceMs?: number
}

/**
 * Counts answers until they are sent. When too many wait for their readers, the oldest connections are cut; while
 * all of them are young, requests for large answers are refused with REQUEST_LIMIT_EXCEEDED (429).
 */
export function registerAnswerMemory(app: FastifyInstance, limits: AnswerMemoryLimits = {}): void {
  const { limit = LIMIT, patienceMs = PATIENCE_MS } = limits
  /** Oldest first. */
  const unsent = new Set<Unsent>()
  let total = 0

  function forget(answer: Unsent): void {
    if (unsent.delete(answer)) total -= answer.size
  }

  /** Who reads is young again. */
  function renew(answer: Unsent): void {
    answer.since = Date.now()
    if (unsent.delete(answer)) unsent.add(answer)
  }

  function makeRoom(size: number): void {
    for (const answer of unsent) {
      if (total + size <= limit) return
      if (Date.now() - answer.since < patienceMs) {
        throw new MlflowError('REQUEST_LIMIT_EXCEEDED', 'Too many answers are not read. Please retry.')
      }
      forget(answer)
      answer.reply.raw.destroy()
    }
  }

  app.addHook('onSend', async (_request, reply, payload) => {
    const size = typeof payload === 'string' ? payload.length : isPieces(payload) ? STREAMED : 0
    if (size < COUNTED) return payload
    makeRoom(size)
    const answer = { reply, size, since: Date.now() }
    unsent.add(answer)
    total += size
    reply.raw.once('close', () => forget(answer))
    if (isPieces(payload))
      aroundReads(payload, (read) => {
        renew(answer)
        read()
      })
    return payload
  })
}

/** Texts that are made when there is room for them; files come as bytes, and wait on the disk. */
const isPieces = (payload: unknown): payload is Readable =>
  payload instanceof Readable && payload.readableObjectMode
