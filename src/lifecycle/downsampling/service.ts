// The strategy `downsample` for points of metrics: a step for each month of runs that has points due, oldest first.
import { randomUUID } from 'node:crypto'
import type { DueRung } from './ladder.schema.ts'
import { type BucketKind, parseLadder, rungsAt, spellMs } from './ladder.schema.ts'

/** Which runs a policy means. */
interface RunFilter {
  experimentIds: readonly string[] | undefined
  runTags: readonly { key: string; value: string }[]
}

interface DuePlan {
  kind: BucketKind
  rungs: readonly DueRung[]
}

export interface DownsamplingDeps {
  findExperiments: (pattern: string) => Promise<{ experimentId: string }[]>
  /** Months of runs with points that are due, and how many that are. */
  findDueMonths: (filter: RunFilter, plan: DuePlan) => Promise<{ month: string; points: number }[]>
  /** Thins what is due of a month's runs; after each part how many rows went. */
  thinPoints: (
    filter: RunFilter,
    work: { month: string; plan: DuePlan; ownerId: string },
  ) => AsyncIterable<{ rows: number }>
  /** Whether a server has begun something that it has not told the end of. */
  hasLeftPoints: () => Promise<boolean>
  /** Does what a server that ended had begun. */
  finishLeftPoints: (ownerId: string) => AsyncIterable<{ rows: number }>
  /** Does the work while nobody else does such work, on whichever server, and tells of its rows. */
  alone: (run: StepRun, work: () => AsyncIterable<{ rows: number }>) => Promise<void>
}

/** What a step has while it runs. */
interface StepRun {
  executionId: string
  goOn: () => Promise<void>
  report: (counts: { rows: number }) => void
}

/** What it reads of a policy. */
interface Policy {
  ladder?: string | undefined
  experiment_pattern?: string | undefined
  run_tags: readonly { key: string; value: string }[]
}

export function createDownsampling(deps: DownsamplingDeps) {
  const { findExperiments, findDueMonths, thinPoints, hasLeftPoints, finishLeftPoints, alone } = deps

  async function filterOf({ experiment_pattern, run_tags }: Policy): Promise<RunFilter> {
    const found = experiment_pattern === undefined ? undefined : await findExperiments(experiment_pattern)
    return { experimentIds: found?.map(({ experimentId }) => experimentId), runTags: run_tags }
  }

  /** Any step does it first; where none is due, it is one of its own. */
  const leftStep = {
    key: 'left',
    statement: 'DOWNSAMPLE points of metrics: what a server that ended had begun',
    counts: { rows: undefined, bytes: undefined },
    async run(run: StepRun) {
      await alone(run, () => finishLeftPoints(randomUUID()))
      return {}
    },
  }

  async function plan(policy: Policy, cutoffMs: number) {
    const ladder = parseLadder(policy.ladder ?? '')
    const due: DuePlan = { kind: ladder.kind, rungs: rungsAt(ladder, cutoffMs) }
    const filter = await filterOf(policy)
    const months = await findDueMonths(filter, due)
    if (months.length === 0 && (await hasLeftPoints())) return [leftStep]
    return months.map(({ month, points }) => ({
      key: month,
      statement: `DOWNSAMPLE points of metrics of runs of ${month} to ${describe(due)}: first, last, least, greatest and latest stay, and one NaN`,
      counts: { rows: points, bytes: undefined },
      async run(run: StepRun) {
        const work = { month, plan: due, ownerId: randomUUID() }
        await alone(run, () => thinPoints(filter, work))
        return {}
      },
    }))
  }

  return { plan, check: async () => [] }
}

/** `1m before 2026-09-01T03:00:00.000Z, 1h before 2026-03-05T03:00:00.000Z` */
const describe = ({ kind, rungs }: DuePlan): string =>
  rungs
    .map(({ size, untilMs }) => {
      const unit = kind === 'time' ? spellMs(size) : `${size} steps`
      return `buckets of ${unit} before ${new Date(untilMs).toISOString()}`
    })
    .join(', ')
