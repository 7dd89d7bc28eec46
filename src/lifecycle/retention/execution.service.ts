// One execution of a policy, from its plan to its end, in steps that a crash may part anywhere: whoever goes on makes the plan anew, with the time
// that the execution began with, and does what is left of it.
import { reasonOf } from '../../errors.ts'
import type { Events } from '../../events.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { findLeftSteps, putStep, sumSteps, updateExecution } from './executions.store.ts'
import type { Held } from './lease.ts'
import { type Execution, type ExecutionState, type PolicyDefinition, STATES } from './schema.ts'
import { keepAudit } from './store.ts'
import type { Counts, Step, StepRun, Strategies } from './strategies.ts'
import type { ExecutionRow, StepRow } from './tables.ts'
import { TakenOver } from './taken-over.ts'

export interface ExecutionDeps {
  engine: Engine
  clock: Clock
  strategies: Strategies
  events: Pick<Events, 'raise'>
  log: { info(fields: object, text: string): void; warn(fields: object, text: string): void }
  /** Whether the server is about to end. */
  isStopping: () => boolean
}

/** Somebody has asked for the end of the execution. */
class Cancelled extends Error {}

/** How often an execution looks whether it is to end, and tells how far it is. */
const LOOK_EVERY_MS = 500
/** Characters of a statement or an error that are kept. */
const MOST_TEXT = 10_000

const KINDS = {
  succeeded: 'execution_finished',
  failed: 'execution_failed',
  cancelled: 'execution_cancelled',
} as const

export function executionToWire(row: ExecutionRow): Execution {
  const { tags, target, strategy } = JSON.parse(row.definition) as PolicyDefinition
  return {
    execution_id: row.executionId,
    policy_id: row.policyId,
    policy_name: row.policyName,
    tags,
    target,
    strategy,
    state: STATES.find((state) => state === row.state) ?? 'failed',
    cause: row.cause === 'schedule' ? 'schedule' : 'api',
    ...(row.userId !== null && { user_id: row.userId }),
    cutoff: row.cutoffMs,
    started_at: row.startedAtMs,
    ...(row.endedAtMs !== null && { ended_at: row.endedAtMs }),
    cancelling: row.isCancelling,
    ...(row.stepsPlanned !== null && { steps_planned: row.stepsPlanned }),
    steps_done: row.stepsDone,
    rows: row.rowCount,
    bytes: row.byteCount,
    ...(row.message !== null && { message: row.message }),
  }
}

/**
 * Executes to the end, unless the server ends or another one has taken over: then whoever is next goes on. What fails is told by the
 * execution's row, the audit and an event.
 */
export async function execute(deps: ExecutionDeps, begun: ExecutionRow, lease: Held): Promise<void> {
  const { engine, clock, log } = deps
  const { executionId } = begun
  const progress = createProgress(deps, begun, lease)
  const policy = JSON.parse(begun.definition) as PolicyDefinition
  let outcome: { state: Exclude<ExecutionState, 'running'>; message: string | null }
  try {
    await runSteps(deps, { policy, begun, progress })
    outcome = { state: 'succeeded', message: null }
  } catch (error) {
    if (error instanceof TakenOver) return
    const isCancelled = error instanceof Cancelled
    outcome = {
      state: isCancelled ? 'cancelled' : 'failed',
      message: isCancelled ? null : reasonOf(error).slice(0, MOST_TEXT),
    }
  }
  if (outcome.state !== 'succeeded') await endLeft(engine, executionId, outcome.state)
  const sums = await sumSteps(engine, executionId)
  const ended: ExecutionRow = { ...progress.row(), ...sums, ...outcome, endedAtMs: clock.now() }
  await tellEnd(deps, ended)
  // CrateDB takes no key among the changes.
  const { executionId: _key, ...changes } = ended
  await updateExecution(engine, executionId, changes)
  const told = { policy: ended.policyName, executionId, rows: ended.rowCount }
  if (outcome.state === 'failed') log.warn({ ...told, reason: outcome.message }, 'A retention policy failed')
  else log.info({ ...told, state: outcome.state }, 'A retention policy ended')
}

/** The audit and the event come before the row: after a crash in between they come again, the entry once. */
async function tellEnd({ engine, events }: ExecutionDeps, ended: ExecutionRow): Promise<void> {
  const execution = executionToWire(ended)
  await keepAudit(engine, {
    auditId: ended.executionId,
    atMs: ended.endedAtMs ?? 0,
    kind: KINDS[ended.state as keyof typeof KINDS],
    policyId: ended.policyId,
    policyName: ended.policyName,
    userId: ended.userId,
    before: null,
    after: null,
    execution: JSON.stringify(execution),
  })
  const name = ended.state === 'failed' ? 'retention.run_failed' : 'retention.run_finished'
  await events.raise([name], async () => ({ name, payload: execution }))
}

type Progress = ReturnType<typeof createProgress>

