// What the server keeps, by age: points of metrics, traces, artifacts of deleted runs, deleted runs, the audit of retention. Each goes by the code that
// deletes it otherwise, a page at a time.
import { reasonOf, unavailable } from '../../errors.ts'
import { limitConcurrency } from '../../platform/concurrency.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { deleteHistory } from './executions.store.ts'
import type { OwnTarget, PolicyDefinition } from './schema.ts'
import { countAudit } from './store.ts'
import type { Step, StepRun } from './strategies.ts'

/** Which runs a policy means. */
export interface RunFilter {
  experimentIds: readonly string[] | undefined
  runTags: readonly { key: string; value: string }[]
}

type Place = (string | null)[]

/** A run that is marked as deleted. */
export interface DeletedRun {
  id: string
  artifactUri: string
}

interface OldTrace {
  traceId: string
  month: string
  experimentId: string
  place: Place
}

interface OldTraces {
  experimentIds: readonly string[] | undefined
  untilMs: number
}

export interface OwnTargetDeps {
  engine: Engine
  runs: {
    findExperiments: (pattern: string) => Promise<{ experimentId: string }[]>
    filterRuns: (runIds: readonly string[], filter: RunFilter) => Promise<Set<string>>
    countPoints: (filter: RunFilter, untilMs: number) => Promise<number>
    prunePoints: (filter: RunFilter, untilMs: number) => AsyncIterable<{ rows: number }>
  }
  deletedRuns: {
    /** Those that were marked as deleted at the time or before, by id, behind one; and those whose deletion for good has begun. */
    find: (page: { untilMs: number; after: string | undefined; limit: number }) => Promise<DeletedRun[]>
    /** Those of them that are marked as deleted still, and since the time or before. */
    stillDeleted: (runIds: readonly string[], untilMs: number) => Promise<DeletedRun[]>
    /** Deletes them for good as gc does. Answers the rows that went, and why any of them is left. */
    remove: (runIds: readonly string[], untilMs: number) => Promise<{ rows: number; left: string[] }>
  }
  traces: {
    count: (of: OldTraces) => Promise<number>
    find: (of: OldTraces, page: { after: Place | undefined; limit: number }) => Promise<OldTrace[]>
    /** Answers the rows that went. */
    remove: (traces: readonly OldTrace[]) => Promise<number>
    /** Where the attachments of a trace are; empty where it has no place for them. */
    artifactsOf: (trace: OldTrace) => Promise<string>
  }
  /** Does work on points of metrics while nobody else does, and tells of its rows. */
  alonePoints: (run: StepRun, work: () => AsyncIterable<{ rows: number }>) => Promise<void>
  /** The files of a thing. @throws what says that the server does not reach them */
  locateFiles: (rootUri: string, id: string) => { count: () => Promise<number>; remove: () => Promise<void> }
}

/** How much of something there is that is old, and how it goes. */
interface Work {
  statement: string
  count: () => Promise<number>
  run: (run: StepRun) => Promise<void>
}

const PAGE = 500
const RUNS_AT_ONCE = 50
const STORES_AT_ONCE = 4

