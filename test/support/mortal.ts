// Servers that are killed between two statements: nothing that comes later reaches the database.
import type { FastifyBaseLogger } from 'fastify'
import { pino } from 'pino'
import { expect } from 'vitest'
import type { Connection, Engine } from '../../src/platform/database/engine.ts'
import { migrate } from '../../src/platform/database/migrate.ts'
import { openEngine } from '../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../src/platform/database/uri.ts'
import { startApp, type TestApp } from './app.ts'
import type { EngineTarget } from './engines.ts'
import { RETENTION, retentionOf } from './retention.ts'

/** Statements that others do not share: within one process they would wait for them. */
const OF_ITS_OWN = /^(?!REFRESH|.*(?:latest_metrics|"experiments"|"runs"))/is
/** Longer than a server that died holds a policy or a view. */
export const TAKEN_OVER_MS = 5 * 60_000

export type Life = ReturnType<typeof createLife>

/** Lives for ever, until told otherwise. */
function createLife() {
  let left = Number.POSITIVE_INFINITY
  let used = 0
  let hasRefused = false
  let last: RegExp | undefined
  let meanwhile: { before: RegExp; left: number; run: () => Promise<unknown> } | undefined
  return {
    /** Dies after so many statements from now on. */
    dieAfter(statements: number) {
      ;[left, used, hasRefused, last] = [statements, 0, false, undefined]
    },
    /** Dies after the next statement that reads like this. */
    dieAt(statement: RegExp) {
      ;[left, used, hasRefused, last] = [Number.POSITIVE_INFINITY, 0, false, statement]
    },
    /** Lives again. @returns whether it lived until now */
    revive(): boolean {
      const hasLived = left > 0
      ;[left, last] = [Number.POSITIVE_INFINITY, undefined]
      return hasLived
    },
    /** Does something else before the next statement that reads like this, or before one that comes after so many of them. */
    interrupt(before: RegExp, run: () => Promise<unknown>, left = 0) {
      meanwhile = { before, left, run }
    },
    /** Does nothing else any more. @returns whether that has not come */
    forgetInterruption(): boolean {
      const waits = meanwhile !== undefined
      meanwhile = undefined
      return waits
    },
    /** Statements since it was told when to die. */
    used: () => used,
    /** Whether a statement has come since then that it did not live to. */
    hasRefused: () => hasRefused,
    /** Runs a statement, unless it has died. */
    async spend<T>(text: string, run: () => Promise<T>): Promise<T> {
      if (left <= 0) {
        hasRefused = true
        throw new Error('The server was killed')
      }
      left--
      used++
      if (meanwhile?.before.test(text) && meanwhile.left-- <= 0) {
        const { run: interrupt } = meanwhile
        meanwhile = undefined
        await interrupt()
      }
      const answer = await run()
      if (last?.test(text)) left = 0
      return answer
    },
  }
}

/**
 * Opens a store of its own, migrated, whose statements are counted.
 * @param more what the connection does beside queries, where that is counted, too
 */
export async function openMortalEngine(
  target: EngineTarget,
  more: (connection: Connection, life: Life) => Partial<Connection> = () => ({}),
): Promise<{ engine: Engine; life: Life }> {
  const life = createLife()
  const engine = await openEngine(parseBackendUri(await target.another()), {
    maxConnections: 5,
    intercept: (connection) => ({
      ...connection,
      queryAll: undefined as never,
      query: (...asked) => life.spend(asked[0], () => connection.query(...asked)),
      ...more(connection, life),
    }),
  })
  await migrate(engine, { shards: 1, replicas: '0', views: false })
  return { engine, life }
}

/** Policies that are executed by servers which die, and by such as come later. */
export function mortalPolicies(target: EngineTarget, { engine, life }: { engine: Engine; life: Life }) {
  /** A server so many rounds later, each of them longer than a dead one holds a policy. */
  const startAt = (round: number, logger?: FastifyBaseLogger) =>
    startApp(target, {
      engine,
      clock: { now: () => Date.now() + round * TAKEN_OVER_MS },
      retentionSchedule: false,
      ...(logger && { logger }),
    })

  /** Executes the policy on a server that dies after so many statements, or after one. @returns whether it lived to the end */
  async function executeAndDie(name: string, last: number | RegExp, round: number): Promise<boolean> {
    let hear = () => {}
    const over = new Promise<void>((resolve) => {
      hear = resolve
    })
    const write = (line: string) => {
      if (/retention policy (ended|failed|was broken off)/.test(line)) hear()
    }
    const app = await startAt(round, pino({ level: 'info' }, { write }))
    if (typeof last === 'number') life.dieAfter(last)
    else life.dieAt(last)
    const { status, body } = await app.request('POST', `${RETENTION}/executions/run`, { policy_ids: [name] })
    if (status === 200) await over
    await app.close()
    const hasLived = life.revive()
    if (hasLived && status !== 200) throw new Error(`${name} was not executed: ${JSON.stringify(body)}`)
    return hasLived
  }

  /**
   * Executes the policy on a server that hangs before one of its statements, so many later, until another server has executed it.
   * @returns whether it came to that
   */
  async function executeAndHang(name: string, statements: number, round: number): Promise<boolean> {
    let told = ''
    const goOn = async () => {
      const other = await startAt(round + 1)
      const { execution } = await retentionOf(other.request).run(name)
      told = `${execution.state} ${execution.message ?? ''}`.trim()
      await other.close()
    }
    life.interrupt(OF_ITS_OWN, goOn, statements)
    await executeAndDie(name, Number.POSITIVE_INFINITY, round)
    const hasHung = !life.forgetInterruption()
    if (hasHung) expect(told).toBe('succeeded')
    return hasHung
  }

  /**
   * Executes policies on servers that die or hang between any two statements, `every` so many apart from the first one on, until one lives to the end;
   * a server that comes later looks at each. It has come to that once at least.
   */
  async function breakOff<State>(
    how: 'die' | 'hang',
    { first, every, round: from = 0 }: { first: number; every: number; round?: number },
    {
      prepare,
      look,
    }: {
      prepare: (name: string, round: number) => Promise<State>
      look: (app: TestApp, name: string, state: State) => Promise<void>
    },
  ): Promise<void> {
    let round = from
    let times = 0
    for (let statements = first, isBroken = true; isBroken; statements += every) {
      const name = `${how}_${statements}`
      const state = await prepare(name, round)
      isBroken =
        how === 'die'
          ? !(await executeAndDie(name, statements, round + 1))
          : await executeAndHang(name, statements, round + 1)
      times += isBroken ? 1 : 0
      const app = await startAt(round + 3)
      await look(app, name, state)
      await app.close()
      round += 4
    }
    expect(times).toBeGreaterThan(0)
  }

  return { startAt, executeAndDie, breakOff }
}