/** How far an execution is, as others see it twice a second. */
function createProgress({ engine, clock, isStopping }: ExecutionDeps, begun: ExecutionRow, lease: Held) {
  let row = begun
  let lookedAtMs = 0

  async function write(changes: Partial<ExecutionRow>): Promise<void> {
    row = { ...row, ...changes }
    const now = await updateExecution(engine, begun.executionId, changes)
    if (now) row = { ...row, isCancelling: now.isCancelling }
  }

  return {
    row: () => row,
    write,
    /** @throws TakenOver, Cancelled */
    async goOn(sums: Pick<ExecutionRow, 'rowCount' | 'byteCount'>): Promise<void> {
      if (isStopping() || !lease.isHeld()) throw new TakenOver(lease.isHeld())
      if (clock.now() - lookedAtMs >= LOOK_EVERY_MS) {
        lookedAtMs = clock.now()
        await write(sums)
      }
      if (row.isCancelling) throw new Cancelled()
    },
  }
}

async function runSteps(
  { engine, clock, strategies }: ExecutionDeps,
  { policy, begun, progress }: { policy: PolicyDefinition; begun: ExecutionRow; progress: Progress },
): Promise<void> {
  const strategy = strategies[policy.strategy]
  if (!strategy) throw new Error(`There is no strategy ${policy.strategy}.`)
  const { executionId, cutoffMs } = begun
  const steps = await strategy.plan(policy, cutoffMs)
  const { left, last } = await findLeftSteps(engine, executionId)
  await settleLeft(engine, left, steps)
  const sums = await sumSteps(engine, executionId)
  await progress.write({ ...sums, stepsPlanned: sums.stepsDone + steps.length })
  let number = last
  for (const step of steps) {
    await progress.goOn(sums)
    const before = left.find(({ key }) => key === step.key)
    const row = before ?? newStep(step, { executionId, number: ++number, nowMs: clock.now() })
    if (!before) await putStep(engine, row)
    const counts = await runStep({ engine, clock, step, row }, executionId, (own) =>
      progress.goOn({ rowCount: sums.rowCount + own.rows, byteCount: sums.byteCount + own.bytes }),
    )
    sums.stepsDone++
    sums.rowCount += counts.rows
    sums.byteCount += counts.bytes
    await progress.write(sums)
  }
}

const newStep = (
  { key, statement, partition }: Step,
  { executionId, number, nowMs }: { executionId: string; number: number; nowMs: number },
): StepRow => ({
  executionId,
  number,
  key,
  state: 'running',
  statement: statement.slice(0, MOST_TEXT),
  partition: partition ?? null,
  rowCount: null,
  byteCount: null,
  startedAtMs: nowMs,
  durationMs: null,
  message: null,
})

/** Runs a step, and keeps what became of it. */
async function runStep(
  { engine, clock, step, row }: { engine: Engine; clock: Clock; step: Step; row: StepRow },
  executionId: string,
  goOn: (own: { rows: number; bytes: number }) => Promise<void>,
): Promise<{ rows: number; bytes: number }> {
  const own = { rows: row.rowCount ?? 0, bytes: row.byteCount ?? 0 }
  const add = ({ rows = 0, bytes = 0 }: Partial<Counts>) => {
    own.rows += rows ?? 0
    own.bytes += bytes ?? 0
  }
  let writtenAtMs = clock.now()
  const settle = (state: string, message: string | null) =>
    putStep(engine, {
      ...row,
      state,
      message,
      rowCount: own.rows,
      byteCount: own.bytes,
      durationMs: clock.now() - row.startedAtMs,
    })
  const run: StepRun = {
    executionId,
    report: add,
    async goOn() {
      if (clock.now() - writtenAtMs >= LOOK_EVERY_MS) {
        writtenAtMs = clock.now()
        await settle('running', null)
      }
      await goOn(own)
    },
  }
  // What is known before it goes: of a partition nobody could count it afterwards.
  if (row.rowCount === null && step.partition !== undefined)
    await putStep(engine, {
      ...row,
      rowCount: step.counts.rows ?? null,
      byteCount: step.counts.bytes ?? null,
    })
  if (step.partition !== undefined) Object.assign(own, { rows: 0, bytes: 0 })
  try {
    add(await step.run(run))
    await settle('done', null)
    return own
  } catch (error) {
    if (error instanceof Cancelled) await settle('cancelled', null)
    else if (!(error instanceof TakenOver)) await settle('failed', reasonOf(error).slice(0, MOST_TEXT))
    // Whoever goes on adds to it; of a partition it is known from the start.
    else if (error.isHeld && step.partition === undefined) await settle('running', null)
    throw error
  }
}

/** Steps that had begun when their server ended and are in no plan any more were done by then. */
async function settleLeft(engine: Engine, left: readonly StepRow[], steps: readonly Step[]): Promise<void> {
  const planned = new Set(steps.map(({ key }) => key))
  for (const row of left) if (!planned.has(row.key)) await putStep(engine, { ...row, state: 'done' })
}

/** Steps that had begun when their server ended, of an execution that ends before it comes to them. */
async function endLeft(engine: Engine, executionId: string, state: 'failed' | 'cancelled'): Promise<void> {
  const { left } = await findLeftSteps(engine, executionId)
  // Of a partition it is not known whether it went, only how much there was.
  for (const row of left)
    await putStep(engine, { ...row, state, ...(row.partition !== null && { rowCount: 0, byteCount: 0 }) })
}