export function createOwnTargets(deps: OwnTargetDeps) {
  const { engine, runs, deletedRuns, traces, locateFiles, alonePoints } = deps
  const inTurn = limitConcurrency(STORES_AT_ONCE)

  async function filterOf({ experiment_pattern, run_tags }: PolicyDefinition): Promise<RunFilter> {
    const found =
      experiment_pattern === undefined ? undefined : await runs.findExperiments(experiment_pattern)
    return { experimentIds: found?.map(({ experimentId }) => experimentId), runTags: run_tags }
  }

  /** Pages of deleted runs that the filter means. */
  async function* pagesOfRuns(filter: RunFilter, untilMs: number): AsyncGenerator<DeletedRun[]> {
    const isAll = filter.experimentIds === undefined && filter.runTags.length === 0
    for (let after: string | undefined; ; ) {
      const page = await deletedRuns.find({ untilMs, after, limit: RUNS_AT_ONCE })
      if (page.length === 0) return
      after = page.at(-1)?.id
      const meant = isAll
        ? undefined
        : await runs.filterRuns(
            page.map(({ id }) => id),
            filter,
          )
      yield meant ? page.filter(({ id }) => meant.has(id)) : page
    }
  }

  async function countRuns(filter: RunFilter, untilMs: number): Promise<number> {
    let count = 0
    for await (const page of pagesOfRuns(filter, untilMs)) count += page.length
    return count
  }

  /** @throws TEMPORARILY_UNAVAILABLE when something was left, since its store failed */
  function reportLeft(noun: string, left: readonly string[]): void {
    if (left.length > 0) throw unavailable(`${left.length} ${noun} are left: ${left[0]}`)
  }

  const WORK: Record<OwnTarget, (filter: RunFilter, untilMs: number, when: string) => Work> = {
    metrics: (filter, untilMs, when) => ({
      statement: `DELETE points of metrics older than ${when}, but for the latest of each metric of a run`,
      count: () => runs.countPoints(filter, untilMs),
      run: (run) => alonePoints(run, () => runs.prunePoints(filter, untilMs)),
    }),

    traces: ({ experimentIds }, untilMs, when) => ({
      statement: `DELETE traces older than ${when} with their spans and attachments`,
      count: () => traces.count({ experimentIds, untilMs }),
      async run({ goOn, report }) {
        const left: string[] = []
        for (let after: Place | undefined; ; ) {
          const page = await traces.find({ experimentIds, untilMs }, { after, limit: PAGE })
          if (page.length === 0) break
          after = page.at(-1)?.place
          const removed = await Promise.allSettled(
            page.map((trace) => inTurn(() => removeAttachments(trace))),
          )
          const going = page.filter((_trace, i) => removed[i]?.status === 'fulfilled')
          for (const one of removed) if (one.status === 'rejected') left.push(reasonOf(one.reason))
          report({ rows: going.length > 0 ? await traces.remove(going) : 0 })
          await goOn()
        }
        reportLeft('traces', left)
      },
    }),

    artifacts: (filter, untilMs, when) => ({
      statement: `DELETE artifacts of runs that were deleted before ${when}`,
      count: () => countRuns(filter, untilMs),
      async run({ goOn, report }) {
        const left: string[] = []
        for await (const page of pagesOfRuns(filter, untilMs)) {
          const ids = page.map(({ id }) => id)
          const removed = await Promise.allSettled(ids.map((id) => inTurn(() => removeFiles(id, untilMs))))
          for (const one of removed) {
            if (one.status === 'fulfilled') report({ rows: one.value })
            else left.push(reasonOf(one.reason))
          }
          await goOn()
        }
        reportLeft('runs', left)
      },
    }),

    deleted_runs: (filter, untilMs, when) => ({
      statement: `DELETE runs for good that were deleted before ${when}, with all they hold`,
      count: () => countRuns(filter, untilMs),
      async run({ goOn, report }) {
        const left: string[] = []
        for await (const page of pagesOfRuns(filter, untilMs)) {
          const done = await deletedRuns.remove(
            page.map(({ id }) => id),
            untilMs,
          )
          report({ rows: done.rows })
          left.push(...done.left)
          await goOn()
        }
        reportLeft('runs', left)
      },
    }),

    audit: (_filter, untilMs, when) => ({
      statement: `DELETE entries of the audit and executions older than ${when}`,
      count: () => countAudit(engine, untilMs),
      async run({ goOn, report }) {
        for await (const { rows } of deleteHistory(engine, untilMs)) {
          report({ rows })
          await goOn()
        }
      },
    }),
  }

  async function removeAttachments(trace: OldTrace): Promise<void> {
    const place = await traces.artifactsOf(trace)
    if (place !== '') await locateFiles(place, trace.traceId).remove()
  }

  /** Answers how many files went; none of a run that was restored meanwhile. */
  async function removeFiles(runId: string, untilMs: number): Promise<number> {
    const [run] = await deletedRuns.stillDeleted([runId], untilMs)
    if (!run || run.artifactUri === '') return 0
    const files = locateFiles(run.artifactUri, run.id)
    const count = await files.count()
    if (count > 0) await files.remove()
    return count
  }

  return {
    /** One step, or none when nothing is old. */
    async plan(own: OwnTarget, policy: PolicyDefinition, cutoffMs: number): Promise<Step[]> {
      const work = WORK[own](await filterOf(policy), cutoffMs, new Date(cutoffMs).toISOString())
      const rows = await work.count()
      if (rows === 0) return []
      return [
        {
          key: own,
          statement: work.statement,
          counts: { rows, bytes: undefined },
          async run(run) {
            await work.run(run)
            return {}
          },
        },
      ]
    },
  }
}
