// Executions of policies: begun, gone on with, shown, cancelled; and what they would do.
import { randomUUID } from 'node:crypto'
import { doesNotExist, invalidParameter, MlflowError, reasonOf, unavailable } from '../../errors.ts'
import { runForAll } from '../../platform/active-request.ts'
import { limitConcurrency } from '../../platform/concurrency.ts'
import type { Asker } from '../../platform/wire/asker.ts'
import { cutoffOf, parseCutoff, parseDuration } from '../../platform/wire/durations.ts'
import { hashOf, newRunId } from '../../platform/wire/ids.ts'
import type { Int64 } from '../../platform/wire/int64.ts'
import { pageOf } from '../../platform/wire/page-token.ts'
import { type ExecutionDeps, execute, executionToWire } from './execution.service.ts'
import {
  findExecution,
  findExecutionPage,
  findStepPage,
  insertExecution,
  updateExecution,
} from './executions.store.ts'
import { seeLease, takeLease } from './lease.ts'
import { idOf, type KnownPolicy, type PolicyService, pageSize, policyIdOf } from './policies.service.ts'
import {
  type Execution,
  type Planned,
  type PolicyDefinition,
  type PolicyInput,
  type SelectionInput,
  STATES,
  STEP_STATES,
  type StepWire,
} from './schema.ts'
import type { ExecutionRow, StepRow } from './tables.ts'

export interface ExecutionServiceDeps extends Omit<ExecutionDeps, 'isStopping'> {
  policies: PolicyService
}

export type ExecutionService = ReturnType<typeof createExecutionService>

/** Executions of one server at a time; the others wait. */
const AT_ONCE = 2
const MOST_ATTEMPTS = 20
const MOST_STEPS_SHOWN = 1000

