// Clients at work, a fault, recovery by itself, and the judgement of all that the clients saw.
import { setTimeout as sleep } from 'node:timers/promises'
import { checkHistory } from './history/check.ts'
import { startClients } from './history/clients.ts'
import type { Operation } from './history/events.ts'
import type { Server } from './servers.ts'
import { createWatch, type Times } from './watch.ts'

export interface Result extends Times {
  fault: string
  /** Milliseconds from the end of the fault until requests succeeded again; undefined when they did not. */
  recoveredMs: number | undefined
  acknowledged: number
  lost: number
  duplicated: number
  /** Sightings of writes that were never acknowledged and were gone later. */
  withdrawn: number
  answers: Answers
  violations: string[]
}

export interface Answers {
  ok: number
  /** Errors of the client's that MLflow knows: a name that is taken, a param that has another value … */
  refused: number
  tooMany: number
  unavailable: number
  /** The connection broke. */
  none: number
  /** What no client should see. */
  other: number
}

const STEADY_MS = 4_000
const PATIENCE_MS = 120_000
const CLIENTS = 12

export interface FaultRun {
  fault: string
  servers: Server[]
  seed: number
  /** Ends when the fault is over. */
  run: () => Promise<void>
  /** Waits for what must heal besides the servers. */
  healed?: () => Promise<void>
}

/** Never throws: what goes wrong is a violation in the result. */
export async function runFault({ fault, servers, seed, run, healed }: FaultRun): Promise<Result> {
  const watch = createWatch(servers.length)
  const urls = servers.map(({ url }) => url)
  const clients = await startClients({
    servers: urls,
    clients: CLIENTS,
    seed,
    pauseMs: 10,
    onAnswer: watch.answer,
  })
  const problems: string[] = []
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work()
    } catch (error) {
      problems.push((error as Error).message)
      return undefined
    }
  }
  await sleep(STEADY_MS)
  await attempt(run)
  watch.lifted()
  const recoveredMs = await attempt(() => watch.recovered(PATIENCE_MS))
  if (healed) await attempt(healed)
  await attempt(() => clients.finish())
  const { violations, withdrawn, ...counts } = checkHistory(clients.history)
  return {
    fault,
    ...watch.times(),
    recoveredMs,
    ...counts,
    withdrawn: withdrawn.length,
    answers: countAnswers(clients.history),
    violations: [...problems, ...violations.map(({ kind, what }) => `${kind}: ${what}`)],
  }
}

function countAnswers(history: readonly Operation[]): Answers {
  const answers: Answers = { ok: 0, refused: 0, tooMany: 0, unavailable: 0, none: 0, other: 0 }
  for (const { status, unexplained } of history) {
    if (unexplained !== undefined) answers.other++
    else if (status === 200) answers.ok++
    else if (status === 429) answers.tooMany++
    else if (status === 503) answers.unavailable++
    else if (status === 0) answers.none++
    else answers.refused++
  }
  return answers
}
