// Sorts a history by the objects it is about: who wrote what, who saw what.
import {
  type Effect,
  type ExperimentView,
  effectOf,
  type Operation,
  type Read,
  type RunView,
  type Write,
} from './events.ts'

export interface Interval {
  invoked: number
  returned: number
}

export type WriteOf<Of extends Write['of']> = Extract<Write, { of: Of }> & Interval & { effect: Effect }
export type ReadOf<Of extends Read['of']> = Extract<Read, { of: Of }> & Interval & { kind: string }

export interface Index {
  /** Writes that took effect or may have. */
  writes: <Of extends Write['of']>(of: Of) => WriteOf<Of>[]
  reads: <Of extends Read['of']>(of: Of) => ReadOf<Of>[]
  /** Every sight of a run, whichever endpoint showed it. */
  runViews: (RunView & Interval)[]
  experimentViews: (ExperimentView & Interval)[]
}

export function indexHistory(history: readonly Operation[]): Index {
  const writes = history.flatMap((operation) => {
    const effect = effectOf(operation)
    const { invoked, returned } = operation
    return effect ? operation.writes.map((write) => ({ ...write, effect, invoked, returned })) : []
  })
  const reads = history.flatMap(({ reads, invoked, returned, kind }) =>
    reads.map((read) => ({ ...read, invoked, returned, kind })),
  )
  const readsOf = <Of extends Read['of']>(of: Of) => reads.filter((read) => read.of === of) as ReadOf<Of>[]
  return {
    writes: <Of extends Write['of']>(of: Of) => writes.filter((write) => write.of === of) as WriteOf<Of>[],
    reads: readsOf,
    runViews: [
      ...readsOf('run').flatMap(({ run, ...read }) => (run ? [seen(run, read)] : [])),
      ...readsOf('runs').flatMap(({ runs, ...read }) => runs.map((run) => seen(run, read))),
    ],
    experimentViews: [
      ...[...readsOf('experiment'), ...readsOf('name')].flatMap(({ experiment, ...read }) =>
        experiment ? [seen(experiment, read)] : [],
      ),
      ...readsOf('experiments').flatMap(({ experiments, ...read }) =>
        experiments.map((experiment) => seen(experiment, read)),
      ),
    ],
  }
}

const seen = <View>(view: View, { invoked, returned }: Interval): View & Interval => ({
  ...view,
  invoked,
  returned,
})