export function createExecutionService(deps: ExecutionServiceDeps) {
  const { engine, clock, policies, strategies, log } = deps
  const serverId = randomUUID()
  const inTurn = limitConcurrency(AT_ONCE)
  const running = new Set<Promise<void>>()
  let isStopping = false

  /**
   * Begins to execute the policies that are meant: those that are named, or those that are enabled. One that is executed already, by whichever server,
   * is not begun again.
   * @throws RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE
   */
  async function run(
    input: SelectionInput & { cutoff?: string | undefined },
    userId: string | null,
  ): Promise<Execution[]> {
    const fromMs = parseCutoff(input.cutoff, clock.now())
    // Where no server runs policies by schedule, this is when somebody looks.
    await resume().catch((error: unknown) =>
      log.warn({ reason: reasonOf(error) }, 'Executions of retention policies that were left are left'),
    )
    const meant = (await policies.select(input)).filter(
      ({ policy }) => policy.enabled || input.policy_ids.length > 0,
    )
    const begun: Execution[] = []
    for (const one of meant) begun.push(executionToWire(await begin(one, { fromMs, userId })))
    return begun
  }

  /** Begins an execution, or goes on with one that was left, and answers as soon as it is recorded. */
  async function begin(
    { row: { policyId }, policy }: KnownPolicy,
    { fromMs, userId, ...why }: { fromMs: number; userId: string | null; dueAtMs?: number },
  ): Promise<ExecutionRow> {
    // Of a scheduled time there is one execution, whichever servers begin it.
    const scheduledId = why.dueAtMs === undefined ? undefined : hashOf(`${policyId}:${why.dueAtMs}`)
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const seen = await seeLease(engine, clock, leaseOf(policyId))
      const scheduled = scheduledId && (await findExecution(engine, scheduledId))
      if (scheduled && scheduled.state !== 'running') return scheduled
      const before = seen.executionId && (await findExecution(engine, seen.executionId))
      const isLeft = before && before.state === 'running'
      if (!seen.isFree) {
        if (isLeft) return before
        // Its row comes in a moment, or it is about to give the lease back.
        await new Promise((resolve) => setTimeout(resolve, 50))
        continue
      }
      const nowMs = clock.now()
      const executionId = isLeft ? before.executionId : (scheduledId ?? newRunId(nowMs))
      const lease = await takeLease({ engine, clock, serverId }, leaseOf(policyId), { seen, executionId })
      if (!lease) continue
      const execution: ExecutionRow = isLeft
        ? before
        : {
            executionId,
            policyId,
            policyName: policy.name,
            definition: JSON.stringify(policy),
            cause: scheduledId ? 'schedule' : 'api',
            userId,
            state: 'running',
            cutoffMs: cutoffOf(parseDuration(policy.duration, 'duration'), fromMs),
            startedAtMs: nowMs,
            endedAtMs: null,
            isCancelling: false,
            stepsPlanned: null,
            stepsDone: 0,
            rowCount: 0,
            byteCount: 0,
            message: null,
          }
      try {
        if (!isLeft) await insertExecution(engine, execution)
      } catch (error) {
        await lease.release({ isDone: true }).catch(() => {})
        throw error
      }
      goOnBehind(execution, lease)
      return execution
    }
    throw unavailable('The policy is being executed by others. Please retry.')
  }

  /** Executes while nobody waits. */
  function goOnBehind(execution: ExecutionRow, lease: NonNullable<Awaited<ReturnType<typeof takeLease>>>) {
    const { executionId } = execution
    const work = runForAll(() =>
      inTurn(() => execute({ ...deps, isStopping: () => isStopping }, execution, lease)),
    )
      .catch((error: unknown) => {
        // The database is away: whoever looks next goes on.
        log.warn(
          { executionId, reason: reasonOf(error) },
          'The execution of a retention policy was broken off',
        )
      })
      .then(async () => {
        const now = await findExecution(engine, executionId)
        await lease.release({ isDone: now?.state !== 'running' })
      })
      .catch(() => {})
      .finally(() => running.delete(work))
    running.add(work)
  }

  /** Goes on with executions that servers left when they ended. */
  async function resume(): Promise<void> {
    const left = await findExecutionPage(engine, {
      state: 'running',
      after: undefined,
      offset: 0,
      limit: MOST_STEPS_SHOWN,
    })
    for (const execution of left) {
      const seen = await seeLease(engine, clock, leaseOf(execution.policyId))
      if (!seen.isFree) continue
      // It may have ended since it was listed.
      const now = await findExecution(engine, execution.executionId)
      if (now?.state !== 'running') continue
      if (seen.executionId === execution.executionId) {
        const policy = JSON.parse(execution.definition)
        const row = { policyId: execution.policyId } as KnownPolicy['row']
        await begin({ row, policy }, { fromMs: clock.now(), userId: execution.userId })
      } else {
        // A lease that went on without it: it was broken off at its very end.
        await updateExecution(engine, execution.executionId, {
          state: 'failed',
          endedAtMs: clock.now(),
          message: 'Its server ended.',
        })
      }
    }
  }

  /** What the policies would do. Changes nothing. @throws INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST */
  async function preview(
    input: SelectionInput & { policy?: PolicyInput | undefined; cutoff?: string | undefined },
    asker: Asker,
  ): Promise<Planned[]> {
    const fromMs = parseCutoff(input.cutoff, clock.now())
    if (input.policy && input.policy_ids.length + input.tags.length > 0)
      throw invalidParameter("Only one of 'policy' and 'policy_ids' or 'tags' can be given.")
    if (input.policy) return [await planOf(await policies.read(input.policy, asker), fromMs)]
    const plans: Planned[] = []
    for (const { policy } of await policies.select(input)) plans.push(await planOrReason(policy, fromMs))
    return plans
  }

  /** @throws INVALID_PARAMETER_VALUE when it cannot work */
  async function planOf(policy: PolicyDefinition, fromMs: number): Promise<Planned> {
    const cutoff = cutoffOf(parseDuration(policy.duration, 'duration'), fromMs)
    const steps = (await strategies[policy.strategy]?.plan(policy, cutoff)) ?? []
    return {
      policy_id: policyIdOf(policy.name),
      policy_name: policy.name,
      cutoff,
      steps: steps.slice(0, MOST_STEPS_SHOWN).map(({ statement, partition, counts: { rows, bytes } }) => ({
        statement,
        ...(partition !== undefined && { partition }),
        ...(rows !== undefined && { rows }),
        ...(bytes !== undefined && { bytes }),
      })),
      step_count: steps.length,
      rows: steps.reduce((sum, { counts }) => sum + (counts.rows ?? 0), 0),
      bytes: steps.reduce((sum, { counts }) => sum + (counts.bytes ?? 0), 0),
    }
  }

  /** As in an execution, what is wrong with one policy does not keep the others. */
  async function planOrReason(policy: PolicyDefinition, fromMs: number): Promise<Planned> {
    try {
      return await planOf(policy, fromMs)
    } catch (error) {
      if (!(error instanceof MlflowError) || error.status >= 429) throw error
      const cutoff = cutoffOf(parseDuration(policy.duration, 'duration'), fromMs)
      const about = { policy_id: policyIdOf(policy.name), policy_name: policy.name, cutoff }
      return { ...about, steps: [], step_count: 0, rows: 0, bytes: 0, message: error.message }
    }
  }

  /** @throws RESOURCE_DOES_NOT_EXIST */
  async function require(executionId: string): Promise<ExecutionRow> {
    const row = await findExecution(engine, executionId)
    if (!row) throw doesNotExist(`Retention execution '${executionId}' does not exist.`)
    return row
  }

  interface Paging {
    max_results?: Int64 | undefined
    page_token?: string | undefined
  }

  async function get(
    input: Paging & { execution_id: string },
  ): Promise<{ execution: Execution; steps: StepWire[]; next_page_token?: string }> {
    const size = pageSize(input.max_results)
    const page = pageOf(input.page_token, 'retention steps', size)
    const execution = await require(input.execution_id)
    const found = await findStepPage(engine, execution.executionId, page.bounds)
    const { rows, nextPageToken } = page.cut(found)
    return {
      execution: executionToWire(execution),
      steps: rows.map(stepToWire),
      ...(nextPageToken && { next_page_token: nextPageToken }),
    }
  }

  async function list(
    input: Paging & { policy_id?: string | undefined; state?: string | undefined },
  ): Promise<{ executions: Execution[]; next_page_token?: string }> {
    const { state } = input
    if (state && !STATES.some((known) => known === state))
      throw invalidParameter(
        `Invalid value '${state.slice(0, 100)}' for parameter 'state': use ${STATES.join(', ')}.`,
      )
    const size = pageSize(input.max_results)
    const page = pageOf(input.page_token, 'retention executions', size)
    const found = await findExecutionPage(engine, {
      policyId: input.policy_id ? idOf(input.policy_id) : undefined,
      state: state || undefined,
      ...page.bounds,
    })
    const { rows, nextPageToken } = page.cut(found)
    return {
      executions: rows.map(executionToWire),
      ...(nextPageToken && { next_page_token: nextPageToken }),
    }
  }

  /** Asks for the end of an execution, which comes before its next statement. @throws RESOURCE_DOES_NOT_EXIST */
  async function cancel(executionId: string): Promise<Execution> {
    const row = await require(executionId)
    if (row.state !== 'running') return executionToWire(row)
    return executionToWire((await updateExecution(engine, executionId, { isCancelling: true })) ?? row)
  }

  return {
    run,
    begin,
    resume,
    preview,
    get,
    list,
    cancel,
    /** Ends what this server executes before its next statement; others go on with it. */
    async stop(): Promise<void> {
      isStopping = true
      await Promise.all(running)
    },
  }
}

const leaseOf = (policyId: string) => `retention:${policyId}`

const stepToWire = (row: StepRow): StepWire => ({
  number: row.number,
  state: STEP_STATES.find((state) => state === row.state) ?? 'running',
  statement: row.statement,
  ...(row.partition !== null && { partition: row.partition }),
  ...(row.rowCount !== null && { rows: row.rowCount }),
  ...(row.byteCount !== null && { bytes: row.byteCount }),
  started_at: row.startedAtMs,
  ...(row.durationMs !== null && { duration_ms: row.durationMs }),
  ...(row.message !== null && { message: row.message }),
})
